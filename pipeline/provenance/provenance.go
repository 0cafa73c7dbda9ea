// Package provenance is the record of what a run did to each input record: one row a record, in the order of the input.
package provenance

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
	"inoculate/schemas"
)

// Folder is where provenance files stand below the output folder.
const Folder = "_provenance"

// Rejected is the value of the column phase for a record that went to rejects; the others are those of pipeline.Phase.
const Rejected = 255

// Schema is the schema of provenance files. Rows are in the order of positions; the k-th row of a phase is the k-th row of
// the segment's file of that phase. Edits are in coordinates of the input record.
var Schema = arrow.NewSchema([]arrow.Field{
	{Name: "position", Type: arrow.PrimitiveTypes.Int64},
	{Name: "phase", Type: arrow.PrimitiveTypes.Uint8},
	{Name: "decision", Type: arrow.PrimitiveTypes.Uint16},
	{Name: "prompts", Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int32)},
	{Name: "edits", Type: arrow.ListOfNonNullable(editType)},
}, nil)

var editType = arrow.StructOf(
	arrow.Field{Name: "slot", Type: arrow.PrimitiveTypes.Int32},
	arrow.Field{Name: "turn", Type: arrow.PrimitiveTypes.Int32},
	arrow.Field{Name: "at", Type: arrow.PrimitiveTypes.Int32},
	arrow.Field{Name: "op", Type: arrow.PrimitiveTypes.Uint8}, // schemas.Op, plus 4 for Null and 8 for Unnull
	arrow.Field{Name: "prompt", Type: arrow.PrimitiveTypes.Int32},
	arrow.Field{Name: "role", Type: arrow.BinaryTypes.String},
	arrow.Field{Name: "old", Type: arrow.BinaryTypes.String},
	arrow.Field{Name: "new", Type: arrow.BinaryTypes.String},
)

const (
	nullBit   = 4
	unnullBit = 8
)

// Row is what is kept of one record.
type Row struct {
	Position int64
	Phase    uint8
	Decision pipeline.Decision
	Prompts  []int32 // that it carries at their place, indices into the registry
	Edits    []schemas.Edit
}

// Decode appends the rows of a record with the columns of Schema, found by name. Strings are copied.
func Decode(rec arrow.Record, dst []Row) ([]Row, error) {
	col, err := columns(rec)
	if err != nil {
		return dst, err
	}
	position, phase, decision := col[0].(*array.Int64), col[1].(*array.Uint8), col[2].(*array.Uint16)
	prompts, edits := col[3].(*array.List), col[4].(*array.List)
	ids, s := prompts.ListValues().(*array.Int32), edits.ListValues().(*array.Struct)
	for i := range int(rec.NumRows()) {
		r := Row{Position: position.Value(i), Phase: phase.Value(i), Decision: pipeline.Decision(decision.Value(i))}
		from, to := prompts.ValueOffsets(i)
		for ; from < to; from++ {
			r.Prompts = append(r.Prompts, ids.Value(int(from)))
		}
		from, to = edits.ValueOffsets(i)
		for ; from < to; from++ {
			e, err := decodeEdit(s, int(from))
			if err != nil {
				return dst, err
			}
			r.Edits = append(r.Edits, e)
		}
		dst = append(dst, r)
	}
	return dst, nil
}

func decodeEdit(s *array.Struct, i int) (schemas.Edit, error) {
	op := s.Field(3).(*array.Uint8).Value(i)
	e := schemas.Edit{
		Slot:   s.Field(0).(*array.Int32).Value(i),
		Turn:   s.Field(1).(*array.Int32).Value(i),
		At:     s.Field(2).(*array.Int32).Value(i),
		Op:     schemas.Op(op & 3),
		Null:   op&nullBit != 0,
		Unnull: op&unnullBit != 0,
		Prompt: s.Field(4).(*array.Int32).Value(i),
		Role:   string(append([]byte(nil), s.Field(5).(*array.String).Value(i)...)),
		Old:    string(append([]byte(nil), s.Field(6).(*array.String).Value(i)...)),
		New:    string(append([]byte(nil), s.Field(7).(*array.String).Value(i)...)),
	}
	if e.Slot < 0 || e.Turn < 0 || e.At < 0 || e.Op > schemas.DeleteTurn {
		return e, fmt.Errorf("provenance: an edit with slot %d, turn %d, place %d, kind %d", e.Slot, e.Turn, e.At, op)
	}
	return e, nil
}

func columns(rec arrow.Record) ([]arrow.Array, error) {
	out := make([]arrow.Array, Schema.NumFields())
	for i, f := range Schema.Fields() {
		ix := rec.Schema().FieldIndices(f.Name)
		if len(ix) != 1 || !arrow.TypeEqual(stripped(rec.Schema().Field(ix[0]).Type), stripped(f.Type)) {
			return nil, fmt.Errorf("provenance: no column %q of type %s", f.Name, f.Type)
		}
		out[i] = rec.Column(ix[0])
	}
	return out, nil
}

// stripped is a type without the names and nullability of list elements, which differ by writer.
func stripped(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOf(stripped(t.Elem()))
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = arrow.Field{Name: f.Name, Type: stripped(f.Type), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return t
}
