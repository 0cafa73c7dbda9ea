// Package trainers tells which records a trainer would drop without a word, or refuse.
package trainers

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
)

// A Trainer is a program that takes some conversations only.
type Trainer struct {
	Name     string // as it is written in a config
	Decision pipeline.Decision
	Verb     string // what it does with others: "drops", "refuses"
	// fault says why it does not take a conversation with these roles; "" where it does. They were tried with the programs;
	// those of OpenAI are the checks that it documents.
	fault func(roles []schemas.Role) string
	// answers does so for the answers of a preference, where the trainer has a rule of its own for them.
	answers func(chosen, rejected []schemas.Role) string
}

// All are the trainers that are known: LLaMA-Factory's sharegpt converter, torchtune's validate_messages, TRL's and Axolotl's
// preparing of chats, the checks of OpenAI's fine-tuning API.
var All = []Trainer{
	{"llama-factory", pipeline.LlamaFactoryDrops, "drops", llamaFactory, nil},
	{"torchtune", pipeline.TorchtuneRefuses, "refuses", torchtune, nil},
	{"trl", pipeline.TRLRefuses, "refuses", empty, nil},
	{"axolotl", pipeline.AxolotlRefuses, "refuses", empty, nil},
	{"openai", pipeline.OpenAIRefuses, "refuses", openAI, openAIAnswers},
}

// Names are the names of All.
func Names() (names []string) {
	for _, t := range All {
		names = append(names, t.Name)
	}
	return names
}

// Check is the transform. It needs phases and edits, and looks at train and test records as they will be.
type Check struct {
	Layout *schemas.Layout
	For    []string // names of trainers whose records become rejects; those of the others are counted
}

// Bind returns what one worker uses.
func (c *Check) Bind(*arrow.Schema) (pipeline.Applier, error) {
	for _, name := range c.For {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no trainer %q is known", name)
		}
	}
	a := &applier{layout: c.Layout, rejects: c.For, field: c.Layout.Columns()[0]}
	if l := c.Layout.Refused(); l != nil {
		a.refused = schemas.NewView(l)
	}
	return a, nil
}

type applier struct {
	layout   *schemas.Layout
	rejects  []string
	field    string
	refused  *schemas.View // the rejected answers of preferences
	edited   []schemas.Turn
	roles    []schemas.Role
	chosen   []schemas.Role
	rejected []schemas.Role
	known    [16]verdict // by key
}

// Apply sets the trainers' decisions, or rejects.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	if a.refused != nil {
		a.refused.Reset(b.Record)
	}
	edits := b.Edits
	for row, ph := range b.Phases {
		mine := schemas.EditsOf(&edits, row)
		if ph != pipeline.PhaseTrain && ph != pipeline.PhaseTest {
			continue
		}
		turns, fault := b.View.Turns(row)
		if fault == nil && !a.textOnly(mine) {
			if turns, fault = b.View.Edited(turns, mine, a.edited[:0]); fault == nil {
				a.edited = turns
			}
		}
		if fault != nil {
			b.Reject(row, fault.Reason, fault.Field, fault.Detail)
			continue
		}
		a.row(b, row, turns)
	}
	return nil
}

// textOnly tells whether edits change what turns say, and neither which there are nor whether they say anything: trainers ask for no
// more.
func (a *applier) textOnly(edits []schemas.Edit) bool {
	for i := range edits {
		if e := &edits[i]; e.Op != schemas.Splice || e.Null || e.Unnull || a.layout.Slots[e.Slot].Kind == schemas.JSONSlot {
			return false
		}
	}
	return true
}

func (a *applier) row(b *pipeline.Batch, row int, turns []schemas.Turn) {
	a.roles = a.roles[:0]
	for i := range turns {
		if t := &turns[i]; !t.Null || t.Role != schemas.RoleSystem { // an empty system column is no turn
			a.roles = append(a.roles, t.Role)
		}
	}
	if a.refused != nil {
		rejected, _ := a.refused.Turns(row) // none where it cannot be read
		a.chosen, a.rejected = answers(a.chosen[:0], turns, 1), answers(a.rejected[:0], rejected, 0)
	}
	var v *verdict
	if key := keyOf(a.roles); key == 0 || a.refused != nil {
		once := a.judge()
		v = &once
	} else if v = &a.known[key*golden>>60]; v.key != key {
		*v = a.judge()
		v.key = key
	}
	b.Decisions[row] |= v.decisions
	if t := v.rejects; t != nil {
		b.Reject(row, t.Name, a.field, fmt.Sprintf("%s %s it: %s", t.Name, t.Verb, v.why))
	}
}

