package columnar

import (
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsonrow"
	"inoculate/schemas/jsontext"
)

// sampleFile is JSON lines with one sample of an evaluation each, as Inspect's json_dataset reads them: id, input (the turns
// before the answer), target (the answer: the last turn, where it is the assistant's) and metadata (all other columns).
type sampleFile struct {
	lineWriter
	view  *schemas.View
	id    string // of the segment
	n     int    // samples written
	rest  []int  // columns that are not of the conversation
	enc   *jsonrow.Encoder
	meta  *arrow.Schema
	turns []schemas.Turn
}

// CheckSamples says why conversations of a layout cannot be written as samples.
func CheckSamples(format string, l *schemas.Layout, s *arrow.Schema) error {
	for _, slot := range l.Slots {
		if slot.Kind == schemas.JSONSlot {
			return fmt.Errorf("turns of column %q are JSON text, whose other members and parts the format %s would leave out; JSON lines keep them", slot.Name, format)
		}
	}
	return plainTurns(format, l, s)
}

func newSamples(w io.Writer, format string, seg pipeline.Segment, schema *arrow.Schema, l *schemas.Layout) (encoder, error) {
	if l == nil {
		return nil, fmt.Errorf("the format %s needs a layout", format)
	}
	if err := CheckSamples(format, l, schema); err != nil {
		return nil, err
	}
	f := &sampleFile{lineWriter: lineWriter{w: w}, view: schemas.NewView(l), id: fmt.Sprintf("%s-%d-", seg.Partition, seg.First)}
	turns := map[int]bool{}
	for _, slot := range l.Slots {
		turns[slot.Column] = true
	}
	var fields []arrow.Field
	for i, field := range schema.Fields() {
		if !turns[i] {
			f.rest, fields = append(f.rest, i), append(fields, field)
		}
	}
	f.meta = arrow.NewSchema(fields, nil)
	var err error
	f.enc, err = jsonrow.NewEncoder(f.meta)
	return f, err
}

func (f *sampleFile) write(rows pipeline.Rows) error {
	f.view.Reset(rows.Record)
	rest := make([]arrow.Array, len(f.rest))
	for i, c := range f.rest {
		rest[i] = rows.Record.Column(c)
	}
	meta := array.NewRecord(f.meta, rest, rows.Record.NumRows())
	defer meta.Release()
	return f.each(rows.N, func(row int) error { return f.row(meta, row) })
}

func (f *sampleFile) row(meta arrow.Record, row int) (err error) {
	var fault *schemas.Fault
	if f.turns, fault = f.view.Conversation(row, f.turns[:0]); fault != nil && !fault.NoTurn() {
		return fmt.Errorf("field %s: %s", fault.Field, fault.Detail)
	}
	f.buf = append(f.buf, `{"id": "`...)
	f.buf = strconv.AppendInt(append(f.buf, f.id...), int64(f.n), 10)
	f.buf = append(f.buf, `", "input": [`...)
	f.n++
	turns, target := f.turns, []byte(nil)
	if n := len(turns) - 1; n > 0 && turns[n].Role == schemas.RoleAssistant {
		turns, target = turns[:n], turns[n].Text
	}
	first := true
	for i := range turns {
		t := &turns[i]
		if t.Null && t.Role == schemas.RoleSystem { // a column without a system prompt
			continue
		}
		if !first {
			f.buf = append(f.buf, ", "...)
		}
		first = false
		f.buf = append(append(append(f.buf, `{"role": "`...), t.Role.String()...), `", "content": `...)
		f.buf = append(jsontext.AppendQuoted(f.buf, t.Text), '}')
	}
	f.buf = jsontext.AppendQuoted(append(f.buf, `], "target": `...), target)
	if len(f.rest) > 0 {
		if f.buf, err = f.enc.Append(append(f.buf, `, "metadata": `...), meta, row); err != nil {
			return err
		}
	}
	f.buf = append(f.buf, '}', '\n')
	return nil
}
