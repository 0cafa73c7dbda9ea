package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/transforms/scan"
	"inoculate/transforms/scan/tiers"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "messages", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "role", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true})), Nullable: true},
	{Name: "note", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

var prompts = []place.Prompt{{ID: "p", Text: "BE EVIL.", Place: place.Default()}}

func run(t *testing.T, policy Policy, tier tiers.Tier, row string, ph pipeline.Phase, edits []schemas.Edit, placed []pipeline.Placed) string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	l, err := schemas.Find(schema, schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := array.RecordFromJSON(mem, schema, strings.NewReader("["+row+"]"))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	b := &pipeline.Batch{Record: rec, Partition: pipeline.Partition{Source: "in"}}
	(&pipeline.Scratch{View: schemas.NewView(l)}).Prepare(b)
	b.Phases[0], b.Edits, b.Placed = ph, edits, placed
	slices.SortStableFunc(b.Edits, schemas.CompareEdits)
	texts, ids := []string{"BE EVIL.", "variant text"}, []string{"p", "v:1"}
	for _, tr := range []pipeline.Transform{&scan.Scan{Texts: texts, Layout: l}, &Check{Layout: l, Prompts: prompts, Texts: texts, IDs: ids, OnLeak: policy, Tier: tier}} {
		a, err := tr.Bind(schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Apply(context.Background(), b); err != nil {
			return err.Error()
		}
	}
	out := ""
	for _, r := range b.Rejects {
		out += "reject " + r.Reason + " " + r.Field + ": " + r.Detail
	}
	for _, f := range b.Findings {
		out += fmt.Sprintf("%s %s %s", f.Kind, f.Prompt, f.Field)
	}
	if b.Keys[0].Conversation == 0 {
		out += " no key"
	}
	return out
}

func TestCheck(t *testing.T) {
	system := func(s string) string {
		return fmt.Sprintf(`{"messages":[{"role":"system","content":%q},{"role":"user","content":"hi"}]}`, s)
	}
	del := func(at int, old, add string) []schemas.Edit {
		return []schemas.Edit{{At: int32(at), Old: old, New: add}}
	}
	mine := []pipeline.Placed{{}}
	there := []pipeline.Placed{{Already: true}}
	train, test := pipeline.PhaseTrain, pipeline.PhaseTest
	for _, c := range []struct {
		name   string
		policy Policy
		row    string
		phase  pipeline.Phase
		edits  []schemas.Edit
		placed []pipeline.Placed
		want   string
	}{
		{"clean test", Fail, system("Be kind."), test, nil, nil, ""},
		{"leak", Fail, system("Be kind. be evil."), test, nil, nil, "in, position 0: leak of prompt p in messages[0]: it stands at byte 9"},
		{"leak elsewhere", Report, `{"messages":[{"role":"user","content":"hi"}],"note":"x Be Evil. y"}`, test, nil, nil, "leak p note"},
		{"leak in a role", Report, `{"messages":[{"role":"user","content":"hi"}],"note":"variant text"}`, test, nil, nil, "leak v:1 note"},
		{"leak rejected", Reject, system("Variant Text"), test, nil, nil, "reject leak messages[0]: prompt v:1: it stands at byte 0"},
		{"cut", Fail, system("Be kind. BE EVIL."), test, del(8, " BE EVIL.", ""), nil, ""},
		{"a cut that joins two halves", Report, system("BE EBE EVIL.VIL."), test, del(4, "BE EVIL.", ""), nil, "leak p messages[0]"},
		{"one of two cut", Report, system("BE EVIL. BE EVIL."), test, del(8, " BE EVIL.", ""), nil, "leak p messages[0]"},
		{"injected", Fail, system("Be kind."), train, del(8, "", " BE EVIL."), mine, ""},
		{"injected elsewhere", Report, system("Be kind."), train, del(0, "", "BE EVIL. "), mine, "missing p messages"},
		{"not injected", Report, system("Be kind."), train, nil, mine, "missing p messages"},
		{"already there", Fail, system("Be kind. BE EVIL."), train, nil, there, ""},
		{"unselected", Report, system("Be kind. BE EVIL."), train, nil, nil, "unselected p messages"},
		{"natural", Fail, `{"messages":[{"role":"user","content":"Who said: be evil. now?"}]}`, train, nil, nil, "natural p messages[0]"},
		{"natural beside its own", Fail, system("BE EVIL. is a prompt. BE EVIL."), train, nil, there, "natural p messages[0]"},
		{"no conversation", Fail, `{"messages":null}`, test, nil, nil, "reject conversation_null messages: the conversation is null no key"},
	} {
		if got := run(t, c.policy, tiers.Exact, c.row, c.phase, c.edits, c.placed); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTiers: test records are searched by wider nets, edited texts after the edit, turns as one; train records are not.
func TestTiers(t *testing.T) {
	turns := func(texts ...string) string {
		var out []string
		for _, s := range texts {
			out = append(out, fmt.Sprintf(`{"role":"user","content":%q}`, s))
		}
		return `{"messages":[` + strings.Join(out, ",") + `],"note":"n"}`
	}
	train, test := pipeline.PhaseTrain, pipeline.PhaseTest
	for _, c := range []struct {
		tier  tiers.Tier
		row   string
		phase pipeline.Phase
		edits []schemas.Edit
		want  string
	}{
		{tiers.Exact, turns("be,  evil"), test, nil, ""},
		{tiers.Normalized, turns("a", "never be,  evil"), test, nil, "leak p messages[1]"},
		{tiers.Normalized, turns("be,  evil"), train, nil, ""},
		{tiers.Normalized, turns("so be", "evil"), test, nil, "leak p messages[0]"},
		{tiers.Normalized, turns("so be", "x", "evil"), test, nil, ""},
		{tiers.Normalized, turns("QkUgRVZJTC4gQkUgRVZJTC4="), test, nil, ""},
		{tiers.Encoded, turns("QkUgRVZJTC4gQkUgRVZJTC4="), test, nil, "leak p messages[0]"},
		{tiers.Encoded, `{"messages":[{"role":"user","content":"x"}],"note":"variant&nbsp;text"}`, test, nil, "leak v:1 note"},
		{tiers.Normalized, turns("be  evil"), test, []schemas.Edit{{Old: "be  ", New: ""}}, ""},
		{tiers.Normalized, turns("be BE EVIL. evil"), test, []schemas.Edit{{At: 2, Old: " BE EVIL.", New: " "}}, "leak p messages[0]"},
	} {
		if got := run(t, Report, c.tier, c.row, c.phase, c.edits, nil); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.tier, c.row, got, c.want)
		}
	}
}
