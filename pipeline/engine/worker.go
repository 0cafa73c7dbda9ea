package engine

import (
	"context"
	"errors"
	"fmt"

	"inoculate/pipeline"
	"inoculate/pipeline/overlap"
	"inoculate/pipeline/provenance"
	"inoculate/schemas"
	"inoculate/schemas/jsonedit"
)

// worker is what one goroutine keeps between segments.
type worker struct {
	job      *Job
	stats    *Stats
	appliers []pipeline.Applier
	kernel   *schemas.Kernel
	lines    *jsonedit.Editor
	prior    Prior
	record   *provenance.Builder
	wants    [2]pipeline.Wants // of train and test
	runs     [2][]schemas.Run
	scratch  pipeline.Scratch
	text     []byte
	lined    lined

	positions []int64
	out       pipeline.Delivery // of the partition in hand; nil without an outlet
	taken     int               // how often the partition was taken by others since the last commit

	segmentBytes int64 // a segment is cut after the batch with which its input passes this many bytes
}

func (j *Job) newWorker(stats *Stats, segmentBytes int64) (*worker, error) {
	w := &worker{job: j, stats: stats, segmentBytes: segmentBytes, kernel: schemas.NewKernel(j.Mem, j.Layout), lines: jsonedit.New(j.Layout), scratch: pipeline.Scratch{View: schemas.NewView(j.Layout)}}
	for _, t := range j.Transforms {
		a, err := t.Bind(j.Source.Schema())
		if err != nil {
			return nil, err
		}
		w.appliers = append(w.appliers, a)
	}
	for k, sink := range []pipeline.Sink{j.Outputs.Train, j.Outputs.Test} {
		if sink != nil {
			w.wants[k] = sink.Wants(j.JSONSource)
		}
		if j.Outlet != nil {
			w.wants[k] = w.wants[k].Or(j.Outlet.Wants(pipeline.PhaseTrain+pipeline.Phase(k), j.JSONSource))
		}
	}
	if j.Prior != nil {
		p, err := j.Prior()
		if err != nil {
			return nil, err
		}
		w.prior = p
	}
	w.record = provenance.NewBuilder()
	return w, nil
}

func (w *worker) close() {
	if w.prior != nil {
		w.prior.Close()
	}
}

// batch sends one batch through the transforms and into the segment's files.
func (w *worker) batch(ctx context.Context, s *segment, b *pipeline.Batch) error {
	w.scratch.Prepare(b)
	defer w.scratch.Take(b)
	if w.prior != nil && b.NumRows() > 0 {
		prior, err := w.prior.Next(ctx, b.NumRows())
		if err != nil {
			return &PartitionError{s.partition, s.first, "reading provenance", err}
		}
		b.Prior = prior
	}
	if b.NumRows() > 0 {
		for _, a := range w.appliers {
			if err := a.Apply(ctx, b); err != nil {
				return err
			}
		}
		if err := w.route(ctx, s, b); err != nil {
			return err
		}
	}
	if err := s.reject(ctx, b); err != nil {
		return err
	}
	s.count(b)
	w.stats.Rows.Add(int64(b.NumRows()))
	w.stats.Bytes.Add(b.Bytes)
	w.stats.Findings.Add(int64(len(b.Findings)))
	for _, f := range b.Findings {
		w.job.Logger.Warn("finding", "kind", f.Kind, "prompt", f.Prompt, "source", b.Partition.Source, "position", b.Position(f.Row), "field", f.Field, "detail", f.Detail)
	}
	if n := w.stats.Rejects.Add(int64(len(b.Rejects))); w.job.MaxRejects >= 0 && n > w.job.MaxRejects {
		return &RejectsError{Rejects: n, Allowed: w.job.MaxRejects}
	}
	return nil
}

