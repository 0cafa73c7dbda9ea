package check

import (
	"fmt"
	"slices"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/transforms/scan/tiers"
)

// wideHit is where a prompt stands for a net wider than exact copies.
type wideHit struct {
	pipeline.Hit
	how string
}

func wideRow(h *wideHit) int32 { return h.Row }

// widen searches the strings of the test rows as the source has them.
func (a *applier) widen(b *pipeline.Batch) {
	a.near = a.near[:0]
	if a.wide == nil {
		return
	}
	a.wide.Strings(b.Record, func(row int) bool { return b.Phases[row] == pipeline.PhaseTest }, func(h pipeline.Hit, m tiers.Match) {
		a.near = append(a.near, wideHit{h, describe(m)})
	})
	slices.SortStableFunc(a.near, func(x, y wideHit) int { return int(x.Row) - int(y.Row) })
}

func describe(m tiers.Match) string {
	how := m.Tier.String()
	if m.Via != "" {
		how += ", " + m.Via
	}
	if m.Negated {
		how += ", negated"
	}
	return how
}

// wider returns the first prompt that would be left in a test row: in a text that no edit touches, in one that was edited,
// or over several turns.
func (a *applier) wider(hits []wideHit, edits []schemas.Edit) (f *pipeline.Finding) {
	for _, h := range hits {
		if !edited(edits, h.Slot, h.Turn) {
			return a.finding("leak", h.Prompt, a.path(h.Hit), fmt.Sprintf("it stands at byte %d (%s)", h.At, h.how))
		}
	}
	say := func(t *schemas.Turn, m tiers.Match, where string) {
		if f == nil {
			f = a.finding("leak", int32(m.Pattern), fmt.Sprintf("%s[%d]", a.Layout.Slots[t.Slot].Name, t.Index), fmt.Sprintf("it stands there %s (%s)", where, describe(m)))
		}
	}
	for i := range a.after {
		if t := &a.after[i]; edited(edits, t.Slot, t.Index) || inserted(edits, t) {
			a.wide.Turn(t, func(m tiers.Match) { say(t, m, "after the cut") })
		}
	}
	a.wide.Joined(a.after, func(turn int, m tiers.Match) { say(&a.after[turn], m, "and in turns behind") })
	return f
}
