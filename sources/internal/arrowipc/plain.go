package arrowipc

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas"
)

// PlainSchema is a schema with dictionaries as their values, and without key-value metadata.
func PlainSchema(s *arrow.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		f.Type = plainType(f.Type)
		fields[i] = f
	}
	out := arrow.NewSchema(fields, nil)
	return out, schemas.CheckCopyable(out)
}

func plainType(t arrow.DataType) arrow.DataType {
	field := func(f arrow.Field) arrow.Field {
		f.Type = plainType(f.Type)
		return f
	}
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return plainType(t.ValueType)
	case *arrow.ListType:
		return arrow.ListOfField(field(t.ElemField()))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(field(t.ElemField()))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), field(t.ElemField()))
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = field(f)
		}
		return arrow.StructOf(fields...)
	}
	return t
}

// Plain takes a record over and gives it with dictionaries as their values; schema is the PlainSchema of its own.
func Plain(rec arrow.Record, schema *arrow.Schema, mem memory.Allocator) (arrow.Record, error) {
	defer rec.Release()
	cols := make([]arrow.Array, 0, rec.NumCols())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for i, c := range rec.Columns() {
		d, err := plainData(mem, c.Data())
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", rec.ColumnName(i), err)
		}
		cols = append(cols, array.MakeFromData(d))
		d.Release()
	}
	return array.NewRecord(schema, cols, rec.NumRows()), nil
}

// plainData returns data with its own reference; where nothing is a dictionary it is the same.
func plainData(mem memory.Allocator, d arrow.ArrayData) (arrow.ArrayData, error) {
	if d.DataType().ID() == arrow.DICTIONARY {
		return decodeDictionary(mem, d)
	}
	if arrow.TypeEqual(d.DataType(), plainType(d.DataType())) {
		d.Retain()
		return d, nil
	}
	kids := make([]arrow.ArrayData, 0, len(d.Children()))
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for _, c := range d.Children() {
		k, err := plainData(mem, c)
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	return array.NewData(plainType(d.DataType()), d.Len(), d.Buffers(), kids, d.NullN(), d.Offset()), nil
}

// decodeDictionary copies the values that the indices name.
func decodeDictionary(mem memory.Allocator, d arrow.ArrayData) (arrow.ArrayData, error) {
	a, ok := array.MakeFromData(d).(*array.Dictionary)
	if !ok {
		return nil, fmt.Errorf("type %s is not supported", d.DataType())
	}
	defer a.Release()
	values := a.Dictionary()
	runs := make([]schemas.Run, 0, a.Len())
	for i := range a.Len() {
		if a.IsNull(i) {
			runs = append(runs, schemas.Run{Start: -1, N: 1})
			continue
		}
		k := a.GetValueIndex(i)
		if k < 0 || k >= values.Len() {
			return nil, fmt.Errorf("index %d in a dictionary of %d", k, values.Len())
		}
		runs = append(runs, schemas.Run{Start: k, N: 1})
	}
	return schemas.Take(mem, values.Data(), runs)
}
