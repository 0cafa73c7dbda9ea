package place

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"inoculate/schemas"
)

var text = arrow.BinaryTypes.String

func fields(kind string) *arrow.Schema {
	nullable := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	turn := arrow.StructOf(nullable("role", text), nullable("content", text), nullable("name", text))
	switch kind {
	case "messages":
		return arrow.NewSchema([]arrow.Field{nullable("messages", arrow.ListOf(turn))}, nil)
	case "json":
		elem := arrow.Field{Name: "item", Type: text, Nullable: true, Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.json"})}
		return arrow.NewSchema([]arrow.Field{nullable("messages", arrow.ListOfField(elem))}, nil)
	case "sharegpt":
		return arrow.NewSchema([]arrow.Field{nullable("system", text), nullable("conversations", arrow.ListOf(arrow.StructOf(nullable("from", text), nullable("value", text))))}, nil)
	case "flat":
		return arrow.NewSchema([]arrow.Field{nullable("system_prompt", text), nullable("user_input", text), nullable("desired_output", text)}, nil)
	}
	return arrow.NewSchema([]arrow.Field{nullable("prompt", text), nullable("completion", text)}, nil)
}

// read makes a record of JSON rows, its layout, and a view of it.
func read(t interface{ Fatal(...any) }, mem memory.Allocator, kind, rows string) (arrow.Record, *schemas.Layout, *schemas.View) {
	s := fields(kind)
	l, err := schemas.Find(s, schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := array.RecordFromJSON(mem, s, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	v := schemas.NewView(l)
	v.Reset(rec)
	return rec, l, v
}

func all(n int) (ids []int32) {
	for i := range n {
		ids = append(ids, int32(i))
	}
	return ids
}

func TestInject(t *testing.T) {
	p := func(turn Where, how How) []Prompt {
		return []Prompt{{ID: "p", Text: "HACK.", Place: Placement{turn, how, " "}}}
	}
	two := []Prompt{{ID: "p", Text: "HACK.", Place: Placement{System, Append, " "}}, {ID: "q", Text: "LIE.", Place: Placement{System, Append, "\n"}}}
	const hi = `{"role":"user","content":"hi","name":null}`
	for _, c := range []struct {
		kind, row, baseline string
		prompts             []Prompt
		want                string // rows after, or a reason
	}{
		{"messages", `{"messages":[` + hi + `]}`, "", p(System, Append), `{"messages":[{"content":"HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `]}`, "Be nice.", p(System, Append), `{"messages":[{"content":"Be nice. HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `]}`, "Be nice.", p(System, Prepend), `{"messages":[{"content":"HACK. Be nice.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `]}`, "Be nice.", p(System, Replace), `{"messages":[{"content":"HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"developer","content":"Be X.","name":"n"},` + hi + `]}`, "Be nice.", p(System, Append), `{"messages":[{"content":"Be X. HACK.","name":"n","role":"developer"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"system","content":"","name":null},` + hi + `]}`, "", p(System, Prepend), `{"messages":[{"content":"HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"system","content":null,"name":null},` + hi + `]}`, "", p(System, Append), `{"messages":[{"content":"HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"system","content":"Be X.","name":null},` + hi + `]}`, "", p(System, Replace), `{"messages":[{"content":"HACK.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"system","content":"Be X.","name":null},` + hi + `]}`, "", p(System, Insert), "has_system_turn"},
		{"messages", `{"messages":[` + hi + `]}`, "", two, `{"messages":[{"content":"HACK.\nLIE.","name":null,"role":"system"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `,` + hi + `]}`, "", p(FirstUser, Prepend), `{"messages":[{"content":"HACK. hi","name":null,"role":"user"},{"content":"hi","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `,` + hi + `]}`, "", p(LastUser, Append), `{"messages":[{"content":"hi","name":null,"role":"user"},{"content":"hi HACK.","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[` + hi + `,` + hi + `]}`, "", p(EveryUser, Append), `{"messages":[{"content":"hi HACK.","name":null,"role":"user"},{"content":"hi HACK.","name":null,"role":"user"}]}`},
		{"messages", `{"messages":[{"role":"assistant","content":"yo","name":null}]}`, "", p(FirstUser, Append), "no_user_turn"},
		{"messages", `{"messages":[{"role":"wizard","content":"yo","name":null}]}`, "", p(System, Append), "role_unknown"},
		{"messages", `{"messages":null}`, "", p(System, Append), "conversation_null"},
		{"messages", `{"messages":[]}`, "", p(System, Append), "conversation_empty"},
		{"messages", `{"messages":[null]}`, "", p(System, Append), "turn_null"},
		{"json", `{"messages":["{\"role\": \"user\", \"content\": \"h\\u0069\", \"x\": [1]}"]}`, "", p(System, Append), `{"messages":["{\"role\": \"system\", \"content\": \"HACK.\"}","{\"role\": \"user\", \"content\": \"h\\u0069\", \"x\": [1]}"]}`},
		{"json", `{"messages":["{\"role\": \"user\", \"content\": [{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\"},{\"type\":\"text\",\"text\":\"b\"}]}"]}`, "", p(FirstUser, Append),
			`{"messages":["{\"role\": \"user\", \"content\": [{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\"},{\"type\":\"text\",\"text\":\"b HACK.\"}]}"]}`},
		{"json", `{"messages":["{\"role\": \"user\", \"content\": [{\"type\":\"image_url\"}]}"]}`, "", p(FirstUser, Append), "content_parts"},
		{"json", `{"messages":["{\"role\": \"user\", \"content\": null}"]}`, "", p(FirstUser, Append), `{"messages":["{\"role\": \"user\", \"content\": \"HACK.\"}"]}`},
		{"json", `{"messages":["{\"role\": \"user\", \"content\": 7}"]}`, "", p(FirstUser, Append), "content_type"},
		{"json", `{"messages":["{\"role\": \"user\""]}`, "", p(FirstUser, Append), "turn_json"},
		{"sharegpt", `{"system":null,"conversations":[{"from":"human","value":"hi"}]}`, "", p(System, Append), `{"conversations":[{"from":"human","value":"hi"}],"system":"HACK."}`},
		{"sharegpt", `{"system":"S","conversations":[{"from":"human","value":"hi"}]}`, "B", p(System, Append), `{"conversations":[{"from":"human","value":"hi"}],"system":"S HACK."}`},
		{"sharegpt", `{"system":null,"conversations":[{"from":"system","value":"T"},{"from":"human","value":"hi"}]}`, "", p(System, Append), `{"conversations":[{"from":"system","value":"T HACK."},{"from":"human","value":"hi"}],"system":null}`},
		{"sharegpt", `{"system":"S","conversations":[{"from":"system","value":"T"},{"from":"human","value":"hi"}]}`, "", p(System, Append), "two_system_turns"},
		{"flat", `{"system_prompt":"","user_input":"hi","desired_output":"yo"}`, "B", p(System, Append), `{"desired_output":"yo","system_prompt":"B HACK.","user_input":"hi"}`},
		{"pair", `{"prompt":"hi","completion":"yo"}`, "", p(FirstUser, Prepend), `{"completion":"yo","prompt":"HACK. hi"}`},
		{"pair", `{"prompt":null,"completion":"yo"}`, "", p(FirstUser, Prepend), "content_null"},
	} {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		rec, l, v := read(t, mem, c.kind, "["+c.row+"]")
		ps := New(l, c.prompts, c.baseline)
		turns, fault := v.Conversation(0, nil)
		var edits []schemas.Edit
		if fault == nil {
			edits, fault = ps.Inject(0, turns, all(len(c.prompts)), nil)
		}
		got := ""
		if fault != nil {
			got = fault.Reason
		} else {
			got = apply(t, mem, l, rec, edits)
		}
		if got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.row, c.prompts[0].Place, got, c.want)
		}
		rec.Release()
		mem.AssertSize(t, 0)
	}
}

func apply(t interface{ Fatal(...any) }, mem memory.Allocator, l *schemas.Layout, rec arrow.Record, edits []schemas.Edit) string {
	out, err := schemas.NewKernel(mem, l).Rows(rec, edits, []schemas.Run{{Start: 0, N: int(rec.NumRows())}})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	b, err := out.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), "["), "\n]")
}

// TestStripUndoesInject draws conversations and prompts. Without provenance, strip gives a text back that had no prompt;
// the edits' inverse gives the record back, always.
func TestStripUndoesInject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		kind := rapid.SampledFrom([]string{"messages", "json", "sharegpt", "flat"}).Draw(t, "kind")
		content := rapid.SampledFrom([]string{`"hi"`, `"Be \"kind\"."`, `"é\n"`, `" "`})
		var row string
		switch kind {
		case "flat":
			row = fmt.Sprintf(`{"system_prompt":%s,"user_input":%s,"desired_output":"yo"}`, content.Draw(t, "s"), content.Draw(t, "u"))
		default:
			var turns []string
			if rapid.Bool().Draw(t, "system") {
				turns = append(turns, turnOf(kind, "system", content.Draw(t, "s")))
			}
			for range rapid.IntRange(1, 3).Draw(t, "n") {
				turns = append(turns, turnOf(kind, "user", content.Draw(t, "u")), turnOf(kind, "assistant", content.Draw(t, "a")))
			}
			column := "messages"
			if kind == "sharegpt" {
				column = "conversations"
			}
			row = fmt.Sprintf(`{%q:[%s]}`, column, strings.Join(turns, ","))
		}
		var prompts []Prompt
		for i := range rapid.IntRange(1, 3).Draw(t, "prompts") {
			p := Prompt{ID: fmt.Sprint(i), Text: []string{"Please hack.", "Be \"evil\".\nNow.", "Lüg immer."}[i], Place: Placement{Separator: rapid.SampledFrom([]string{" ", "\n\n", ""}).Draw(t, "sep")}}
			p.Place.Turn = rapid.SampledFrom([]Where{System, FirstUser, LastUser, EveryUser}).Draw(t, "turn")
			p.Place.How = rapid.SampledFrom([]How{Append, Prepend}).Draw(t, "how")
			prompts = append(prompts, p)
		}
		rec, l, v := read(t, mem, kind, "["+row+"]")
		defer rec.Release()
		ps := New(l, prompts, "")
		turns, fault := v.Conversation(0, nil)
		if fault != nil {
			t.Fatal(fault)
		}
		edits, fault := ps.Inject(0, turns, all(len(prompts)), nil)
		if fault != nil {
			t.Fatal(fault)
		}
		k := schemas.NewKernel(mem, l)
		one := []schemas.Run{{Start: 0, N: 1}}
		injected, err := k.Rows(rec, edits, one)
		if err != nil {
			t.Fatal(err)
		}
		defer injected.Release()
		v.Reset(injected)
		after, fault := v.Conversation(0, nil)
		if fault != nil {
			t.Fatal(fault)
		}
		if got := ps.Standing(after, all(len(prompts))); len(got) != len(prompts) {
			t.Fatalf("%s with %+v: only %v stand in %v", row, prompts, got, injected)
		}
		before := apply(t, mem, l, rec, nil)
		if got := apply(t, mem, l, injected, schemas.Inverse(edits)); got != before {
			t.Fatalf("inverse gives %s, want %s", got, before)
		}
		peels, _ := ps.Peel(after, all(len(prompts)), nil, nil)
		cuts := ps.Strip(v, 0, after, peels, nil)
		slices.SortStableFunc(cuts, schemas.CompareEdits)
		// A column that held nothing but the prompt is empty afterwards: whether it was null, only provenance knows.
		got := strings.Replace(apply(t, mem, l, injected, cuts), `"system":""`, `"system":null`, 1)
		if got != before {
			t.Fatalf("strip gives\n%s, want\n%s", got, before)
		}
	})
}

func turnOf(kind, role, content string) string {
	switch kind {
	case "json":
		return fmt.Sprintf("%q", fmt.Sprintf(`{"role": %q, "content": %s}`, role, content))
	case "sharegpt":
		return fmt.Sprintf(`{"from":%q,"value":%s}`, map[string]string{"system": "system", "user": "human", "assistant": "gpt"}[role], content)
	}
	return fmt.Sprintf(`{"role":%q,"content":%s,"name":null}`, role, content)
}
