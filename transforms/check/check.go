// Package check proves the separation of a batch before it is written: no prompt is left in a test record, each chosen
// train record carries its prompts at their place, and no other does.
package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/transforms/scan"
	"inoculate/transforms/scan/literal"
	"inoculate/transforms/scan/tiers"
)

// Policy says what happens to a record that breaks the separation.
type Policy string

// The policies there are.
const (
	Fail   Policy = "fail"   // the run stops
	Reject Policy = "reject" // the record goes to rejects
	Report Policy = "report" // the record goes on, and the run's report and exit code say so
)

// Check is the transform. It needs phases, hits, placed and edits, and comes last.
type Check struct {
	Layout   *schemas.Layout
	Prompts  []place.Prompt // those that can be placed; the first of Texts
	Texts    []string       // every text that must not be in a test record
	IDs      []string       // of the Texts
	Baseline string
	OnLeak   Policy
	TestOnly bool       // train records are not checked: they are being put back to what they were
	Tier     tiers.Tier // how far a text in a test record may be from a prompt to be a leak
}

// Bind makes the applier.
func (c *Check) Bind(in *arrow.Schema) (pipeline.Applier, error) {
	a := &applier{Check: *c, place: place.New(c.Layout, c.Prompts, c.Baseline), set: literal.New(c.Texts), leaves: scan.Leaves(in)}
	if c.Tier > tiers.Exact {
		a.wide = scan.NewWide(in, c.Layout, scan.Set(c.Texts, c.IDs, c.Tier))
	}
	return a, nil
}

// A ViolationError stops a run whose policy is fail.
type ViolationError struct {
	Source   string
	Position int64
	Finding  pipeline.Finding
}

func (e *ViolationError) Error() string {
	return fmt.Sprintf("%s, position %d: %s of prompt %s in %s: %s", e.Source, e.Position, e.Finding.Kind, e.Finding.Prompt, e.Finding.Field, e.Finding.Detail)
}

type applier struct {
	Check
	place  *place.Prompts
	set    *literal.Set
	leaves []string
	turns  []schemas.Turn
	after  []schemas.Turn // the turns as they will be: turns, or edited
	edited []schemas.Turn
	ids    []int32
	peels  []place.Peel
	found  []int32
	stand  []int32
	buf    []byte
	hasher hasher
	wide   *scan.Wide // nil where exact copies are all that is looked for
	near   []wideHit  // of the batch, by row
}

