package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
)

// Bytes of compressed data that a reader holds for all of its columns together, and for one of them.
const (
	windowTotal = 32 << 20
	windowMost  = 1 << 20
	windowLeast = 64 << 10
)

// reader reads rows [row, end) of a file. It is used by one goroutine.
type reader struct {
	s    *Source
	f    *file
	part pipeline.Partition
	row  int64
	end  int64

	group int       // the row group that cols read, -1 before the first
	cols  []*column // of the open row group
	avg   int64     // bytes of a row, about
	err   error     // what ended the reading
}

// Open reads rows from of p on, which may be any row of p.
func (s *Source) Open(ctx context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	k := slices.IndexFunc(s.inputs, func(in input) bool { return in.path == p.Path })
	if k < 0 {
		return nil, fmt.Errorf("parquet: partition %s is of %s, which is no file of this source", p.ID, p.Path)
	}
	if from < p.First || from > p.End {
		return nil, fmt.Errorf("parquet: row %d is not in partition %s, rows %d to %d", from, p.ID, p.First, p.End)
	}
	f, err := openFile(p.Path)
	if err != nil {
		return nil, err
	}
	switch in := s.inputs[k]; {
	case f.size != in.size || f.foot.digest != in.digest:
		err = fault(p.Path, -1, -1, errors.New("the file has changed since the run began"))
	case p.End > f.foot.rows:
		err = fault(p.Path, -1, -1, fmt.Errorf("the partition ends at row %d, the file at row %d", p.End, f.foot.rows))
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.schema() // notes the types
	return &reader{s: s, f: f, part: p, row: from, end: p.End, group: -1}, nil
}

// Close closes the file.
func (r *reader) Close() error {
	r.closeGroup()
	r.err = errors.New("parquet: the reader is closed")
	return r.f.close()
}

func (r *reader) closeGroup() {
	for _, c := range r.cols {
		c.close()
	}
	r.cols = nil
}

// Next returns the next rows. A batch is the longest run of rows that keeps to BatchRows and BatchBytes and ends at the end
// of its row group, but one row at least: its bounds follow from the data and the row it begins with.
func (r *reader) Next(ctx context.Context) (b pipeline.Batch, err error) {
	if ctx.Err() != nil {
		return b, context.Cause(ctx)
	}
	if r.err != nil {
		return b, r.err
	}
	if r.row >= r.end {
		return b, io.EOF
	}
	b, err = r.next()
	if err != nil {
		row := r.row
		if fe, ok := errors.AsType[*fieldError](err); ok && fe.row >= 0 {
			row += fe.row
		}
		r.err = fault(r.part.Path, r.group, row, err)
		r.closeGroup()
	}
	return b, r.err
}

func (r *reader) next() (b pipeline.Batch, err error) {
	defer recovered(&err)
	if err := r.openGroup(); err != nil {
		return b, err
	}
	g := &r.f.foot.groups[r.group]
	rows, err := r.gather(int(min(int64(r.s.cfg.BatchRows), g.first+g.rows-r.row, r.end-r.row)))
	if err != nil {
		return b, err
	}
	rest := make([]held, len(r.cols))
	for i, c := range r.cols {
		rest[i] = c.split(rows)
	}
	rec, err := r.record(rows)
	for i, c := range r.cols {
		if rest[i].rows > 0 {
			c.discard()
			c.held = rest[i]
		}
	}
	if err != nil {
		return b, err
	}
	next := r.row + int64(rows)
	if next == g.first+g.rows {
		for i, c := range r.cols {
			if err := c.drained(); err != nil {
				rec.Release()
				return b, &fieldError{r.f.leaves[i].path, -1, err}
			}
		}
		r.closeGroup()
	}
	b = pipeline.Batch{Record: rec, Partition: r.part, First: r.row, Next: next,
		Bytes: g.bytesBefore(next) - g.bytesBefore(r.row)}
	r.row = next
	return b, nil
}

// bytesBefore is the group's share of uncompressed bytes of its rows before row (of the file).
func (g *rowGroup) bytesBefore(row int64) int64 {
	hi, lo := bits.Mul64(uint64(g.bytes), uint64(row-g.first))
	q, _ := bits.Div64(hi, lo, uint64(g.rows))
	return int64(q)
}

// openGroup makes cols read from the current row on.
func (r *reader) openGroup() error {
	if r.cols != nil || r.group >= 0 && len(r.f.leaves) == 0 && r.inGroup(r.group) {
		return nil
	}
	r.group = max(r.group, 0)
	for !r.inGroup(r.group) {
		r.group++
	}
	g := &r.f.foot.groups[r.group]
	window := min(max(windowTotal/max(1, len(r.f.leaves)), windowLeast), windowMost)
	for k, n := range r.f.leaves {
		c := newColumn(n, newPages(r.f.r, &g.chunks[k], n, window, &r.s.cfg), r.s.cfg.Mem)
		r.cols = append(r.cols, c)
		if err := c.skip(r.row-g.first, r.s.cfg.BatchBytes); err != nil {
			return &fieldError{n.path, -1, err}
		}
	}
	if r.avg == 0 {
		r.avg = max(1, g.bytes/g.rows)
	}
	return nil
}

func (r *reader) inGroup(i int) bool {
	g := &r.f.foot.groups[i]
	return r.row >= g.first && r.row < g.first+g.rows
}

// gather fills the columns until each holds the rows of the next batch, and returns how many those are: at most want.
func (r *reader) gather(want int) (int, error) {
	if len(r.cols) == 0 {
		return want, nil
	}
	limit := r.s.cfg.BatchBytes
	n, size := 0, int64(0)
	for n < want && size <= limit {
		goal := n + int(min(max(1, (limit-size)/r.avg), int64(want-n)))
		for i, c := range r.cols {
			if err := c.pull(goal, limit); err != nil {
				return 0, &fieldError{r.f.leaves[i].path, int64(c.rows), err}
			}
		}
		n = want
		for _, c := range r.cols {
			n = min(n, c.rows)
		}
		size = r.sizeOf(n)
		r.avg = max(1, size/int64(n))
	}
	if size <= limit {
		return n, nil
	}
	lo, hi := 1, n // lo rows are accepted in any case, hi rows are too much
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; r.sizeOf(mid) <= limit {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo, nil
}

func (r *reader) sizeOf(rows int) (n int64) {
	for _, c := range r.cols {
		n += c.sizeOf(rows)
	}
	return n
}

// record builds the record of the rows that the columns hold, and leaves them empty.
func (r *reader) record(rows int) (arrow.Record, error) {
	a := assembler{r.cols, r.s.cfg.Mem}
	arrs := make([]arrow.Array, 0, len(r.f.fields))
	defer func() {
		for _, x := range arrs {
			x.Release()
		}
	}()
	for _, n := range r.f.fields {
		d, err := a.assemble(n)
		if err != nil {
			return nil, err
		}
		arrs = append(arrs, array.MakeFromData(d))
		d.Release()
		if d.Len() != rows {
			return nil, &fieldError{n.path, -1, corrupt("%d rows instead of %d", d.Len(), rows)}
		}
	}
	return array.NewRecord(r.s.schema, arrs, int64(rows)), nil
}
