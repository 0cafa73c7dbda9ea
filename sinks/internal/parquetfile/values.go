package parquetfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow/bitutil"
)

// appendTexts appends the values at spans to dst as PLAIN stores them, each behind its length. There is room for them.
func (o *ends) appendTexts(dst []byte, spans []span) []byte {
	for _, p := range spans {
		if o.o32 == nil {
			for i := p.at; i < p.at+p.n; i++ {
				dst = appendText(dst, o.at(i))
			}
			continue
		}
		from := binary.LittleEndian.Uint32(o.o32[4*p.at:])
		offs := o.o32[4*p.at+4:][:4*p.n]
		for ; len(offs) >= 4; offs = offs[4:] {
			to := binary.LittleEndian.Uint32(offs)
			dst = appendText(dst, o.data[from:to])
			from = to
		}
	}
	return dst
}

func appendText(dst, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(v))), v...)
}

// appendBits appends the bits at spans to the first n bits of b, whose other bits are zero.
func appendBits(b []byte, n int, bits []byte, spans []span) {
	for _, p := range spans {
		for i := p.at; i < p.at+p.n; i, n = i+1, n+1 {
			if bitutil.BitIsSet(bits, i) {
				b[n/8] |= 1 << (n % 8)
			}
		}
	}
}

// store puts the values of src at spans into dst, in the form of PLAIN.
func (s *storage) store(dst, src []byte, spans []span) error {
	le, k := binary.LittleEndian, 0
	for _, p := range spans {
		v := src[p.at*s.from : (p.at+p.n)*s.from]
		if s.conv == asIs {
			k += copy(dst[k:], v)
			continue
		}
		out := dst[k : k+p.n*s.width]
		k += len(out)
		switch s.conv {
		case int8To32:
			for i, x := range v {
				le.PutUint32(out[4*i:], uint32(int8(x)))
			}
		case uint8To32:
			for i, x := range v {
				le.PutUint32(out[4*i:], uint32(x))
			}
		case int16To32:
			for i := range p.n {
				le.PutUint32(out[4*i:], uint32(int16(le.Uint16(v[2*i:]))))
			}
		case uint16To32:
			for i := range p.n {
				le.PutUint32(out[4*i:], uint32(le.Uint16(v[2*i:])))
			}
		case seconds32:
			for i := range p.n {
				x := int64(int32(le.Uint32(v[4*i:]))) * 1000
				if x != int64(int32(x)) {
					return fmt.Errorf("a time of %d seconds, which milliseconds do not reach", x/1000)
				}
				le.PutUint32(out[4*i:], uint32(x))
			}
		case seconds64:
			for i := range p.n {
				x := int64(le.Uint64(v[8*i:]))
				if x > math.MaxInt64/1000 || x < math.MinInt64/1000 {
					return fmt.Errorf("a timestamp of %d seconds, which milliseconds do not reach", x)
				}
				le.PutUint64(out[8*i:], uint64(1000*x))
			}
		case date64:
			const day = 24 * 60 * 60 * 1000
			for i := range p.n {
				x := int64(le.Uint64(v[8*i:]))
				if x%day != 0 || x/day != int64(int32(x/day)) {
					return fmt.Errorf("a date of %d milliseconds, which is no day of Parquet", x)
				}
				le.PutUint32(out[4*i:], uint32(x/day))
			}
		case bigEndian:
			for i := range p.n {
				if err := s.decimal(out[i*s.width:(i+1)*s.width], v[i*s.from:(i+1)*s.from]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// decimal stores a little-endian number as a big-endian one of perhaps fewer bytes.
func (s *storage) decimal(dst, src []byte) error {
	for i := range dst {
		dst[i] = src[s.width-1-i]
	}
	sign := byte(int8(dst[0]) >> 7)
	for _, b := range src[s.width:] {
		if b != sign {
			return fmt.Errorf("a decimal of more digits than its type has")
		}
	}
	return nil
}

// decimalWidth is the number of bytes that holds every number of the precision in two's complement.
func decimalWidth(precision int32) int {
	return int(math.Ceil((float64(precision)*math.Log2(10) + 1) / 8))
}
