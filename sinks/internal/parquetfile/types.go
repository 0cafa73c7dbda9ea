package parquetfile

import (
	"fmt"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// How Arrow's values become Parquet's.
type conversion uint8

const (
	asIs       conversion = iota // the same bytes
	bits1                        // bits
	nothing                      // only nulls
	byteArray                    // variable length, 32-bit offsets
	largeArray                   // variable length, 64-bit offsets
	int8To32
	uint8To32
	int16To32
	uint16To32
	seconds32 // to milliseconds
	seconds64
	date64 // to days
	bigEndian
)

// storage is how the values of a column are stored.
type storage struct {
	phys  format.Type
	conv  conversion
	width int // bytes of a stored value; 0 where it varies, bits or nothing
	from  int // bytes of a value in Arrow
	order order
}

func logical(el *format.SchemaElement, l format.LogicalTypeValue, conv ...deprecated.ConvertedType) {
	el.LogicalType.Value = l
	if len(conv) > 0 {
		el.ConvertedType = thrift.New(conv[0])
	}
}

// leafStorage says how values of type t are stored, and completes the schema element.
func leafStorage(t arrow.DataType, el *format.SchemaElement) (s storage, err error) {
	switch t := t.(type) {
	case *arrow.NullType:
		s = storage{phys: format.Int32, conv: nothing}
		logical(el, &format.NullType{})
	case *arrow.BooleanType:
		s = storage{phys: format.Boolean, conv: bits1, order: orderBool}
	case *arrow.Float16Type:
		s = storage{phys: format.FixedLenByteArray, width: 2, from: 2}
		logical(el, &format.Float16Type{})
	case *arrow.Float32Type:
		s = storage{phys: format.Float, width: 4, from: 4, order: orderFloat32}
	case *arrow.Float64Type:
		s = storage{phys: format.Double, width: 8, from: 8, order: orderFloat64}
	case *arrow.StringType:
		s = storage{phys: format.ByteArray, conv: byteArray, order: orderText}
		logical(el, &format.StringType{}, deprecated.UTF8)
	case *arrow.LargeStringType:
		s = storage{phys: format.ByteArray, conv: largeArray, order: orderText}
		logical(el, &format.StringType{}, deprecated.UTF8)
	case *arrow.BinaryType:
		s = storage{phys: format.ByteArray, conv: byteArray, order: orderBytes}
	case *arrow.LargeBinaryType:
		s = storage{phys: format.ByteArray, conv: largeArray, order: orderBytes}
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth < 1 {
			return s, fmt.Errorf("no values of %d bytes in Parquet", t.ByteWidth)
		}
		s = storage{phys: format.FixedLenByteArray, width: t.ByteWidth, from: t.ByteWidth, order: orderBytes}
	case *arrow.Decimal128Type:
		return decimalStorage(t.Precision, t.Scale, 16, el)
	case *arrow.Decimal256Type:
		return decimalStorage(t.Precision, t.Scale, 32, el)
	case *arrow.Date32Type:
		s = int32s(asIs, 4)
		logical(el, &format.DateType{}, deprecated.Date)
	case *arrow.Date64Type:
		s = int32s(date64, 8)
		logical(el, &format.DateType{}, deprecated.Date)
	case *arrow.Time32Type:
		s = int32s(asIs, 4)
		if t.Unit == arrow.Second {
			s.conv = seconds32
		}
		logical(el, &format.TimeType{Unit: unit(arrow.Millisecond)})
	case *arrow.Time64Type:
		s = int64s(asIs)
		logical(el, &format.TimeType{Unit: unit(t.Unit)})
	case *arrow.TimestampType:
		s = timestampStorage(t, el)
	case *arrow.DurationType:
		s = int64s(asIs)
	default:
		if !arrow.IsInteger(t.ID()) {
			return s, fmt.Errorf("the type %s has no form in Parquet here", t)
		}
		s = integerStorage(t.(arrow.FixedWidthDataType).BitWidth(), arrow.IsSignedInteger(t.ID()), el)
	}
	el.Type = thrift.New(s.phys)
	if s.phys == format.FixedLenByteArray {
		el.TypeLength = thrift.New(int32(s.width))
	}
	return s, nil
}

func int32s(c conversion, from int) storage {
	return storage{phys: format.Int32, conv: c, width: 4, from: from, order: orderInt32}
}

func int64s(c conversion) storage {
	return storage{phys: format.Int64, conv: c, width: 8, from: 8, order: orderInt64}
}

func integerStorage(width int, signed bool, el *format.SchemaElement) storage {
	s, conv := int32s(asIs, width/8), deprecated.Int8
	if width == 64 {
		s = int64s(asIs)
	}
	switch {
	case signed && width == 8:
		s.conv = int8To32
	case signed && width == 16:
		s.conv = int16To32
	case width == 8:
		s.conv = uint8To32
	case width == 16:
		s.conv = uint16To32
	}
	if signed && width >= 32 {
		return s // the stored type says it all
	}
	if !signed {
		conv = deprecated.Uint8
		s.order++ // the unsigned one
	}
	conv += deprecated.ConvertedType(bits.TrailingZeros(uint(width)) - 3)
	logical(el, &format.IntType{BitWidth: int8(width), IsSigned: signed}, conv)
	return s
}

func timestampStorage(t *arrow.TimestampType, el *format.SchemaElement) storage {
	s, l := int64s(asIs), &format.TimestampType{IsAdjustedToUTC: t.TimeZone != "", Unit: unit(t.Unit)}
	if t.Unit == arrow.Second {
		s.conv = seconds64
	}
	switch {
	case t.TimeZone == "" || t.Unit == arrow.Nanosecond:
		logical(el, l)
	case t.Unit == arrow.Microsecond:
		logical(el, l, deprecated.TimestampMicros)
	default:
		logical(el, l, deprecated.TimestampMillis)
	}
	return s
}

// unit is Parquet's time unit; seconds become milliseconds.
func unit(u arrow.TimeUnit) format.TimeUnit {
	switch u {
	case arrow.Nanosecond:
		return format.TimeUnit{Value: &format.NanoSeconds{}}
	case arrow.Microsecond:
		return format.TimeUnit{Value: &format.MicroSeconds{}}
	}
	return format.TimeUnit{Value: &format.MilliSeconds{}}
}

// decimalStorage stores big-endian numbers in the fewest bytes that hold every number of the precision.
func decimalStorage(precision, scale int32, from int, el *format.SchemaElement) (storage, error) {
	if precision < 1 || int(precision) > from*38/16 || scale < 0 || scale > precision {
		return storage{}, fmt.Errorf("no decimals of %d digits, %d of them behind the point, in Parquet", precision, scale)
	}
	s := storage{phys: format.FixedLenByteArray, conv: bigEndian, width: decimalWidth(precision), from: from, order: orderDecimal}
	logical(el, &format.DecimalType{Precision: precision, Scale: scale}, deprecated.Decimal)
	el.Precision, el.Scale = thrift.New(precision), thrift.New(scale)
	el.Type, el.TypeLength = thrift.New(s.phys), thrift.New(int32(s.width))
	return s, nil
}
