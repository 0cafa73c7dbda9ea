package parquet

import "encoding/binary"

// values are the values of a page that are not null, in order.
type values interface {
	// append moves the next n values to a leaf.
	append(l *leaf, n int) error
	// bound is at least the number of bytes that the next n values add to a leaf.
	bound(n int) int64
}

// chunkOf is the number of values that the decoders handle at a time, where they need scratch memory.
const chunkOf = 1024

func short(n int) error { return corrupt("the page holds fewer than %d more values", n) }

// fixedValues are PLAIN values of the leaf's width.
type fixedValues struct {
	b     []byte
	width int
}

func (v *fixedValues) bound(n int) int64 { return int64(n) * int64(v.width) }

func (v *fixedValues) append(l *leaf, n int) error {
	if n > len(v.b)/v.width {
		return short(n)
	}
	dst, err := l.fixed(n, v.width)
	if err != nil {
		return err
	}
	v.b = v.b[copy(dst, v.b):]
	l.valid += n
	return nil
}

// bitValues are PLAIN booleans.
type bitValues struct {
	b   []byte
	pos int
}

func (v *bitValues) bound(n int) int64 { return int64(n)/8 + 1 }

func (v *bitValues) append(l *leaf, n int) error {
	if v.pos+n > 8*len(v.b) {
		return short(n)
	}
	if err := l.bits(n); err != nil {
		return err
	}
	copyBits(l.data.buf, l.valid, v.b, v.pos, n)
	v.pos += n
	l.valid += n
	return nil
}

// bits makes room for n more bits, cleared.
func (l *leaf) bits(n int) error {
	more := (l.valid+n+7)/8 - l.data.n
	if more > maxBuffer {
		return tooLarge
	}
	if err := l.room(more); err != nil {
		return err
	}
	clear(l.data.extend(more))
	return nil
}

// copyBits copies n bits; those of dst are clear.
func copyBits(dst []byte, to int, src []byte, from, n int) {
	if to&7 == 0 && from&7 == 0 {
		whole := n >> 3
		copy(dst[to>>3:], src[from>>3:from>>3+whole])
		to, from, n = to+8*whole, from+8*whole, n&7
	}
	for i := range n {
		p, q := from+i, to+i
		dst[q>>3] |= src[p>>3] >> (p & 7) & 1 << (q & 7)
	}
}

// runBits are booleans in the RLE encoding.
type runBits struct{ h hybrid }

// newRunBits cuts the length off that stands in front of the runs.
func newRunBits(b []byte) (*runBits, error) {
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, corrupt("booleans are cut off")
	}
	return &runBits{hybrid{b: b[4 : 4+binary.LittleEndian.Uint32(b)], width: 1}}, nil
}

func (v *runBits) bound(n int) int64 { return int64(n)/8 + 1 }

func (v *runBits) append(l *leaf, n int) error {
	if err := l.bits(n); err != nil {
		return err
	}
	var some [chunkOf]uint8
	for n > 0 {
		k := min(n, chunkOf)
		if err := fill(&v.h, some[:k]); err != nil {
			return corrupt("booleans: %w", err)
		}
		for i, b := range some[:k] {
			q := l.valid + i
			l.data.buf[q>>3] |= b << (q & 7)
		}
		l.valid += k
		n -= k
	}
	return nil
}

// plainBytes are PLAIN byte arrays: a length, then the bytes.
type plainBytes struct{ b []byte }

func (v *plainBytes) bound(n int) int64 { return int64(len(v.b)) }

func (v *plainBytes) append(l *leaf, n int) error {
	ends, err := l.ends(n)
	if err != nil {
		return err
	}
	if err := l.room(0); err != nil {
		return err
	}
	src, w := v.b, l.data.n
	for i := range ends {
		if len(src) < 4 {
			return short(n - i)
		}
		k := int(binary.LittleEndian.Uint32(src))
		src = src[4:]
		if k > len(src) {
			return corrupt("a value of %d bytes where the page has %d", k, len(src))
		}
		if w+k+slack > len(l.data.buf) {
			l.data.n = w
			if err := l.room(k); err != nil {
				return err
			}
		}
		if k <= slack && len(src) >= slack {
			*(*[slack]byte)(l.data.buf[w:]) = *(*[slack]byte)(src)
		} else {
			copy(l.data.buf[w:], src[:k])
		}
		w += k
		src = src[k:]
		ends[i] = int32(w)
	}
	l.data.n = w
	v.b = src
	l.valid += n
	return nil
}
