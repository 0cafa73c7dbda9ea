package parquet

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

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