// route copies the rows of each phase, with their edits, into the phase's files.
func (w *worker) route(ctx context.Context, s *segment, b *pipeline.Batch) error {
	w.runs[0], w.runs[1] = w.runs[0][:0], w.runs[1][:0]
	for i, ph := range b.Phases {
		if ph != pipeline.PhaseTrain && ph != pipeline.PhaseTest {
			continue
		}
		runs := &w.runs[ph-pipeline.PhaseTrain]
		if last := len(*runs) - 1; last >= 0 && (*runs)[last].Start+(*runs)[last].N == i {
			(*runs)[last].N++
		} else {
			*runs = append(*runs, schemas.Run{Start: i, N: 1})
		}
	}
	for k := range w.runs {
		if len(w.runs[k]) == 0 {
			continue
		}
		if err := w.write(ctx, s, b, k, w.runs[k]); err != nil {
			return err
		}
	}
	if w.job.Outputs.Provenance != nil {
		if err := w.trace(ctx, s, b); err != nil {
			return err
		}
	}
	if w.job.Outputs.Keys != nil && b.Keys != nil {
		return w.keys(ctx, s, b)
	}
	return nil
}

// keys writes what the rows of both phases are compared by.
func (w *worker) keys(ctx context.Context, s *segment, b *pipeline.Batch) error {
	if s.unwritten.Append(b.Phases, b.Keys); s.unwritten.Len() < overlap.Enough {
		return nil
	}
	return s.writeKeys(ctx)
}

// write copies and writes runs of rows; where they would pass 2 GiB in one column, half of them at a time.
func (w *worker) write(ctx context.Context, s *segment, b *pipeline.Batch, k int, runs []schemas.Run) error {
	if lines := (pipeline.Wants{Lines: true}); w.wants[k] == lines && b.Lines != nil {
		return w.lineByLine(ctx, s, b, k, runs)
	}
	rows := pipeline.Rows{}
	for _, r := range runs {
		rows.N += r.N
	}
	if w.wants[k].Positions {
		w.positions = w.positions[:0]
		for _, r := range runs {
			for i := r.Start; i < r.Start+r.N; i++ {
				w.positions = append(w.positions, b.Position(i))
			}
		}
		rows.Positions = w.positions
	}
	if w.wants[k].Lines && b.Lines != nil {
		if err := w.edit(s, b, runs); err != nil {
			return err
		}
		rows.Lines = w.text
	}
	if w.wants[k].Record || rows.Lines == nil {
		rec, err := w.kernel.Rows(b.Record, b.Edits, runs)
		var size *schemas.SizeError
		if errors.As(err, &size) && rows.N > 1 {
			head, tail := halve(runs, rows.N/2)
			if err := w.write(ctx, s, b, k, head); err != nil {
				return err
			}
			return w.write(ctx, s, b, k, tail)
		}
		if err != nil {
			return &PartitionError{s.partition, s.first, fmt.Sprintf("editing the batch at position %d", b.First), err}
		}
		defer rec.Release()
		rows.Record = rec
	}
	return s.write(ctx, k, rows)
}

// lineByLine writes the JSON lines of the rows, edited: as they stand in the source's text, without a copy of what lies between one edit
// and the next.
func (w *worker) lineByLine(ctx context.Context, s *segment, b *pipeline.Batch, k int, runs []schemas.Run) error {
	o := &w.lined
	o.data = b.Lines.Data
	defer o.reset()
	edits, part, n := b.Edits, o.part, 0
	for _, r := range runs {
		for i := r.Start; i < r.Start+r.N; i++ {
			span, mine := b.Lines.Spans[i], schemas.EditsOf(&edits, i)
			o.row = int(span.From)
			if len(mine) == 0 {
				o.add(int(span.From), int(span.To))
			} else if err := w.lines.Parts(b.Lines.Row(i), mine, part); err != nil {
				return w.misfit(s, b, i, err)
			}
			o.end(int(span.To))
			n++
		}
	}
	o.flush()
	return s.write(ctx, k, pipeline.Rows{Parts: o.parts, N: n})
}

// lined collects parts of a source's text, neighbours as one, and what comes between them.
type lined struct {
	data     []byte
	parts    [][]byte
	text     []byte // what is not of data
	row      int    // where the row begins
	from, to int    // of data, not among the parts yet
}

func (o *lined) reset() {
	clear(o.parts)
	*o = lined{parts: o.parts[:0], text: o.text[:0]}
}

