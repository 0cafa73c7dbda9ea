package arrowipc

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Decode reads one IPC stream that is in memory, such as the value of a message: its schema, and its batches, which the caller
// releases. It is checked as files are, dictionary-encoded columns become plain ones, and nothing of value is kept.
func Decode(value []byte, mem memory.Allocator) (schema *arrow.Schema, recs []arrow.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Arrow data: %v", p)
		}
		if err != nil {
			for _, r := range recs {
				r.Release()
			}
			schema, recs = nil, nil
		}
	}()
	limit := boundFor(int64(len(value)))
	start := func(mem memory.Allocator) (s Stream, err error) {
		s.tail = &tailReader{r: bytes.NewReader(value)}
		if s.s, err = ipc.NewReader(s.tail, ipc.WithAllocator(bounded{mem, limit})); err != nil {
			err = fmt.Errorf("not an Arrow stream: %w", err)
		}
		return s, err
	}
	s, err := start(collected)
	if err == nil && !hasDictionary(s.Schema()) {
		s.s.Release()
		s, err = start(mem)
	}
	if err != nil {
		return nil, nil, err
	}
	defer s.s.Release()
	if schema, err = PlainSchema(s.Schema()); err != nil {
		return nil, nil, err
	}
	for {
		rec, err := s.Next()
		if errors.Is(err, io.EOF) {
			return schema, recs, nil
		}
		if err == nil {
			rec, err = Plain(rec, schema, mem)
		}
		if err != nil {
			return schema, recs, err
		}
		recs = append(recs, rec)
	}
}

// Difference says in what two schemas differ.
func Difference(a, b *arrow.Schema) string {
	for i, f := range a.Fields() {
		if i >= b.NumFields() {
			return fmt.Sprintf("it has no column %q", f.Name)
		}
		if g := b.Field(i); !f.Equal(g) {
			return fmt.Sprintf("column %d is %q %s there and %q %s here", i+1, f.Name, f.Type, g.Name, g.Type)
		}
	}
	if b.NumFields() > a.NumFields() {
		return fmt.Sprintf("it has one more column, %q", b.Field(a.NumFields()).Name)
	}
	return "the fields have different metadata"
}
