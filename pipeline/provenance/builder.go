package provenance

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas"
)

// A Builder collects rows in memory of its own, which the next record uses again. It serves one goroutine.
type Builder struct {
	position       []int64
	phase          []uint8
	decision       []uint16
	promptEnds     []int32 // a zero, and where the prompts of each row end
	prompt         []int32
	editEnds       []int32
	slot, turn, at []int32
	op             []uint8
	cause          []int32
	role, old, new texts
}

// texts are the values of a column of strings.
type texts struct {
	ends []int32 // a zero, and where each text ends
	data []byte
}

func (t *texts) append(s string) {
	t.data = append(t.data, s...)
	t.ends = append(t.ends, int32(len(t.data)))
}

// NewBuilder makes a Builder.
func NewBuilder() *Builder {
	b := &Builder{}
	b.Reset()
	return b
}

// Rows and Bytes are how many rows were collected since the last record, and about how much memory they take.
func (b *Builder) Rows() int { return len(b.position) }

// Bytes is described with Rows.
func (b *Builder) Bytes() int {
	return 15*len(b.position) + 4*len(b.prompt) + 29*len(b.op) + len(b.role.data) + len(b.old.data) + len(b.new.data)
}

// Reset drops the rows.
func (b *Builder) Reset() {
	b.position, b.phase, b.decision, b.prompt = b.position[:0], b.phase[:0], b.decision[:0], b.prompt[:0]
	b.slot, b.turn, b.at, b.op, b.cause = b.slot[:0], b.turn[:0], b.at[:0], b.op[:0], b.cause[:0]
	for _, ends := range []*[]int32{&b.promptEnds, &b.editEnds, &b.role.ends, &b.old.ends, &b.new.ends} {
		*ends = append((*ends)[:0], 0)
	}
	for _, t := range []*texts{&b.role, &b.old, &b.new} {
		t.data = t.data[:0]
	}
}

// Append adds a row.
func (b *Builder) Append(r Row, placed []pipeline.Placed) {
	b.position = append(b.position, r.Position)
	b.phase = append(b.phase, r.Phase)
	b.decision = append(b.decision, uint16(r.Decision))
	for _, p := range placed {
		b.prompt = append(b.prompt, p.Prompt)
	}
	b.promptEnds = append(b.promptEnds, int32(len(b.prompt)))
	for i := range r.Edits {
		b.edit(&r.Edits[i])
	}
	b.editEnds = append(b.editEnds, int32(len(b.op)))
}

func (b *Builder) edit(e *schemas.Edit) {
	op := uint8(e.Op)
	if e.Null {
		op |= nullBit
	}
	if e.Unnull {
		op |= unnullBit
	}
	b.slot, b.turn, b.at = append(b.slot, e.Slot), append(b.turn, e.Turn), append(b.at, e.At)
	b.op, b.cause = append(b.op, op), append(b.cause, e.Prompt)
	b.role.append(e.Role)
	b.old.append(e.Old)
	b.new.append(e.New)
}

// Record returns the rows collected since the last call. They are good until the next Append. It fails where the texts of
// the edits pass 2 GiB, which offsets of 32 bits cannot count.
func (b *Builder) Record() (arrow.Record, error) {
	defer b.Reset()
	for _, t := range []*texts{&b.role, &b.old, &b.new} {
		if len(t.data) > math.MaxInt32 {
			return nil, fmt.Errorf("provenance: the edits of %d rows have texts of %d bytes, 2 GiB or more: a smaller batch has fewer", len(b.position), len(t.data))
		}
	}
	n := len(b.position)
	numbers := func(of []int32) arrow.ArrayData { return column(arrow.PrimitiveTypes.Int32, len(of), int32s(of)) }
	prompt := numbers(b.prompt)
	members := []arrow.ArrayData{
		numbers(b.slot), numbers(b.turn), numbers(b.at), column(arrow.PrimitiveTypes.Uint8, len(b.op), b.op), numbers(b.cause),
		b.role.column(), b.old.column(), b.new.column(),
	}
	edit := array.NewData(editType, len(b.op), []*memory.Buffer{nil}, members, 0, 0)
	columns := []arrow.ArrayData{
		column(arrow.PrimitiveTypes.Int64, n, arrow.Int64Traits.CastToBytes(b.position)),
		column(arrow.PrimitiveTypes.Uint8, n, b.phase),
		column(arrow.PrimitiveTypes.Uint16, n, arrow.Uint16Traits.CastToBytes(b.decision)),
		column(Schema.Field(3).Type, n, int32s(b.promptEnds), prompt),
		column(Schema.Field(4).Type, n, int32s(b.editEnds), edit),
	}
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		arrays[i] = array.MakeFromData(c)
	}
	return array.NewRecord(Schema, arrays, int64(n)), nil
}

func int32s(of []int32) []byte { return arrow.Int32Traits.CastToBytes(of) }

// column is an array without nulls over memory that is not Arrow's to free: there is nothing to release.
func column(t arrow.DataType, n int, values []byte, below ...arrow.ArrayData) arrow.ArrayData {
	return array.NewData(t, n, []*memory.Buffer{nil, memory.NewBufferBytes(values)}, below, 0, 0)
}

func (t *texts) column() arrow.ArrayData {
	return array.NewData(arrow.BinaryTypes.String, len(t.ends)-1,
		[]*memory.Buffer{nil, memory.NewBufferBytes(int32s(t.ends)), memory.NewBufferBytes(t.data)}, nil, 0, 0)
}
