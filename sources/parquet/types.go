package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// Members of the LogicalType union.
const (
	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInt       = 10
	logicalNull      = 11
	logicalJSON      = 12
	logicalBSON      = 13
	logicalUUID      = 14
	logicalFloat16   = 15
	logicalVariant   = 16
	logicalGeometry  = 17
	logicalGeography = 18
)

// maxFixedWidth bounds FIXED_LEN_BYTE_ARRAY, in bytes.
const maxFixedWidth = 16 << 20

// storedWidth is the number of bytes of a value, 0 when it varies, -1 for a bit.
func (e *element) storedWidth() (int, error) {
	switch e.phys {
	case format.Boolean:
		return -1, nil
	case format.Int32, format.Float:
		return 4, nil
	case format.Int64, format.Double:
		return 8, nil
	case format.Int96:
		return 12, nil
	case format.ByteArray:
		return 0, nil
	case format.FixedLenByteArray:
		if e.length < 1 || e.length > maxFixedWidth {
			return 0, unsupported("FIXED_LEN_BYTE_ARRAY of %d bytes", e.length)
		}
		return int(e.length), nil
	}
	return 0, unsupported("physical type %d", e.phys)
}

func extension(name string) arrow.Metadata {
	return arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{name, ""})
}

// leafType gives the Arrow type of a leaf, and the metadata that its logical type stands for. A logical type that a later
// version of the format brings is left aside, as the format asks: the stored values are what they are.
func leafType(e *element) (t arrow.DataType, meta arrow.Metadata, err error) {
	phys := []format.Type{format.ByteArray}
	switch e.logical.id {
	case logicalString, logicalEnum:
		t = arrow.BinaryTypes.String
	case logicalJSON:
		t, meta = arrow.BinaryTypes.String, extension("arrow.json")
	case logicalBSON:
		t = arrow.BinaryTypes.Binary
	case logicalDecimal:
		t, err = decimalType(e.logical.precision, e.logical.scale)
		phys = []format.Type{format.Int32, format.Int64, format.ByteArray, format.FixedLenByteArray}
	case logicalDate:
		t, phys = arrow.FixedWidthTypes.Date32, []format.Type{format.Int32}
	case logicalTime:
		t, phys, err = timeType(e.logical.unit)
	case logicalTimestamp:
		t, err = timestampType(e.logical.unit, e.logical.utc)
		phys = []format.Type{format.Int64}
	case logicalInt:
		t, phys, err = intType(int(e.logical.bits), e.logical.signed)
	case logicalNull:
		return arrow.Null, meta, nil
	case logicalUUID:
		t, meta = &arrow.FixedSizeBinaryType{ByteWidth: 16}, extension("arrow.uuid")
		phys = []format.Type{format.FixedLenByteArray}
		if e.length != 16 {
			err = corrupt("UUID of %d bytes", e.length)
		}
	case logicalFloat16:
		t, phys = arrow.FixedWidthTypes.Float16, []format.Type{format.FixedLenByteArray}
		if e.length != 2 {
			err = corrupt("FLOAT16 of %d bytes", e.length)
		}
	case logicalVariant, logicalGeometry, logicalGeography:
		err = unsupported("logical type %s", map[int16]string{logicalVariant: "VARIANT", logicalGeometry: "GEOMETRY",
			logicalGeography: "GEOGRAPHY"}[e.logical.id])
	case logicalMap, logicalList:
		err = corrupt("a list or map that is not a group")
	default:
		if t, phys, err = convertedType(e); t == nil && err == nil {
			return plainType(e), meta, nil
		}
	}
	if err != nil {
		return nil, meta, err
	}
	for _, p := range phys {
		if p == e.phys {
			return t, meta, nil
		}
	}
	return nil, meta, corrupt("a %s cannot be stored as %s", t, e.phys)
}

// convertedType reads the older annotation that LogicalType has replaced; nil where there is none.
func convertedType(e *element) (t arrow.DataType, phys []format.Type, err error) {
	c := deprecated.ConvertedType(e.converted)
	switch c {
	case deprecated.UTF8, deprecated.Enum, deprecated.Json:
		return arrow.BinaryTypes.String, []format.Type{format.ByteArray}, nil
	case deprecated.Decimal:
		t, err = decimalType(e.precision, e.scale)
		return t, []format.Type{format.Int32, format.Int64, format.ByteArray, format.FixedLenByteArray}, err
	case deprecated.Date:
		return arrow.FixedWidthTypes.Date32, []format.Type{format.Int32}, nil
	case deprecated.TimeMillis:
		return arrow.FixedWidthTypes.Time32ms, []format.Type{format.Int32}, nil
	case deprecated.TimeMicros:
		return arrow.FixedWidthTypes.Time64us, []format.Type{format.Int64}, nil
	case deprecated.TimestampMillis:
		return arrow.FixedWidthTypes.Timestamp_ms, []format.Type{format.Int64}, nil
	case deprecated.TimestampMicros:
		return arrow.FixedWidthTypes.Timestamp_us, []format.Type{format.Int64}, nil
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return intType(8<<(c-deprecated.Int8), true)
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return intType(8<<(c-deprecated.Uint8), false)
	}
	return nil, nil, nil
}

func plainType(e *element) arrow.DataType {
	switch e.phys {
	case format.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case format.Int32:
		return arrow.PrimitiveTypes.Int32
	case format.Int64:
		return arrow.PrimitiveTypes.Int64
	case format.Int96:
		return &arrow.TimestampType{Unit: arrow.Nanosecond}
	case format.Float:
		return arrow.PrimitiveTypes.Float32
	case format.Double:
		return arrow.PrimitiveTypes.Float64
	case format.ByteArray:
		return arrow.BinaryTypes.Binary
	}
	return &arrow.FixedSizeBinaryType{ByteWidth: int(e.length)}
}

func unitOf(id int16) (arrow.TimeUnit, error) {
	switch id {
	case 1:
		return arrow.Millisecond, nil
	case 2:
		return arrow.Microsecond, nil
	case 3:
		return arrow.Nanosecond, nil
	}
	return 0, unsupported("time unit %d", id)
}

func timeType(unit int16) (arrow.DataType, []format.Type, error) {
	u, err := unitOf(unit)
	if u == arrow.Millisecond {
		return &arrow.Time32Type{Unit: u}, []format.Type{format.Int32}, err
	}
	return &arrow.Time64Type{Unit: u}, []format.Type{format.Int64}, err
}

func timestampType(unit int16, utc bool) (arrow.DataType, error) {
	u, err := unitOf(unit)
	if utc {
		return &arrow.TimestampType{Unit: u, TimeZone: "UTC"}, err
	}
	return &arrow.TimestampType{Unit: u}, err
}

func intType(bits int, signed bool) (arrow.DataType, []format.Type, error) {
	phys := []format.Type{format.Int32}
	if bits == 64 {
		phys[0] = format.Int64
	}
	var types [4]arrow.DataType
	if signed {
		types = [4]arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64}
	} else {
		types = [4]arrow.DataType{arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64}
	}
	switch bits {
	case 8:
		return types[0], phys, nil
	case 16:
		return types[1], phys, nil
	case 32:
		return types[2], phys, nil
	case 64:
		return types[3], phys, nil
	}
	return nil, nil, unsupported("integers of %d bits", bits)
}

func decimalType(precision, scale int32) (arrow.DataType, error) {
	switch {
	case precision < 1 || precision > 76:
		return nil, unsupported("decimals of %d digits", precision)
	case precision <= 38:
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}, nil
	}
	return &arrow.Decimal256Type{Precision: precision, Scale: scale}, nil
}