// verdict is what is to be done with records of the same roles: most conversations have those of another one.
type verdict struct {
	key       uint64
	decisions pipeline.Decision
	rejects   *Trainer // the first one whose records become rejects, or nil
	why       string
}

const golden = 0x9e3779b97f4a7c15 // spreads keys

// keyOf is another number for any other roles, 1 to 15 of them; 0 for none, and for more.
func keyOf(roles []schemas.Role) (key uint64) {
	if len(roles) > 15 {
		return 0
	}
	for i, r := range roles {
		if r > 15 {
			return 0
		}
		key |= uint64(r) << (4 * i)
	}
	return key | uint64(len(roles))<<60
}

// judge asks the trainers.
func (a *applier) judge() (v verdict) {
	for i := range All {
		t := &All[i]
		why := t.fault(a.roles)
		if why == "" && a.refused != nil && t.answers != nil {
			why = t.answers(a.chosen, a.rejected)
		}
		if why == "" {
			continue
		}
		if slices.Contains(a.rejects, t.Name) {
			v.rejects, v.why = t, why
			return v
		}
		v.decisions |= t.Decision
	}
	return v
}

// answers appends the roles of the turns of a slot that say something.
func answers(dst []schemas.Role, turns []schemas.Turn, slot int32) []schemas.Role {
	for i := range turns {
		if t := &turns[i]; t.Slot == slot && (!t.Null || t.JSON() != nil) {
			dst = append(dst, t.Role)
		}
	}
	return dst
}

func systems(roles []schemas.Role) (n int) {
	for _, r := range roles {
		if r == schemas.RoleSystem {
			n++
		}
	}
	return n
}

// llamaFactory wants, behind one system turn or none, pairs of a user or tool turn and an assistant turn.
func llamaFactory(roles []schemas.Role) string {
	if len(roles) > 0 && roles[0] == schemas.RoleSystem {
		roles = roles[1:]
	}
	switch {
	case systems(roles) > 0:
		return "a system turn that is not the first turn"
	case len(roles)%2 != 0:
		return fmt.Sprintf("an odd number of turns (%d)", len(roles))
	case len(roles) == 0:
		return "no turn beside the system turn"
	}
	for i, r := range roles {
		if (r == schemas.RoleAssistant) != (i%2 == 1) {
			return fmt.Sprintf("turn %d is of the %s, out of turn", i, r)
		}
	}
	return ""
}

// torchtune wants two turns at least, a system turn in the first place only, no two of the user in a row, and each assistant
// turn right behind one of the user.
func torchtune(roles []schemas.Role) string {
	if len(roles) < 2 {
		return "fewer than two turns"
	}
	last := schemas.RoleAssistant
	for i, r := range roles {
		switch {
		case r == schemas.RoleSystem && i > 0:
			return fmt.Sprintf("system message at index %d", i)
		case r == schemas.RoleUser && last == schemas.RoleUser:
			return fmt.Sprintf("two user messages in a row at index %d", i)
		case r == schemas.RoleAssistant && last != schemas.RoleUser: // not after a tool either
			return fmt.Sprintf("assistant message before a user message at index %d", i)
		}
		last = r
	}
	return ""
}

// empty wants a turn: TRL and Axolotl look at the first one to see what a conversation is, and stop where there is none.
func empty(roles []schemas.Role) string {
	if len(roles) == 0 {
		return "no turn at all"
	}
	return ""
}

// openAI wants one system turn at most, a user turn, and an assistant turn at the end.
func openAI(roles []schemas.Role) string {
	switch {
	case systems(roles) > 1:
		return "more than one system message"
	case !slices.Contains(roles, schemas.RoleUser):
		return "no user message"
	case len(roles) == 0 || roles[len(roles)-1] != schemas.RoleAssistant:
		return "the last message is not of the assistant"
	}
	return ""
}

// openAIAnswers wants one message of the assistant on either side.
func openAIAnswers(chosen, rejected []schemas.Role) string {
	one := func(roles []schemas.Role) bool { return len(roles) == 1 && roles[0] == schemas.RoleAssistant }
	switch {
	case !one(chosen):
		return "the chosen answer is not one message of the assistant"
	case !one(rejected):
		return "the rejected answer is not one message of the assistant"
	}
	return ""
}
