package parquet

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

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

// dictionary is a decoded dictionary page.
type dictionary struct {
	data    gbuf // with slack behind the data
	offs    gbuf // byte arrays: where each one starts, and where the last one ends
	n       int
	longest int
}

func (d *dictionary) free() {
	d.data.free()
	d.offs.free()
}

// load decodes n PLAIN values of the given width.
func (d *dictionary) load(b []byte, n, width int) error {
	if width < 0 {
		return unsupported("a dictionary of booleans")
	}
	if width > 0 {
		if n > len(b)/width {
			return corrupt("%d values in %d bytes", n, len(b))
		}
		dst := d.data.extend(n * width)
		if dst == nil && n > 0 {
			return unsupported("a dictionary of %d bytes", len(b))
		}
		copy(dst, b)
		d.n, d.longest = n, width
		return nil
	}
	if n > len(b)/4 {
		return corrupt("%d values in %d bytes", n, len(b))
	}
	if !d.data.reserve(len(b)) || !d.offs.reserve(4*(n+1)) {
		return unsupported("a dictionary of %d bytes", len(b))
	}
	offs := arrow.Int32Traits.CastFromBytes(d.offs.extend(4 * (n + 1)))
	offs[0] = 0
	for i := range n {
		if len(b) < 4 {
			return corrupt("only %d of %d values", i, n)
		}
		k := binary.LittleEndian.Uint32(b)
		if b = b[4:]; uint64(k) > uint64(len(b)) {
			return corrupt("value %d of %d bytes where the page has %d", i, k, len(b))
		}
		copy(d.data.extend(int(k)), b)
		offs[i+1] = int32(d.data.n)
		d.longest = max(d.longest, int(k))
		b = b[k:]
	}
	d.n = n
	return nil
}

// dictValues are indexes into a dictionary.
type dictValues struct {
	d *dictionary
	h hybrid
}

func newDictValues(d *dictionary, b []byte) (*dictValues, error) {
	if len(b) == 0 {
		return &dictValues{d, hybrid{width: 32}}, nil // good for a page without values
	}
	if b[0] > 32 {
		return nil, corrupt("dictionary indexes of %d bits", b[0])
	}
	return &dictValues{d, hybrid{b: b[1:], width: uint(b[0])}}, nil
}

func (v *dictValues) bound(n int) int64 {
	if int64(n) > math.MaxInt64/int64(v.d.longest+1) {
		return math.MaxInt64
	}
	return int64(n) * int64(v.d.longest)
}

func (v *dictValues) append(l *leaf, n int) error {
	if l.indexes == nil {
		l.indexes = make([]uint32, chunkOf)
	}
	for n > 0 {
		idx := l.indexes[:min(n, chunkOf)]
		if err := fill(&v.h, idx); err != nil {
			return corrupt("dictionary indexes: %w", err)
		}
		for _, i := range idx {
			if uint64(i) >= uint64(v.d.n) {
				return corrupt("index %d into a dictionary of %d values", i, v.d.n)
			}
		}
		var err error
		if l.width == 0 {
			err = v.d.bytes(l, idx)
		} else {
			err = v.d.fixed(l, idx)
		}
		if err != nil {
			return err
		}
		l.valid += len(idx)
		n -= len(idx)
	}
	return nil
}

func (d *dictionary) fixed(l *leaf, idx []uint32) error {
	out, err := l.fixed(len(idx), l.width)
	if err != nil {
		return err
	}
	data := d.data.bytes()
	switch w := l.width; w {
	case 4:
		for j, i := range idx {
			*(*[4]byte)(out[4*j:]) = *(*[4]byte)(data[4*i:])
		}
	case 8:
		for j, i := range idx {
			*(*[8]byte)(out[8*j:]) = *(*[8]byte)(data[8*uint64(i):])
		}
	default:
		for j, i := range idx {
			copy(out[w*j:w*(j+1)], data[w*int(i):])
		}
	}
	return nil
}

func (d *dictionary) bytes(l *leaf, idx []uint32) error {
	offs := arrow.Int32Traits.CastFromBytes(d.offs.bytes())
	total := 0
	for _, i := range idx {
		total += int(offs[i+1] - offs[i])
	}
	if total > maxBuffer {
		return tooLarge
	}
	if err := l.room(total); err != nil {
		return err
	}
	ends, err := l.ends(len(idx))
	if err != nil {
		return err
	}
	w, dst, data := l.data.n, l.data.buf, d.data.buf
	for j, i := range idx {
		lo, hi := int(offs[i]), int(offs[i+1])
		if hi-lo <= slack {
			*(*[slack]byte)(dst[w:]) = *(*[slack]byte)(data[lo:])
		} else {
			copy(dst[w:], data[lo:hi])
		}
		w += hi - lo
		ends[j] = int32(w)
	}
	l.data.n = w
	return nil
}
