package arrow

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/sources/internal/arrowipc"
)

// Reader reads the batches of one file, large ones in slices.
type Reader struct {
	source    *Source
	partition pipeline.Partition
	in        *arrowipc.Stream
	at        int64        // row that comes next
	rest      arrow.Record // what is left of a large batch
}

// Open reads p from row from on.
func (s *Source) Open(ctx context.Context, p pipeline.Partition, from int64) (_ pipeline.Reader, err error) {
	for _, in := range s.inputs {
		if in.name != p.Path {
			continue
		}
		r := &Reader{source: s, partition: p}
		if r.in, err = arrowipc.Open(in.path, in.size, s.cfg.Mem); err != nil {
			return nil, inputError(in.name, err)
		}
		if err := r.skip(ctx, from); err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return r, nil
	}
	return nil, inputError(p.Path, errors.New("the source has no such file"))
}

// skip goes to a row.
func (r *Reader) skip(ctx context.Context, from int64) error {
	for r.at < from {
		if err := r.load(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				err = r.short()
			}
			return err
		}
		n := r.rest.NumRows()
		if r.at+n > from {
			part := r.rest.NewSlice(from-r.at, n)
			r.rest.Release()
			r.rest, r.at = part, from
			return nil
		}
		r.drop()
		r.at += n
	}
	return nil
}

func (r *Reader) drop() {
	if r.rest != nil {
		r.rest.Release()
		r.rest = nil
	}
}

// load reads the next batch of the file into rest.
func (r *Reader) load(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for r.rest == nil {
		rec, err := r.in.Next()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return &pipeline.InputError{Source: r.partition.Path, Place: fmt.Sprintf("the batch at row %d", r.at), Position: r.at, Err: err}
		}
		if rec.NumRows() == 0 {
			rec.Release()
			continue
		}
		if r.rest, err = arrowipc.Plain(rec, r.source.schema, r.source.cfg.Mem); err != nil {
			return &pipeline.InputError{Source: r.partition.Path, Place: fmt.Sprintf("the batch at row %d", r.at), Position: r.at, Err: err}
		}
	}
	return nil
}

// Next returns the next batch.
func (r *Reader) Next(ctx context.Context) (pipeline.Batch, error) {
	if r.at >= r.partition.End {
		return pipeline.Batch{}, io.EOF
	}
	if err := r.load(ctx); err != nil {
		if errors.Is(err, io.EOF) {
			err = r.short()
		}
		return pipeline.Batch{}, err
	}
	rows, size := r.rest.NumRows(), bytesOf(r.rest)
	n := rows
	if size > r.source.cfg.BatchBytes {
		n = max(1, rows*r.source.cfg.BatchBytes/size)
	}
	b := pipeline.Batch{Partition: r.partition, First: r.at, Next: r.at + n, Bytes: size * n / rows, Record: r.rest}
	if n == rows {
		r.rest = nil
	} else {
		b.Record = r.rest.NewSlice(0, n)
		tail := r.rest.NewSlice(n, rows)
		r.rest.Release()
		r.rest = tail
	}
	r.at += n
	return b, nil
}

func (r *Reader) short() error {
	return &pipeline.InputError{Source: r.partition.Path, Place: fmt.Sprintf("row %d", r.at), Position: r.at, Err: fmt.Errorf("the file ends early: %d rows were planned", r.partition.End)}
}

// Close closes the file.
func (r *Reader) Close() error {
	r.drop()
	return r.in.Close()
}

// bytesOf is about what the rows of a record take; slices count their share.
func bytesOf(rec arrow.Record) int64 {
	n := int64(1)
	for _, c := range rec.Columns() {
		n += share(c.Data(), c.Len())
	}
	return n
}

func share(d arrow.ArrayData, rows int) (n int64) {
	for i, b := range d.Buffers() {
		switch {
		case b == nil:
		case i == 2: // text: what the offsets of the slice span
			n += span(d)
		default:
			n += int64(b.Len()) * int64(rows) / max(int64(d.Offset()+d.Len()), 1)
		}
	}
	for _, c := range d.Children() {
		if d.Len() > 0 {
			n += share(c, c.Len()) * int64(rows) / max(int64(d.Offset()+d.Len()), 1)
		}
	}
	return n
}

func span(d arrow.ArrayData) int64 {
	if d.Len() == 0 {
		return 0
	}
	b := d.Buffers()[1].Bytes()
	switch d.DataType().ID() {
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		o := arrow.Int64Traits.CastFromBytes(b)[d.Offset() : d.Offset()+d.Len()+1]
		return o[d.Len()] - o[0]
	case arrow.STRING, arrow.BINARY:
		o := arrow.Int32Traits.CastFromBytes(b)[d.Offset() : d.Offset()+d.Len()+1]
		return int64(o[d.Len()] - o[0])
	}
	return 0
}
