package jsonedit

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"pgregory.net/rapid"

	"inoculate/schemas"
	"inoculate/schemas/jsontext"
)

func layout(t interface{ Fatal(...any) }) *schemas.Layout {
	text := arrow.BinaryTypes.String
	turn := arrow.StructOf(arrow.Field{Name: "from", Type: text, Nullable: true}, arrow.Field{Name: "value", Type: text, Nullable: true}, arrow.Field{Name: "x", Type: text, Nullable: true})
	l, err := schemas.Find(arrow.NewSchema([]arrow.Field{
		{Name: "system", Type: text, Nullable: true},
		{Name: "conversations", Type: arrow.ListOf(turn), Nullable: true},
	}, nil), schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAppend(t *testing.T) {
	ins := func(turn int32, text string) schemas.Edit {
		return schemas.Edit{Slot: 1, Turn: turn, Op: schemas.InsertTurn, Role: "system", New: text}
	}
	del := func(turn int32, role, text string) schemas.Edit {
		return schemas.Edit{Slot: 1, Turn: turn, Op: schemas.DeleteTurn, Role: role, Old: text}
	}
	for _, c := range []struct {
		raw   string
		edits []schemas.Edit
		want  string
	}{
		{`{"n": 1.50e1,  "conversations":[ {"from":"human","value":"h\u0069 \"you\""} ]}`, []schemas.Edit{ins(0, "P\n")},
			`{"n": 1.50e1,  "conversations":[ {"from": "system", "value": "P\n"}, {"from":"human","value":"h\u0069 \"you\""} ]}`},
		{`{"conversations":[{"from":"human","value":"h\u0069 \"you\""}]}`, []schemas.Edit{{Slot: 1, At: 8, New: " P", Prompt: 0}},
			`{"conversations":[{"from":"human","value":"h\u0069 \"you\" P"}]}`},
		{`{"conversations":[{"from":"human","value":"h\u0069 \"you\""}]}`, []schemas.Edit{{Slot: 1, At: 1, Old: `i "`, New: "\x00"}},
			`{"conversations":[{"from":"human","value":"h\u0000you\""}]}`},
		{`{"conversations":[{"from":"human"}]}`, []schemas.Edit{{Slot: 1, Null: true, New: "P"}}, `{"conversations":[{"from":"human", "value": "P"}]}`},
		{`{"conversations":[{"from":"human","value":null}]}`, []schemas.Edit{{Slot: 1, Null: true, New: "P"}}, `{"conversations":[{"from":"human","value":"P"}]}`},
		{`{"conversations":[{"from":"human","value":"P"}]}`, []schemas.Edit{{Slot: 1, Unnull: true, Old: "P"}}, `{"conversations":[{"from":"human","value":null}]}`},
		{`{"conversations":[]}`, []schemas.Edit{{Slot: 0, Null: true, New: "P"}, ins(0, "Q")}, `{"conversations":[{"from": "system", "value": "Q"}], "system": "P"}`},
		{`{"system":"a","conversations":[{"from":"a","value":"1"} , {"from":"b","value":"2"}, {"from":"c","value":"3"}]}`, []schemas.Edit{{Slot: 0, At: 1, New: "b"}, del(0, "a", "1")},
			`{"system":"ab","conversations":[{"from":"b","value":"2"}, {"from":"c","value":"3"}]}`},
		{`{"conversations":[{"from":"a","value":"1"} , {"from":"b","value":"2"}, {"from":"c","value":"3"}]}`, []schemas.Edit{del(1, "b", "2"), ins(2, "Q"), del(2, "c", "3")},
			`{"conversations":[{"from":"a","value":"1"}, {"from": "system", "value": "Q"}]}`},
		{`{"conversations":[ {"from":"a","value":"1","x":null} ]}`, []schemas.Edit{ins(0, "P"), del(0, "a", "1"), ins(1, "Q")},
			`{"conversations":[ {"from": "system", "value": "P"}, {"from": "system", "value": "Q"} ]}`},
		{`{"a":"\u0063","\u0063onversations":[]}`, nil, `{"a":"\u0063","\u0063onversations":[]}`},
	} {
		got, err := New(layout(t)).Append(nil, []byte(c.raw), c.edits)
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", c.raw, got, err, c.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	raw := []byte(`{"system":"a","conversations":[{"from":"a","value":"1","x":"y"}]}`)
	for _, e := range []schemas.Edit{
		{Slot: 0, Old: "b"}, {Slot: 0, Null: true}, {Slot: 0, At: 1, Old: "x"}, {Slot: 0, Unnull: true, Old: "b"},
		{Slot: 1, Op: schemas.DeleteTurn, Role: "a", Old: "1"}, // it holds more
	} {
		var misfit *schemas.MisfitError
		if got, err := New(layout(t)).Append(nil, raw, []schemas.Edit{e}); !errors.As(err, &misfit) {
			t.Errorf("%+v: %s, %v", e, got, err)
		}
	}
	if _, err := New(layout(t)).Append(nil, raw, []schemas.Edit{{Slot: 1, Turn: 3}}); err == nil {
		t.Error("edit of a turn that is not there")
	}
}

// TestInverse draws records and edits, and holds the text edit against the same edits done on values; the inverse gives
// the record back, as values.
func TestInverse(t *testing.T) {
	l := layout(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "a", "be \"kind\"\n", "é\u2028\U0001F600", "\\"})
		var turns []string
		type turn struct{ role, text string }
		var values []turn
		for range rapid.IntRange(0, 4).Draw(t, "turns") {
			v := turn{text.Draw(t, "role"), text.Draw(t, "text")}
			quote := func(s string) string {
				if rapid.Bool().Draw(t, "ascii") {
					b, _ := json.Marshal(s)
					return strings.ReplaceAll(string(b), "é", `\u00e9`)
				}
				return string(jsontext.AppendQuoted(nil, s))
			}
			values = append(values, v)
			turns = append(turns, `{"from":`+quote(v.role)+` , "value" : `+quote(v.text)+`}`)
		}
		sep := rapid.SampledFrom([]string{",", ", ", " ,\t"}).Draw(t, "sep")
		raw := `{"id": 1e2, "conversations": [` + strings.Join(turns, sep) + `], "tail": [{}]}`
		var edits []schemas.Edit
		var want []turn
		for i := 0; i <= len(values); i++ {
			for rapid.IntRange(0, 3).Draw(t, "insert") == 0 {
				e := schemas.Edit{Slot: 1, Turn: int32(i), Op: schemas.InsertTurn, Role: "system", New: text.Draw(t, "new")}
				edits, want = append(edits, e), append(want, turn{e.Role, e.New})
			}
			if i == len(values) {
				break
			}
			v := values[i]
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				edits = append(edits, schemas.Edit{Slot: 1, Turn: int32(i), Op: schemas.DeleteTurn, Role: v.role, Old: v.text})
				continue
			case 1:
				runes := []rune(v.text)
				lo := rapid.IntRange(0, len(runes)).Draw(t, "lo")
				hi := rapid.IntRange(lo, len(runes)).Draw(t, "hi")
				e := schemas.Edit{Slot: 1, Turn: int32(i), At: int32(len(string(runes[:lo]))), Old: string(runes[lo:hi]), New: text.Draw(t, "new")}
				edits = append(edits, e)
				v.text = string(schemas.ApplyTo(nil, []byte(v.text), []schemas.Edit{e}))
			}
			want = append(want, v)
		}
		if !slices.IsSortedFunc(edits, schemas.CompareEdits) {
			t.Fatal("edits out of order")
		}
		out, err := New(l).Append(nil, []byte(raw), edits)
		if err != nil {
			t.Fatalf("%s %+v: %v", raw, edits, err)
		}
		if err := jsontext.Valid(out); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		var got struct {
			Conversations []struct{ From, Value string }
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Conversations) != len(want) {
			t.Fatalf("%s\n%s\nwant %+v", raw, out, want)
		}
		for i, w := range want {
			if got.Conversations[i] != struct{ From, Value string }{w.role, w.text} {
				t.Fatalf("%s\n%s\nwant %+v", raw, out, want)
			}
		}
		back, err := New(l).Append(nil, out, schemas.Inverse(edits))
		if err != nil {
			t.Fatalf("%s\n%s\n%+v: %v", raw, out, edits, err)
		}
		var a, b any
		if json.Unmarshal([]byte(raw), &a) != nil || json.Unmarshal(back, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%s\n%s\n%s", raw, out, back)
		}
	})
}
