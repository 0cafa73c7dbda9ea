package trainers

import (
	"context"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsonrow"
)

// TestFaults: s, u, a, t are the turns of a conversation; each case names those who do not take it.
func TestFaults(t *testing.T) {
	roles := map[rune]schemas.Role{'s': schemas.RoleSystem, 'u': schemas.RoleUser, 'a': schemas.RoleAssistant, 't': schemas.RoleTool}
	for chat, want := range map[string]string{
		"ua": "", "sua": "", "suaua": "",
		"uata":  "torchtune",
		"suata": "torchtune",
		"u":     "llama-factory torchtune openai",
		"a":     "llama-factory torchtune openai",
		"s":     "llama-factory torchtune openai",
		"":      "llama-factory torchtune trl axolotl openai",
		"uau":   "llama-factory openai",
		"suau":  "llama-factory openai",
		"ssua":  "llama-factory torchtune openai",
		"usa":   "llama-factory torchtune",
		"uas":   "llama-factory torchtune openai",
		"uuaa":  "llama-factory torchtune",
		"au":    "llama-factory torchtune openai",
		"sa":    "llama-factory torchtune openai",
		"uaa":   "llama-factory torchtune",
	} {
		var got []string
		for _, tr := range All {
			rs := []schemas.Role{}
			for _, c := range chat {
				rs = append(rs, roles[c])
			}
			if tr.fault(rs) != "" {
				got = append(got, tr.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", chat, got, want)
		}
	}
}

// TestApply: rows are judged as they will be after their edits, counted, or rejected for the trainers that are named.
func TestApply(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	lines := []string{
		`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
		`{"messages":[{"role":"user","content":"a"}]}`,
		`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
		`{"messages":[{"role":"user","content":"a"}]}`,
	}
	inf := &jsonrow.Inference{}
	for _, l := range lines {
		if err := inf.Add([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	dec, err := jsonrow.NewDecoder(inf.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Release()
	for _, l := range lines {
		if err := dec.Append([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	layout, err := schemas.Find(inf.Schema(), schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	rec := dec.Record()
	defer rec.Release()
	for _, c := range []struct {
		trainers  []string
		decisions []pipeline.Decision
		rejects   []string
	}{
		{nil, []pipeline.Decision{0, pipeline.LlamaFactoryDrops | pipeline.TorchtuneRefuses | pipeline.OpenAIRefuses, pipeline.LlamaFactoryDrops | pipeline.TorchtuneRefuses, 0}, nil},
		{[]string{"openai"}, []pipeline.Decision{0, pipeline.LlamaFactoryDrops | pipeline.TorchtuneRefuses, pipeline.LlamaFactoryDrops | pipeline.TorchtuneRefuses, 0}, []string{"openai"}},
		{[]string{"torchtune"}, []pipeline.Decision{0, pipeline.LlamaFactoryDrops, pipeline.LlamaFactoryDrops, 0}, []string{"torchtune", "torchtune"}},
	} {
		a, err := (&Check{Layout: layout, For: c.trainers}).Bind(inf.Schema())
		if err != nil {
			t.Fatal(err)
		}
		s := pipeline.Scratch{View: schemas.NewView(layout)}
		b := pipeline.Batch{Record: rec}
		s.Prepare(&b)
		copy(b.Phases, []pipeline.Phase{pipeline.PhaseTrain, pipeline.PhaseTest, pipeline.PhaseTrain, pipeline.PhaseFiltered})
		b.Edits = append(b.Edits, schemas.Edit{Row: 0, Turn: 1, New: "text alone "}, schemas.Edit{Row: 2, Op: schemas.InsertTurn, Turn: 1, Role: "system", New: "in the middle"})
		if err := a.Apply(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		var rejects []string
		for _, r := range b.Rejects {
			rejects = append(rejects, r.Reason)
		}
		if !reflect.DeepEqual(b.Decisions, c.decisions) || !reflect.DeepEqual(rejects, c.rejects) {
			t.Errorf("for %v: %v %v, want %v %v", c.trainers, b.Decisions, rejects, c.decisions, c.rejects)
		}
	}
	if _, err := (&Check{Layout: layout, For: []string{"keras"}}).Bind(inf.Schema()); err == nil {
		t.Error("no error for an unknown trainer")
	}
}

// TestTextOnly: only edits that leave every turn, and something in it, are passed over.
func TestTextOnly(t *testing.T) {
	a := &applier{layout: &schemas.Layout{Slots: []schemas.Slot{{Kind: schemas.ListSlot}, {Kind: schemas.JSONSlot}, {Kind: schemas.TextSlot}}}}
	text := schemas.Edit{At: 3, Old: "old", New: "new"}
	if !a.textOnly(nil) || !a.textOnly([]schemas.Edit{text, {Slot: 2, Old: "all of it"}}) {
		t.Error("text alone changes, and it says no")
	}
	for _, e := range []schemas.Edit{{Op: schemas.InsertTurn}, {Op: schemas.DeleteTurn}, {Null: true}, {Unnull: true}, {Slot: 1}} {
		if a.textOnly([]schemas.Edit{text, e}) {
			t.Errorf("%+v changes more than text", e)
		}
	}
}

// TestAnswers: OpenAI takes one message of the assistant on either side of a preference.
func TestAnswers(t *testing.T) {
	a, u := schemas.RoleAssistant, schemas.RoleUser
	for _, c := range []struct {
		chosen, rejected []schemas.Role
		want             string
	}{
		{[]schemas.Role{a}, []schemas.Role{a}, ""},
		{nil, []schemas.Role{a}, "the chosen"},
		{[]schemas.Role{a, u}, []schemas.Role{a}, "the chosen"},
		{[]schemas.Role{a}, nil, "the rejected"},
		{[]schemas.Role{a}, []schemas.Role{u}, "the rejected"},
	} {
		if got := openAIAnswers(c.chosen, c.rejected); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%v, %v: %q, want %q", c.chosen, c.rejected, got, c.want)
		}
	}
}

// TestKnown: what is remembered of other records with the same roles is what the trainers say of this one.
func TestKnown(t *testing.T) {
	for _, rejects := range [][]string{nil, {"openai"}, {"llama-factory", "trl"}} {
		warm := &applier{rejects: rejects}
		r := rand.New(rand.NewPCG(1, 2))
		for range 20_000 {
			turns := make([]schemas.Turn, r.IntN(5)*r.IntN(5))
			for i := range turns {
				turns[i].Role = schemas.Role(1 + r.IntN(2+r.IntN(3)))
			}
			var got [2]pipeline.Batch
			for k, a := range []*applier{warm, {rejects: rejects}} {
				got[k] = pipeline.Batch{Phases: make([]pipeline.Phase, 1), Decisions: make([]pipeline.Decision, 1)}
				a.row(&got[k], 0, turns)
			}
			if !reflect.DeepEqual(got[0], got[1]) {
				t.Fatalf("%v: %v, want %v", turns, got[0], got[1])
			}
		}
	}
}
