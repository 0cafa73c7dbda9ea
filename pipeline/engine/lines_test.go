package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/provenance"
	"inoculate/schemas"
	"inoculate/schemas/jsonedit"
)

// written is a sink, and its writer, that keeps what it is given.
type written struct {
	text bytes.Buffer
	rows int
	left int // writes until one fails; negative: none does
}

func (s *written) Wants(bool) pipeline.Wants { return pipeline.Wants{Lines: true} }

func (s *written) Begin(context.Context, pipeline.Segment, *arrow.Schema) (pipeline.Writer, error) {
	return s, nil
}

func (s *written) Write(_ context.Context, rows pipeline.Rows) error {
	if s.left--; s.left == 0 {
		return fmt.Errorf("the disk is full")
	}
	lines := bytes.Join(rows.Parts, nil)
	if n := bytes.Count(lines, []byte{'\n'}); n != rows.N || rows.Lines != nil {
		return fmt.Errorf("%d lines as %d rows", n, rows.N)
	}
	s.rows += rows.N
	s.text.Write(lines)
	return nil
}

func (s *written) Close(context.Context) ([]pipeline.File, error) { return nil, nil }
func (s *written) Abort() error                                   { return nil }

// TestLineByLine: whatever rows a phase has, and whatever is edited, its file has their lines in order, each once.
func TestLineByLine(t *testing.T) {
	layout, err := schemas.Find(schema, schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b pipeline.Batch
		b.Lines = &pipeline.Lines{}
		var want bytes.Buffer
		var runs []schemas.Run
		n := r.IntN(12)
		for i := range n {
			if r.IntN(4) == 0 {
				b.Lines.Data = append(b.Lines.Data, []string{"\n", " \r\n", "\xef\xbb\xbf", "no record\n"}[r.IntN(4)]...)
			}
			line := fmt.Sprintf(`{"userInput": "%d", "desiredOutput": "out"}%s`, i, []string{"", "\r", " "}[r.IntN(3)])
			from := int32(len(b.Lines.Data))
			b.Lines.Data = append(b.Lines.Data, line...)
			b.Lines.Spans = append(b.Lines.Spans, pipeline.Span{From: from, To: int32(len(b.Lines.Data))})
			b.Positions = append(b.Positions, int64(from))
			if i < n-1 || r.IntN(2) == 0 { // the last line may end with the file
				b.Lines.Data = append(b.Lines.Data, '\n')
			}
			edited := r.IntN(3) == 0
			if edited {
				b.Edits = append(b.Edits, schemas.Edit{Row: int32(i), New: "more ", Prompt: -1})
			}
			if r.IntN(3) == 0 {
				continue // of another phase
			}
			if k := len(runs) - 1; k >= 0 && runs[k].Start+runs[k].N == i {
				runs[k].N++
			} else {
				runs = append(runs, schemas.Run{Start: i, N: 1})
			}
			if edited {
				line = fmt.Sprintf(`{"userInput": "more %d", "desiredOutput": "out"}%s`, i, line[len(fmt.Sprintf(`{"userInput": "%d", "desiredOutput": "out"}`, i)):])
			}
			want.WriteString(line + "\n")
		}
		out := &written{left: -1}
		w := &worker{job: &Job{Source: &numbers{}, Outputs: Outputs{Train: out}}, lines: jsonedit.New(layout)}
		w.wants[0] = out.Wants(true)
		s := &segment{w: w}
		s.phases[0] = out
		if err := w.write(t.Context(), s, &b, 0, runs); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, r := range runs {
			rows += r.N
		}
		if out.text.String() != want.String() || out.rows != rows {
			t.Fatalf("seed %d: %d rows\n%q\nwant %d\n%q", seed, out.rows, out.text.String(), rows, want.String())
		}
		if rows > 0 {
			out.left = 1
			if err := w.write(t.Context(), s, &b, 0, runs); err == nil {
				t.Fatal("a write that failed went unnoticed")
			}
		}
	}
}

// TestGivenUp: a segment begins without what waits to be written of one that was given up.
func TestGivenUp(t *testing.T) {
	w := &worker{record: provenance.NewBuilder()}
	b := pipeline.Batch{Phases: []pipeline.Phase{pipeline.PhaseTrain}, Decisions: make([]pipeline.Decision, 1), Keys: make([]pipeline.Key, 1)}
	mem := memory.NewGoAllocator()
	c := array.NewInt32Builder(mem)
	c.Append(1)
	col := c.NewArray()
	b.Record = array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "n", Type: col.DataType()}}, nil), []arrow.Array{col}, 1)
	s := w.begin(pipeline.Partition{}, 0)
	if err := errors.Join(w.trace(t.Context(), s, &b), w.keys(t.Context(), s, &b)); err != nil || w.record.Rows() != 1 || s.unwritten.Len() != 1 {
		t.Fatal(err, w.record.Rows(), s.unwritten.Len())
	}
	if s = w.begin(pipeline.Partition{}, 0); w.record.Rows() != 0 || s.unwritten.Len() != 0 {
		t.Fatalf("%d rows of provenance and %d keys are left of the last segment", w.record.Rows(), s.unwritten.Len())
	}
}
