package parquetfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// An order is how values of a column compare.
type order uint8

const (
	orderNone order = iota
	orderBool
	orderInt32
	orderUint32
	orderInt64
	orderUint64
	orderFloat32
	orderFloat64
	orderBytes
	orderText
	orderDecimal // big-endian two's complement
)

// maxBound is the length, in bytes, from which on bounds are cut.
const maxBound = 64

// A bound is a value that none of a page or chunk is below, or above. The zero bound is none.
type bound struct {
	value []byte
	exact bool // it is one of the values
}

// limits are the bounds of values that are not null.
type limits struct{ min, max bound }

func (l *limits) known() bool { return l.min.value != nil && l.max.value != nil }

// compare compares two stored values, neither of which is NaN.
func (o order) compare(a, b []byte) int {
	le := binary.LittleEndian
	switch o {
	case orderInt32:
		return cmp.Compare(int32(le.Uint32(a)), int32(le.Uint32(b)))
	case orderUint32:
		return cmp.Compare(le.Uint32(a), le.Uint32(b))
	case orderInt64:
		return cmp.Compare(int64(le.Uint64(a)), int64(le.Uint64(b)))
	case orderUint64:
		return cmp.Compare(le.Uint64(a), le.Uint64(b))
	case orderFloat32:
		return cmp.Compare(math.Float32frombits(le.Uint32(a)), math.Float32frombits(le.Uint32(b)))
	case orderFloat64:
		return cmp.Compare(math.Float64frombits(le.Uint64(a)), math.Float64frombits(le.Uint64(b)))
	case orderDecimal:
		if c := cmp.Compare(int8(a[0]), int8(b[0])); c != 0 {
			return c
		}
	}
	return bytes.Compare(a, b)
}

// merge widens the limits of a chunk by those of one of its pages, and forgets what no longer holds of all pages.
func (o order) merge(chunk, page limits) limits {
	return limits{wider(chunk.min, page.min, func(c, p []byte) int { return o.compare(p, c) }), wider(chunk.max, page.max, o.compare)}
}

func wider(c, p bound, compare func(c, p []byte) int) bound {
	if c.value == nil || p.value == nil {
		return bound{}
	}
	switch d := compare(c.value, p.value); {
	case d < 0:
		return p
	case d == 0 && p.exact:
		return p
	}
	return c
}

// bounded makes limits of the smallest and largest value; nil stays nil. The result has memory of its own.
func (o order) bounded(least, most []byte) limits {
	if least == nil || most == nil {
		return limits{}
	}
	switch o {
	case orderFloat32, orderFloat64: // a zero stands for both zeros
		least, most = bytes.Clone(least), bytes.Clone(most)
		sign := len(least) - 1
		if isZero(least) {
			least[sign] = 0x80
		}
		if isZero(most) {
			most[sign] = 0
		}
		return limits{bound{least, true}, bound{most, true}}
	case orderText:
		return limits{cutText(least, false), cutText(most, true)}
	case orderBytes:
		return limits{cutBytes(least, false), cutBytes(most, true)}
	}
	return limits{bound{bytes.Clone(least), true}, bound{bytes.Clone(most), true}}
}

// isZero tells a zero of any sign from other floats.
func isZero(f []byte) bool {
	for _, b := range f[:len(f)-1] {
		if b != 0 {
			return false
		}
	}
	return f[len(f)-1]&0x7f == 0
}

func own(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

// cutBytes shortens a bound; an upper one to the next larger value of that length.
func cutBytes(v []byte, upper bool) bound {
	if len(v) <= maxBound {
		return bound{own(v), true}
	}
	v = own(v[:maxBound])
	for upper {
		if len(v) == 0 {
			return bound{}
		}
		if v[len(v)-1]++; v[len(v)-1] != 0 {
			break
		}
		v = v[:len(v)-1]
	}
	return bound{v, false}
}

// cutText is cutBytes for UTF-8, which it leaves UTF-8. It gives no bound for what is not UTF-8 to begin with.
func cutText(v []byte, upper bool) bound {
	if len(v) <= maxBound {
		if !utf8.Valid(v) {
			return bound{}
		}
		return bound{own(v), true}
	}
	end := maxBound
	for end > maxBound-utf8.UTFMax && !utf8.RuneStart(v[end]) {
		end--
	}
	if v = own(v[:end]); !utf8.Valid(v) {
		return bound{}
	}
	for upper {
		if len(v) == 0 {
			return bound{}
		}
		r, n := utf8.DecodeLastRune(v)
		v = v[:len(v)-n]
		if r++; r == 0xd800 { // surrogates are no characters
			r = 0xe000
		}
		if r <= utf8.MaxRune {
			v = utf8.AppendRune(v, r)
			break
		}
	}
	return bound{v, false}
}