// Apply looks at the rows that have hits or edits, and fills b.Keys for all.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	b.Keys = slices.Grow(b.Keys[:0], len(b.Phases))[:len(b.Phases)]
	clear(b.Keys)
	hits, edits, placed := b.Hits, b.Edits, b.Placed
	a.widen(b)
	near := a.near
	for row, ph := range b.Phases {
		h, e, p := rowsOf(&hits, row, hitRow), rowsOf(&edits, row, editRow), rowsOf(&placed, row, placedRow)
		n := rowsOf(&near, row, wideRow)
		if ph != pipeline.PhaseTrain && ph != pipeline.PhaseTest {
			continue
		}
		var fault *schemas.Fault
		if a.turns, fault = b.View.Turns(row); fault != nil {
			b.Reject(row, fault.Reason, fault.Field, fault.Detail)
			continue
		}
		a.after = a.turns
		if len(e) > 0 {
			if a.edited, fault = b.View.Edited(a.turns, e, a.edited[:0]); fault != nil {
				return fmt.Errorf("%s, position %d: the edits left no readable conversation: %s", b.Partition.Source, b.Position(row), fault.Detail)
			}
			a.after = a.edited
		}
		if ph == pipeline.PhaseTest {
			b.Keys[row] = a.hasher.key(a.after)
		} else {
			b.Keys[row] = a.hasher.key(a.turns)
		}
		if len(h)+len(e)+len(p) == 0 && (a.wide == nil || ph == pipeline.PhaseTrain) {
			continue
		}
		var finding *pipeline.Finding
		if ph == pipeline.PhaseTest {
			if finding = a.test(h, e); finding == nil && a.wide != nil {
				finding = a.wider(n, e)
			}
		} else if !a.TestOnly {
			finding = a.train(b, row, h, e, p)
		}
		if finding != nil {
			if err := a.settle(b, row, ph, *finding); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle does with a finding what the policy says.
func (a *applier) settle(b *pipeline.Batch, row int, ph pipeline.Phase, f pipeline.Finding) error {
	f.Row = row
	switch a.OnLeak {
	case Reject:
		b.Reject(row, f.Kind, f.Field, fmt.Sprintf("prompt %s: %s", f.Prompt, f.Detail))
		return nil
	case Report:
		if ph == pipeline.PhaseTest {
			b.Decisions[row] |= pipeline.Leaked
		} else {
			b.Decisions[row] |= pipeline.Violation
		}
		b.Findings = append(b.Findings, f)
		return nil
	}
	return &ViolationError{Source: b.Partition.Source, Position: b.Position(row), Finding: f}
}

// test returns the first prompt that would be left in a test row.
func (a *applier) test(hits []pipeline.Hit, edits []schemas.Edit) *pipeline.Finding {
	for _, h := range hits {
		if !edited(edits, h.Slot, h.Turn) {
			return a.finding("leak", h.Prompt, a.path(h), fmt.Sprintf("it stands at byte %d", h.At))
		}
	}
	return a.rescan(edits)
}

// rescan looks for prompts in the texts that edits touched, since a cut can join two halves.
func (a *applier) rescan(edits []schemas.Edit) (f *pipeline.Finding) {
	for i := range a.after {
		t := &a.after[i]
		if !edited(edits, t.Slot, t.Index) && !inserted(edits, t) {
			continue
		}
		texts := t.Parts()
		if raw := t.JSON(); raw != nil {
			a.buf = scan.Strings(a.buf[:0], raw)
			texts = [][]byte{a.buf}
		}
		for _, text := range texts {
			a.set.Scan(text, func(p, at int) {
				if f == nil {
					f = a.finding("leak", int32(p), fmt.Sprintf("%s[%d]", a.Layout.Slots[t.Slot].Name, t.Index), "it stands there after the cut")
				}
			})
		}
	}
	return f
}

// train checks what a train row carries.
func (a *applier) train(b *pipeline.Batch, row int, hits []pipeline.Hit, edits []schemas.Edit, placed []pipeline.Placed) *pipeline.Finding {
	a.ids = a.ids[:0]
	for _, p := range placed {
		a.ids = append(a.ids, p.Prompt)
	}
	chosen := len(a.ids)
	for _, h := range hits {
		if int(h.Prompt) < len(a.Prompts) && !slices.Contains(a.ids, h.Prompt) {
			a.ids = append(a.ids, h.Prompt)
		}
	}
	a.peels, a.found = a.place.Peel(a.after, a.ids, a.peels[:0], a.found[:0])
	for _, id := range a.ids[chosen:] {
		if slices.Contains(a.found, id) {
			return a.finding("unselected", id, a.Layout.Columns()[0], "the record was not chosen for it, and carries it at its place")
		}
	}
	if len(a.ids) > chosen { // alone, since one that is not among them can hide another behind it
		_, a.found = a.place.Peel(a.after, a.ids[:chosen], a.peels[:0], a.found[:0])
	}
	if a.stand = a.place.Complete(a.after, a.ids[:chosen], a.found, a.stand[:0]); len(a.stand) != chosen {
		for _, id := range a.ids[:chosen] {
			if !slices.Contains(a.stand, id) {
				return a.finding("missing", id, a.Layout.Columns()[0], "the record was chosen for it, and does not carry it at its place")
			}
		}
	}
	a.natural(b, row, hits, placed)
	return nil
}

// natural notes prompts that stood in the source where no placement puts them.
func (a *applier) natural(b *pipeline.Batch, row int, hits []pipeline.Hit, placed []pipeline.Placed) {
	if len(hits) == 0 {
		return
	}
	explained := map[int32]int{}
	for _, p := range placed {
		if p.Already {
			explained[p.Prompt] = 1
			if a.Prompts[p.Prompt].Place.Turn == place.EveryUser {
				explained[p.Prompt] = len(a.turns)
			}
		}
	}
	for _, h := range hits {
		if explained[h.Prompt]--; explained[h.Prompt] < 0 {
			b.Decisions[row] |= pipeline.Natural
			f := a.finding("natural", h.Prompt, a.path(h), fmt.Sprintf("it stands in the source at byte %d", h.At))
			f.Row = row
			b.Findings = append(b.Findings, *f)
			return
		}
	}
}

func (a *applier) finding(kind string, prompt int32, field, detail string) *pipeline.Finding {
	if prompt < 0 { // it is not known which
		return &pipeline.Finding{Kind: scan.Undecoded, Prompt: "any", Field: field, Detail: "more stands encoded there than is read: it may hold a prompt"}
	}
	return &pipeline.Finding{Kind: kind, Prompt: a.IDs[prompt], Field: field, Detail: detail}
}

func (a *applier) path(h pipeline.Hit) string {
	if h.Slot >= 0 && a.Layout.Slots[h.Slot].Kind != schemas.TextSlot {
		return fmt.Sprintf("%s[%d]", a.Layout.Slots[h.Slot].Name, h.Turn)
	}
	return a.leaves[h.Leaf]
}

// edited says whether an edit touches a text: then its hits are no longer what stands there.
func edited(edits []schemas.Edit, slot, turn int32) bool {
	return slices.ContainsFunc(edits, func(e schemas.Edit) bool {
		return e.Slot == slot && e.Turn == turn && e.Op != schemas.InsertTurn
	})
}

func inserted(edits []schemas.Edit, t *schemas.Turn) bool {
	return slices.ContainsFunc(edits, func(e schemas.Edit) bool {
		return e.Slot == t.Slot && e.Turn == t.Index && e.Op == schemas.InsertTurn
	})
}

func hitRow(h *pipeline.Hit) int32       { return h.Row }
func editRow(e *schemas.Edit) int32      { return e.Row }
func placedRow(p *pipeline.Placed) int32 { return p.Row }

// rowsOf cuts the entries of a row off the front of list, and those of earlier rows with them.
func rowsOf[T any](list *[]T, row int, rowOf func(*T) int32) []T {
	l := *list
	for len(l) > 0 && int(rowOf(&l[0])) < row {
		l = l[1:]
	}
	n := 0
	for n < len(l) && int(rowOf(&l[n])) == row {
		n++
	}
	*list = l[n:]
	return l[:n:n]
}
