package parquet

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"
)

// convert rewrites values whose Parquet and Arrow forms differ.
func (l *leaf) convert() error {
	out := gbuf{mem: l.mem}
	var err error
	switch t := l.typ.(type) {
	case *arrow.Int8Type, *arrow.Uint8Type:
		err = l.narrow(&out, 1)
	case *arrow.Int16Type, *arrow.Uint16Type:
		err = l.narrow(&out, 2)
	case *arrow.TimestampType:
		if l.phys != format.Int96 {
			return nil
		}
		err = l.int96(&out)
	case *arrow.Decimal128Type, *arrow.Decimal256Type:
		err = l.decimals(&out, t.(arrow.FixedWidthDataType).BitWidth()/8)
	default:
		return nil
	}
	l.data.free()
	l.data = out
	return err
}

// narrow keeps the low bytes of 32-bit integers.
func (l *leaf) narrow(out *gbuf, w int) error {
	dst, src := out.extend(l.valid*w), l.data.bytes()
	for i := range l.valid {
		copy(dst[i*w:(i+1)*w], src[4*i:])
	}
	return nil
}

// int96 turns nanoseconds of a day and a Julian day number into nanoseconds since 1970.
func (l *leaf) int96(out *gbuf) error {
	const day, epoch int64 = 86400e9, 2440588
	src, dst := l.data.bytes(), out.extend(8*l.valid)
	for i := range l.valid {
		nanos := int64(binary.LittleEndian.Uint64(src[12*i:]))
		days := int64(int32(binary.LittleEndian.Uint32(src[12*i+8:]))) - epoch
		if days < math.MinInt64/day || days > math.MaxInt64/day-1 || nanos < 0 || nanos >= 2*day {
			return unsupported("an INT96 timestamp (day %d since 1970) that nanoseconds since 1970 do not reach", days)
		}
		binary.LittleEndian.PutUint64(dst[8*i:], uint64(days*day+nanos))
	}
	return nil
}

// decimals turns numbers of any stored form into little-endian ones of w bytes.
func (l *leaf) decimals(out *gbuf, w int) error {
	dst := out.extend(l.valid * w)
	if dst == nil && l.valid > 0 {
		return tooLarge
	}
	src := l.data.bytes()
	offs := arrow.Int32Traits.CastFromBytes(l.offs.bytes())
	for i := range l.valid {
		d := dst[i*w : (i+1)*w]
		switch {
		case l.phys == format.Int32:
			v := int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
			signExtend(d, v < 0)
			binary.LittleEndian.PutUint64(d, uint64(v))
		case l.phys == format.Int64:
			v := binary.LittleEndian.Uint64(src[8*i:])
			signExtend(d, int64(v) < 0)
			binary.LittleEndian.PutUint64(d, v)
		default:
			v := src[i*l.width : (i+1)*l.width]
			if l.width == 0 {
				v = src[offs[i]:offs[i+1]]
			}
			if err := putDecimal(d, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func signExtend(d []byte, negative bool) {
	fill := byte(0)
	if negative {
		fill = 0xff
	}
	for i := range d {
		d[i] = fill
	}
}

// putDecimal stores a big-endian number in two's complement as little-endian.
func putDecimal(dst, be []byte) error {
	if len(be) == 0 {
		return corrupt("a decimal of 0 bytes")
	}
	negative := be[0]&0x80 != 0
	signExtend(dst, negative)
	for len(be) > len(dst) { // bytes that only repeat the sign
		if be[0] != dst[0] || be[1]&0x80 != be[0]&0x80 {
			return corrupt("a decimal of %d bytes that does not fit %d", len(be), len(dst))
		}
		be = be[1:]
	}
	for i, b := range be {
		dst[len(be)-1-i] = b
	}
	return nil
}
