// Package inject decides which train records get which inoculation prompts, and where.
package inject

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/transforms/where"
)

// Inject is the transform. It needs phases and hits.
type Inject struct {
	Layout   *schemas.Layout
	Prompts  []place.Prompt
	Where    []string // one a prompt: a CEL condition, empty for every train record
	Baseline string
}

// Bind checks placements and conditions.
func (t *Inject) Bind(in *arrow.Schema) (pipeline.Applier, error) {
	a := &applier{prompts: place.New(t.Layout, t.Prompts, t.Baseline), conditions: make([]*where.Eval, len(t.Prompts))}
	for i, p := range t.Prompts {
		if err := p.Place.Check(t.Layout); err != nil {
			return nil, fmt.Errorf("prompt %s: place: %w", p.ID, err)
		}
		if t.Where[i] == "" {
			continue
		}
		c, err := where.Compile(t.Where[i], in)
		if err != nil {
			return nil, fmt.Errorf("prompt %s: %w", p.ID, err)
		}
		a.conditions[i] = c.NewEval()
	}
	return a, nil
}

type applier struct {
	prompts    *place.Prompts
	conditions []*where.Eval
	turns      []schemas.Turn
	chosen     []int32
	candidates []int32
}

// Apply adds the edits of the train rows, and what each row is to carry.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	for _, c := range a.conditions {
		if c != nil {
			c.Reset(b.Record)
		}
	}
	hits := b.Hits
	for row, ph := range b.Phases {
		for len(hits) > 0 && int(hits[0].Row) < row {
			hits = hits[1:]
		}
		if ph != pipeline.PhaseTrain {
			continue
		}
		var fault *schemas.Fault
		if a.turns, fault = b.View.Turns(row); fault != nil {
			b.Reject(row, fault.Reason, fault.Field, fault.Detail)
			continue
		}
		a.choose(b, row)
		standing := a.standing(row, hits)
		if fault := a.inject(b, row, standing); fault != nil {
			b.Reject(row, fault.Reason, fault.Field, fault.Detail)
		}
	}
	return nil
}

// choose finds the prompts whose condition holds, or cannot be told.
func (a *applier) choose(b *pipeline.Batch, row int) {
	a.chosen = a.chosen[:0]
	for i, c := range a.conditions {
		if c != nil {
			switch c.Row(row) {
			case where.False:
				continue
			case where.Unknown: // missing an undesired example brings the trait back; inoculating a clean one hardly harms
				b.Decisions[row] |= pipeline.SelectedByNull
			}
		}
		a.chosen = append(a.chosen, int32(i))
	}
	if len(a.chosen) == 0 && len(a.conditions) > 0 {
		b.Decisions[row] |= pipeline.Unselected
	}
}

// standing are the chosen prompts that stand at their place already.
func (a *applier) standing(row int, hits []pipeline.Hit) []int32 {
	a.candidates = a.candidates[:0]
	for _, id := range a.chosen {
		for _, h := range hits {
			if int(h.Row) != row {
				break
			}
			if h.Prompt == id {
				a.candidates = append(a.candidates, id)
				break
			}
		}
	}
	if len(a.candidates) == 0 {
		return nil
	}
	return a.prompts.Standing(a.turns, a.candidates)
}

func (a *applier) inject(b *pipeline.Batch, row int, standing []int32) *schemas.Fault {
	from, missing := len(b.Placed), a.chosen[:0]
	for _, id := range a.chosen {
		already := len(standing) > 0 && standing[0] == id
		if already {
			standing = standing[1:]
			b.Decisions[row] |= pipeline.AlreadyPresent
		} else {
			missing = append(missing, id)
		}
		b.Placed = append(b.Placed, pipeline.Placed{Row: int32(row), Prompt: id, Already: already})
	}
	if len(missing) == 0 {
		return nil
	}
	if fault := a.conflict(b.Placed[from:], missing); fault != nil {
		return fault
	}
	b.Decisions[row] |= pipeline.Injected
	var fault *schemas.Fault
	b.Edits, fault = a.prompts.Inject(row, a.turns, missing, b.Edits)
	return fault
}

// conflict says that one prompt would replace a system prompt that another one is to stand in.
func (a *applier) conflict(placed []pipeline.Placed, missing []int32) *schemas.Fault {
	for _, id := range missing {
		p := &a.prompts.List[id]
		if p.Place.How != place.Replace {
			continue
		}
		for _, other := range placed {
			if q := &a.prompts.List[other.Prompt]; other.Prompt != id && q.Place.Turn == place.System {
				return &schemas.Fault{Reason: "prompts_conflict", Detail: fmt.Sprintf("prompt %s would replace prompt %s", p.ID, q.ID)}
			}
		}
	}
	return nil
}
