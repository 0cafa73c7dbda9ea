// Package pipelinetest holds the conformance suites that sources and sinks pass.
package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// Dirty is an allocator that counts what is not given back, and whose memory is never clear.
type Dirty struct{ *memory.CheckedAllocator }

// NewDirty makes one.
func NewDirty() Dirty {
	return Dirty{memory.NewCheckedAllocator(memory.NewGoAllocator())}
}

// Allocate returns memory full of a pattern.
func (d Dirty) Allocate(n int) []byte {
	b := d.CheckedAllocator.Allocate(n)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

// Rows is what a source gave: each row as text, with its position, and each reject.
type Rows struct {
	Rows    []string
	Rejects []string
	Ends    map[string][]int64 // by partition: where batches ended
}

// Source checks what every source promises, and returns its rows: two plans are the same; positions grow; a partition read
// from any batch's end on gives the same batches; all memory is given back. open makes a new source each time.
func Source(t *testing.T, open func(mem memory.Allocator) (pipeline.Source, error)) Rows {
	t.Helper()
	mem := NewDirty()
	defer mem.AssertSize(t, 0)
	ctx := context.Background()
	src, err := open(mem)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}()
	plan, err := src.Plan(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := open(mem)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Plan(ctx)
	if err != nil || !reflect.DeepEqual(plan, second) {
		t.Errorf("two plans differ: %v and %v (%v)", plan, second, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	out := Rows{Ends: map[string][]int64{}}
	for _, p := range plan {
		batches := readFrom(t, src, p, p.First)
		for _, b := range batches {
			out.Rows = append(out.Rows, b.rows...)
			out.Rejects = append(out.Rejects, b.rejects...)
			out.Ends[p.ID] = append(out.Ends[p.ID], b.next)
		}
		for i, b := range batches {
			if got := readFrom(t, src, p, b.next); !reflect.DeepEqual(got, batches[i+1:]) && len(got)+len(batches[i+1:]) > 0 {
				t.Errorf("partition %s read from %d gives other batches:\n got %v\nwant %v", p.ID, b.next, got, batches[i+1:])
			}
		}
	}
	return out
}

type batch struct {
	rows, rejects []string
	next          int64
}

func readFrom(t *testing.T, src pipeline.Source, p pipeline.Partition, from int64) (out []batch) {
	t.Helper()
	if p.End >= 0 && from >= p.End {
		return nil
	}
	r, err := src.Open(context.Background(), p, from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	last := from - 1
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		got := batch{next: b.Next}
		if b.NumRows()+len(b.Rejects)+int(b.LeftOut()) == 0 || b.Next <= b.First || b.First < from || p.End >= 0 && b.Next > p.End {
			t.Errorf("partition %s: a batch of %d rows over [%d, %d)", p.ID, b.NumRows(), b.First, b.Next)
		}
		if b.Record != nil && !b.Record.Schema().Equal(src.Schema()) {
			t.Errorf("partition %s: schema %s, the source's is %s", p.ID, b.Record.Schema(), src.Schema())
		}
		for i := range b.NumRows() {
			if at := b.Position(i); at <= last || at < b.First || at >= b.Next {
				t.Errorf("partition %s: position %d behind %d in [%d, %d)", p.ID, at, last, b.First, b.Next)
			} else {
				last = at
			}
			line := fmt.Sprintf("%s:%d", p.ID, b.Position(i))
			for c := range b.Record.Columns() {
				line += " " + b.Record.Column(c).ValueStr(i)
			}
			if b.Lines != nil {
				line += " " + string(b.Lines.Row(i))
			}
			got.rows = append(got.rows, line)
		}
		for _, rej := range b.Rejects {
			got.rejects = append(got.rejects, fmt.Sprintf("%s:%d %s %s %q", p.ID, rej.Position, rej.Reason, rej.Field, rej.Raw))
		}
		b.Release()
		out = append(out, got)
	}
}
