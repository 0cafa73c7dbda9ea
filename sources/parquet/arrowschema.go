package parquet

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"inoculate/sources/internal/flatbuffer"
)

// Members of the Type union of Arrow's Schema.fbs.
const (
	fbNull            = 1
	fbInt             = 2
	fbFloatingPoint   = 3
	fbBinary          = 4
	fbUtf8            = 5
	fbBool            = 6
	fbDecimal         = 7
	fbDate            = 8
	fbTime            = 9
	fbTimestamp       = 10
	fbList            = 12
	fbStruct          = 13
	fbFixedSizeBinary = 15
	fbFixedSizeList   = 16
	fbMap             = 17
	fbDuration        = 18
	fbLargeBinary     = 19
	fbLargeUtf8       = 20
	fbLargeList       = 21
	fbBinaryView      = 23
	fbUtf8View        = 24
	fbListView        = 25
	fbLargeListView   = 26
)

// Fields of the tables of Schema.fbs and Message.fbs that are read here.
const (
	messageHeaderType = 1
	messageHeader     = 2
	headerIsSchema    = 1
	schemaFields      = 1
	fieldName         = 0
	fieldTypeType     = 2
	fieldType         = 3
	fieldChildren     = 5
	fieldMetadata     = 6
)

// refine sharpens the fields of a file by the Arrow schema that its writer left in the metadata: large and fixed-size
// types, time zones, durations, field metadata such as extension names. What Parquet itself says is never contradicted:
// a field whose stored type is another one stays as it is, and so do all of them where the schema cannot be read.
// Dictionary types are decoded to their values' type.
func refine(fields []*node, encoded string) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(raw) < 8 {
		return
	}
	if binary.LittleEndian.Uint32(raw) == 0xffffffff { // else a message of before 0.15, without this mark
		raw = raw[4:]
	}
	refineBy(fields, raw[4:])
}

// refineBy is refine by a message of Message.fbs.
func refineBy(fields []*node, message []byte) {
	defer func() { _ = recover() }() // offsets that lead out of the buffer; every node is whole at any time
	msg := flatbuffer.Root(message)
	schema, ok := msg.Table(messageHeader)
	if !ok || msg.Byte(messageHeaderType) != headerIsSchema {
		return
	}
	refineAll(fields, schema, schemaFields)
}

// refineAll refines nodes by the fields in vector i of t, if they are the same by name.
func refineAll(nodes []*node, t flatbuffer.Table, i int) {
	n, at := t.Vector(i)
	if n != len(nodes) {
		return
	}
	for k, c := range nodes {
		if f := t.Element(at, k); f.String(fieldName) == c.name {
			c.refine(f)
		}
	}
}

func (n *node) refine(f flatbuffer.Table) {
	id := f.Byte(fieldTypeType)
	typ, _ := f.Table(fieldType)
	children, at := f.Vector(fieldChildren)
	switch n.kind {
	case leafKind:
		if !n.agrees(id) {
			return
		}
		n.refineLeaf(id, typ)
	case structKind:
		if id != fbStruct || children != len(n.children) {
			return
		}
		refineAll(n.children, f, fieldChildren)
	case mapKind:
		if id != fbMap || children != 1 {
			return
		}
		kv := f.Element(at, 0)
		if k, pos := kv.Vector(fieldChildren); k == 2 { // their names vary
			n.children[0].children[0].refine(kv.Element(pos, 0))
			n.children[0].children[1].refine(kv.Element(pos, 1))
		}
	case listKind:
		if children != 1 {
			return
		}
		switch id {
		case fbList, fbListView:
		case fbLargeList, fbLargeListView:
			n.large = true
		case fbFixedSizeList:
			n.fixed = max(0, typ.Int32(0, 0))
		default:
			return
		}
		n.children[0].refine(f.Element(at, 0)) // the element's name varies
	}
	n.meta = metadata(f, n.meta)
}

// metadata returns the field's key/value metadata, over what is known already.
func metadata(t flatbuffer.Table, known arrow.Metadata) arrow.Metadata {
	n, at := t.Vector(fieldMetadata)
	if n == 0 {
		return known
	}
	m := known.ToMap()
	for k := range n {
		kv := t.Element(at, k)
		if key := kv.String(0); key != "" && !strings.HasPrefix(key, "PARQUET:") {
			m[key] = kv.String(1)
		}
	}
	if len(m) == 0 {
		return known
	}
	return arrow.MetadataFrom(m)
}

// agrees says whether a leaf of the Arrow type id can be stored as this one.
func (n *node) agrees(id byte) bool {
	switch n.typ.ID() {
	case arrow.NULL:
		return id == fbNull
	case arrow.BOOL:
		return id == fbBool
	case arrow.INT64:
		return id == fbInt || id == fbDuration
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return id == fbFloatingPoint
	case arrow.STRING:
		return id == fbUtf8 || id == fbLargeUtf8 || id == fbUtf8View
	case arrow.BINARY:
		return id == fbBinary || id == fbLargeBinary || id == fbBinaryView
	case arrow.FIXED_SIZE_BINARY:
		return id == fbFixedSizeBinary
	case arrow.DECIMAL128, arrow.DECIMAL256:
		return id == fbDecimal
	case arrow.DATE32:
		return id == fbDate
	case arrow.TIME32, arrow.TIME64:
		return id == fbTime
	case arrow.TIMESTAMP:
		return id == fbTimestamp
	}
	return arrow.IsInteger(n.typ.ID()) && id == fbInt
}

func (n *node) refineLeaf(id byte, typ flatbuffer.Table) {
	switch t := n.typ.(type) {
	case *arrow.StringType:
		if id == fbLargeUtf8 {
			n.typ = arrow.BinaryTypes.LargeString
		}
	case *arrow.BinaryType:
		if id == fbLargeBinary {
			n.typ = arrow.BinaryTypes.LargeBinary
		}
	case *arrow.TimestampType:
		if zone := typ.String(1); t.TimeZone != "" && zone != "" && n.phys == format.Int64 {
			n.typ = &arrow.TimestampType{Unit: t.Unit, TimeZone: zone}
		}
	case *arrow.Int64Type:
		if unit := typ.Int16(0, 1); id == fbDuration && unit >= 0 && unit <= 3 {
			n.typ = &arrow.DurationType{Unit: arrow.TimeUnit(unit)}
		}
	case *arrow.Decimal128Type:
		if typ.Int32(0, 0) == t.Precision && typ.Int32(1, 0) == t.Scale && typ.Int32(2, 128) == 256 {
			n.typ = &arrow.Decimal256Type{Precision: t.Precision, Scale: t.Scale}
		}
	}
}
