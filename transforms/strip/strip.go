// Package strip takes inoculation prompts out of test records, and undoes what an earlier run injected.
package strip

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/place"
)

// Strip is the transform. It needs phases and hits. A row with the edits of an earlier run (Batch.Prior) is put back to
// what it was, whatever its phase. In other test rows a prompt is cut exactly where a placement of the registry would have
// put it; anywhere else it stays, for check to find.
type Strip struct {
	Layout   *schemas.Layout
	Prompts  []place.Prompt
	Baseline string
}

// Bind makes the applier; any schema in which the layout was found will do.
func (s *Strip) Bind(*arrow.Schema) (pipeline.Applier, error) {
	return &applier{prompts: place.New(s.Layout, s.Prompts, s.Baseline)}, nil
}

type applier struct {
	prompts    *place.Prompts
	turns      []schemas.Turn
	candidates []int32
	peels      []place.Peel
	found      []int32
}

// Apply adds the edits of the test rows, and of rows with prior edits.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	hits, added := b.Hits, false
	for row, ph := range b.Phases {
		from := 0
		for from < len(hits) && int(hits[from].Row) < row {
			from++
		}
		hits = hits[from:]
		if ph != pipeline.PhaseTrain && ph != pipeline.PhaseTest {
			continue
		}
		if b.Prior != nil && len(b.Prior[row]) > 0 {
			added = true
			for _, e := range schemas.Inverse(b.Prior[row]) {
				e.Row = int32(row)
				b.Edits = append(b.Edits, e)
			}
			b.Decisions[row] |= pipeline.Stripped
			continue
		}
		if ph != pipeline.PhaseTest {
			continue
		}
		var fault *schemas.Fault
		if a.turns, fault = b.View.Turns(row); fault != nil {
			b.Reject(row, fault.Reason, fault.Field, fault.Detail)
			continue
		}
		if n := a.cut(b, row, hits); n > 0 {
			added = true
			b.Decisions[row] |= pipeline.Stripped
		}
	}
	if added {
		slices.SortStableFunc(b.Edits, schemas.CompareEdits)
	}
	return nil
}

// cut adds the edits of one test row.
func (a *applier) cut(b *pipeline.Batch, row int, hits []pipeline.Hit) int {
	a.candidates = a.candidates[:0]
	for _, h := range hits {
		if int(h.Row) != row {
			break
		}
		if h.Slot >= 0 && !slices.Contains(a.candidates, h.Prompt) {
			a.candidates = append(a.candidates, h.Prompt)
		}
	}
	if len(a.candidates) == 0 {
		return 0
	}
	a.peels, a.found = a.prompts.Peel(a.turns, a.candidates, a.peels[:0], a.found[:0])
	n := len(b.Edits)
	b.Edits = a.prompts.Strip(b.View, row, a.turns, a.peels, b.Edits)
	return len(b.Edits) - n
}
