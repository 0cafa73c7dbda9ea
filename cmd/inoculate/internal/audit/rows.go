package audit

import (
	"context"
	"errors"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsonrow"
	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan"
	"inoculate/transforms/scan/tiers"
)

// table looks through a Parquet or Arrow file: every string of every column, over the columns' own buffers. Only the rows
// where something stands are written as JSON, to say where in them.
func (a *Auditor) table(ctx context.Context, path string) error {
	src, err := catalog.OpenSource(ctx, kindOf(path), []string{path}, a.Expansion, a.Mem)
	if err != nil {
		a.problem(path, "%v", err)
		return nil
	}
	err = a.rows(ctx, path, src)
	if in, ok := errors.AsType[*pipeline.InputError](err); ok {
		a.problem(path, "%v", in)
		err = nil
	}
	return errors.Join(err, src.Close())
}

func (a *Auditor) rows(ctx context.Context, path string, src pipeline.Source) error {
	texts := make([]string, len(a.Patterns))
	for i, p := range a.Patterns {
		texts[i] = p.Text
	}
	finder := &scan.Scan{Texts: texts, Layout: &schemas.Layout{}}
	if a.Tier > tiers.Exact {
		finder.Texts, finder.May = nil, a.mayColumn
	}
	applier, err := finder.Bind(src.Schema())
	if err != nil {
		return err
	}
	enc, err := jsonrow.NewEncoder(src.Schema())
	if err != nil {
		return err
	}
	plan, err := src.Plan(ctx)
	if err != nil {
		return err
	}
	t := &tableReader{Auditor: a, path: path, applier: applier, enc: enc}
	for _, part := range plan {
		if err := t.partition(ctx, src, part); err != nil {
			return err
		}
	}
	return nil
}

type tableReader struct {
	*Auditor
	path    string
	applier pipeline.Applier
	enc     *jsonrow.Encoder
	line    []byte
}

func (t *tableReader) partition(ctx context.Context, src pipeline.Source, part pipeline.Partition) error {
	return pipeline.EachBatch(ctx, src, part, func(b *pipeline.Batch) error {
		t.Summary.Records += int64(b.NumRows())
		t.Summary.Bytes += b.Bytes
		return t.batch(ctx, b)
	})
}

func (t *tableReader) batch(ctx context.Context, b *pipeline.Batch) error {
	if err := t.applier.Apply(ctx, b); err != nil {
		return err
	}
	last := int32(-1)
	for _, h := range b.Hits {
		if h.Row == last {
			continue
		}
		last = h.Row
		if err := t.row(b, int(h.Row)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tableReader) row(b *pipeline.Batch, row int) (err error) {
	if t.line, err = t.enc.Append(t.line[:0], b.Record, row); err != nil {
		return err
	}
	at := b.Position(row)
	return t.record(Finding{Source: t.path, Partition: b.Partition.ID, Position: at, Row: at + 1}, t.line)
}

// mayColumn says whether the strings of one column of a row may hold anything. JSON text is read as what it says.
func (a *Auditor) mayColumn(texts [][]byte, json bool) bool {
	a.views.reset()
	if json {
		for _, t := range texts {
			if jsontext.Valid(t) != nil {
				return true
			}
			a.views.add(t)
		}
		return a.views.over || a.views.any(a.search.May)
	}
	if len(texts) == 1 {
		return a.search.May(texts[0])
	}
	a.column = a.column[:0]
	for _, t := range texts {
		a.column = append(append(a.column, t...), '\n')
	}
	return a.search.May(a.column)
}
