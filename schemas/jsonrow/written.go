package jsonrow

import "github.com/apache/arrow/go/v17/arrow"

// Written is the schema by which a Decoder reads every row that an Encoder of schema s wrote, and every record that a Decoder
// of s took: s itself where it came from JSON, and else the nearest type that JSON has.
func Written(s *arrow.Schema) *arrow.Schema {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		fields[i] = writtenField(f)
	}
	return arrow.NewSchema(fields, nil)
}

func writtenField(f arrow.Field) arrow.Field {
	if IsJSON(&f) {
		return JSONField(f.Name)
	}
	if t := writtenType(f.Type); t != nil {
		return arrow.Field{Name: f.Name, Type: t, Nullable: true}
	}
	return JSONField(f.Name)
}

// writtenType is nil for what only JSON text holds.
func writtenType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return writtenType(t.StorageType())
	case *arrow.BooleanType:
		return t
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return arrow.PrimitiveTypes.Int64
	case *arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type:
		return arrow.PrimitiveTypes.Float64
	case *arrow.NullType, *arrow.Uint64Type, *arrow.MapType:
		return nil
	case *arrow.ListType:
		return arrow.ListOfField(writtenItem(t.ElemField()))
	case *arrow.LargeListType:
		return arrow.ListOfField(writtenItem(t.ElemField()))
	case *arrow.FixedSizeListType:
		if elem := writtenItem(t.ElemField()); elem.Type.ID() != arrow.STRUCT { // no conversation, and not to be taken for one
			return arrow.ListOfField(elem)
		}
		return nil
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = writtenField(f)
		}
		if len(fields) == 0 {
			return nil
		}
		return arrow.StructOf(fields...)
	}
	return arrow.BinaryTypes.String // text, and what is written as text
}

func writtenItem(f arrow.Field) arrow.Field {
	f.Name = "item"
	return writtenField(f)
}