// add adds a part of data.
func (o *lined) add(from, to int) {
	if from != o.to {
		o.flush()
		o.from = from
	}
	o.to = to
}

// part adds a part of a row, and a text behind it.
func (o *lined) part(from, to int, text []byte) {
	if o.add(o.row+from, o.row+to); len(text) > 0 {
		o.flush()
		n := len(o.text)
		o.text = append(o.text, text...) // where it moves, the parts keep what they have
		o.parts = append(o.parts, o.text[n:])
	}
}

var newline = []byte{'\n'}

// end ends a row whose text ends at to: with the newline that stands there, or one of its own where data ends.
func (o *lined) end(to int) {
	if to < len(o.data) && o.data[to] == '\n' {
		o.add(to, to+1)
		return
	}
	o.flush()
	o.parts = append(o.parts, newline)
}

func (o *lined) flush() {
	if o.from < o.to {
		o.parts = append(o.parts, o.data[o.from:o.to])
	}
	o.from = o.to
}

// edit fills w.text with the JSON lines of the rows, edited.
func (w *worker) edit(s *segment, b *pipeline.Batch, runs []schemas.Run) error {
	w.text = w.text[:0]
	edits := b.Edits
	for _, r := range runs {
		for i := r.Start; i < r.Start+r.N; i++ {
			if err := w.line(s, b, i, schemas.EditsOf(&edits, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// line appends the JSON line of a row to w.text.
func (w *worker) line(s *segment, b *pipeline.Batch, row int, edits []schemas.Edit) (err error) {
	if w.text, err = w.lines.Append(w.text, b.Lines.Row(row), edits); err != nil {
		return w.misfit(s, b, row, err)
	}
	w.text = append(w.text, '\n')
	return nil
}

func (w *worker) misfit(s *segment, b *pipeline.Batch, row int, err error) error {
	return &PartitionError{s.partition, s.first, "editing", fmt.Errorf("position %d: %w", b.Position(row), err)}
}

// halve cuts runs after n rows.
func halve(runs []schemas.Run, n int) (head, tail []schemas.Run) {
	for i, r := range runs {
		if n < r.N {
			if n > 0 {
				head = append(head, schemas.Run{Start: r.Start, N: n})
			}
			tail = append(tail, schemas.Run{Start: r.Start + n, N: r.N - n})
			return head, append(tail, runs[i+1:]...)
		}
		head = append(head, r)
		n -= r.N
	}
	return head, tail
}

// enough is how many bytes of provenance are written at once: what a record costs, however short, does not count then.
const enough = 512 << 10

// trace notes the provenance of the batch's rows.
func (w *worker) trace(ctx context.Context, s *segment, b *pipeline.Batch) error {
	edits, placed := b.Edits, b.Placed
	n := b.NumRows()
	for i := range n {
		p := 0
		for p < len(placed) && int(placed[p].Row) == i {
			p++
		}
		r := provenance.Row{Position: b.Position(i), Phase: uint8(b.Phases[i]), Decision: b.Decisions[i], Edits: schemas.EditsOf(&edits, i)}
		mine := placed[:p]
		placed = placed[p:]
		switch b.Phases[i] {
		case pipeline.PhaseNone:
			r.Phase, r.Decision, r.Edits, mine = provenance.Rejected, 0, nil, nil
		case pipeline.PhaseFiltered:
			r.Edits, mine = nil, nil
		}
		w.record.Append(r, mine)
	}
	if w.record.Bytes() < enough {
		return nil
	}
	return w.writeTrace(ctx, s)
}

// writeTrace writes the provenance that waits.
func (w *worker) writeTrace(ctx context.Context, s *segment) error {
	n := w.record.Rows()
	if n == 0 {
		return nil
	}
	rec, err := w.record.Record()
	if err != nil {
		return &PartitionError{s.partition, s.first, "writing provenance", err}
	}
	defer rec.Release()
	return s.writeTo(ctx, &s.provenance, w.job.Outputs.Provenance, provenance.Schema, pipeline.Rows{Record: rec, N: n})
}
