package parquetfile

import (
	"cmp"
	"encoding/binary"
	"math"
)

// extremes finds the smallest and the largest of n values of a page, stored as PLAIN. NaN are left aside; where there is
// nothing else, or values have no order, the results are nil. They are parts of b or new.
func (s *storage) extremes(b []byte, n int) (least, most []byte) {
	if n == 0 {
		return nil, nil
	}
	le := binary.LittleEndian
	switch s.order {
	case orderNone:
		return nil, nil
	case orderBool:
		return boolExtremes(b, n)
	case orderInt32:
		return extremesOf(b, n, 4, func(b []byte) int32 { return int32(le.Uint32(b)) })
	case orderUint32:
		return extremesOf(b, n, 4, le.Uint32)
	case orderInt64:
		return extremesOf(b, n, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
	case orderUint64:
		return extremesOf(b, n, 8, le.Uint64)
	case orderFloat32:
		return extremesOf(b, n, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
	case orderFloat64:
		return extremesOf(b, n, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
	}
	if s.width > 0 {
		least, most = b[:s.width], b[:s.width]
		for at := 0; at < n*s.width; at += s.width {
			least, most = s.order.widen(least, most, b[at:at+s.width])
		}
		return least, most
	}
	return textExtremes(b, n)
}

// widen returns the extremes with v among them.
func (o order) widen(least, most, v []byte) (newLeast, newMost []byte) {
	if o.compare(v, least) < 0 {
		least = v
	}
	if o.compare(v, most) > 0 {
		most = v
	}
	return least, most
}

func boolExtremes(b []byte, n int) (least, most []byte) {
	ones := 0
	for i := range n {
		ones += int(b[i/8] >> (i % 8) & 1)
	}
	least, most = []byte{0}, []byte{1}
	if ones == n {
		least = most
	}
	if ones == 0 {
		most = least
	}
	return least, most
}

func extremesOf[T cmp.Ordered](b []byte, n, width int, get func([]byte) T) (least, most []byte) {
	var lo, hi T
	low, high := -1, -1
	for i := range n {
		v := get(b[i*width:])
		if v != v {
			continue
		}
		if low < 0 {
			lo, hi, low, high = v, v, i, i
		}
		if v < lo {
			lo, low = v, i
		}
		if v > hi {
			hi, high = v, i
		}
	}
	if low < 0 {
		return nil, nil
	}
	return b[low*width : (low+1)*width], b[high*width : (high+1)*width]
}

// textExtremes decides most comparisons by the first eight bytes.
func textExtremes(b []byte, n int) (least, most []byte) {
	var lo, hi uint64
	for i := range n {
		k := int(binary.LittleEndian.Uint32(b)) + 4
		v := b[4:k:k]
		b = b[k:]
		key := prefix(v)
		if i == 0 {
			least, most, lo, hi = v, v, key, key
			continue
		}
		if key <= lo && orderBytes.compare(v, least) < 0 {
			least, lo = v, key
		}
		if key >= hi && orderBytes.compare(v, most) > 0 {
			most, hi = v, key
		}
	}
	return least, most
}

// prefix is the first eight bytes of v, padded with zeros: it never decreases along the order of bytes.
func prefix(v []byte) uint64 {
	if len(v) >= 8 {
		return binary.BigEndian.Uint64(v)
	}
	var p [8]byte
	copy(p[:], v)
	return binary.BigEndian.Uint64(p[:])
}
