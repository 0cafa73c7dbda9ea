package parquet

import (
	"encoding/binary"
	"math"
)

// some decodes the next n values, at most chunkOf, into scratch memory of the leaf.
func (d *delta) some(l *leaf, n int) ([]int64, error) {
	if l.deltas == nil {
		l.deltas = make([]int64, 2*chunkOf)
	}
	out := l.deltas[:min(n, chunkOf)]
	return out, d.read(out)
}

// deltaInts are integers in the DELTA_BINARY_PACKED encoding.
type deltaInts struct {
	d     *delta
	width int
}

func (v *deltaInts) bound(n int) int64 { return int64(n) * int64(v.width) }

func (v *deltaInts) append(l *leaf, n int) error {
	for n > 0 {
		some, err := v.d.some(l, n)
		if err != nil {
			return err
		}
		out, err := l.fixed(len(some), v.width)
		if err != nil {
			return err
		}
		for i, x := range some {
			if v.width == 4 {
				binary.LittleEndian.PutUint32(out[4*i:], uint32(x))
			} else {
				binary.LittleEndian.PutUint64(out[8*i:], uint64(x))
			}
		}
		l.valid += len(some)
		n -= len(some)
	}
	return nil
}

// deltaLengths are byte arrays in the DELTA_LENGTH_BYTE_ARRAY encoding: all lengths, then all bytes.
type deltaLengths struct {
	lengths *delta
	b       []byte
}

func newDeltaLengths(b []byte) (*deltaLengths, error) {
	d, err := newDelta(b)
	if err != nil {
		return nil, err
	}
	rest, err := d.rest()
	return &deltaLengths{d, rest}, err
}

func (v *deltaLengths) bound(n int) int64 { return int64(len(v.b)) }

func (v *deltaLengths) append(l *leaf, n int) error {
	for n > 0 {
		some, err := v.lengths.some(l, n)
		if err != nil {
			return err
		}
		total := 0
		for _, k := range some {
			if k < 0 || k > int64(len(v.b)-total) {
				return corrupt("a value of %d bytes where the page has %d", k, len(v.b)-total)
			}
			total += int(k)
		}
		if err := l.room(total); err != nil {
			return err
		}
		ends, err := l.ends(len(some))
		if err != nil {
			return err
		}
		w := l.data.n
		for i, k := range some {
			w += int(k)
			ends[i] = int32(w)
		}
		copy(l.data.extend(total), v.b)
		v.b = v.b[total:]
		l.valid += len(some)
		n -= len(some)
	}
	return nil
}

// deltaPrefixes are byte arrays in the DELTA_BYTE_ARRAY encoding: how much each one shares with the one before, and the rest.
type deltaPrefixes struct {
	prefixes *delta
	suffixes *deltaLengths
	last     []byte
}

func newDeltaPrefixes(b []byte) (*deltaPrefixes, error) {
	p, err := newDelta(b)
	if err != nil {
		return nil, err
	}
	rest, err := p.rest()
	if err != nil {
		return nil, err
	}
	s, err := newDeltaLengths(rest)
	return &deltaPrefixes{prefixes: p, suffixes: s}, err
}

func (v *deltaPrefixes) bound(n int) int64 {
	longest := int64(len(v.last) + len(v.suffixes.b))
	if int64(n) > math.MaxInt64/(longest+1) {
		return math.MaxInt64
	}
	return int64(n) * longest
}

func (v *deltaPrefixes) append(l *leaf, n int) error {
	for n > 0 {
		some, err := v.prefixes.some(l, n)
		if err != nil {
			return err
		}
		lengths := l.deltas[chunkOf : chunkOf+len(some)]
		if err := v.suffixes.lengths.read(lengths); err != nil {
			return err
		}
		for i, p := range some {
			k, b := lengths[i], v.suffixes.b
			if p < 0 || p > int64(len(v.last)) || k < 0 || k > int64(len(b)) {
				return corrupt("a value of %d old and %d new bytes, where there are %d and %d", p, k, len(v.last), len(b))
			}
			v.last = append(v.last[:p], b[:k]...)
			v.suffixes.b = b[k:]
			if err := l.one(v.last); err != nil {
				return err
			}
		}
		n -= len(some)
	}
	return nil
}

// one appends a single value of a byte array or of a fixed width.
func (l *leaf) one(b []byte) error {
	if l.width > 0 && len(b) != l.width {
		return corrupt("a value of %d bytes instead of %d", len(b), l.width)
	}
	if err := l.room(len(b)); err != nil {
		return err
	}
	copy(l.data.extend(len(b)), b)
	if l.width == 0 {
		ends, err := l.ends(1)
		if err != nil {
			return err
		}
		ends[0] = int32(l.data.n)
	}
	l.valid++
	return nil
}

// splitValues are values in the BYTE_STREAM_SPLIT encoding: the first bytes of all, then the second bytes of all, …
type splitValues struct {
	b     []byte
	width int
	pos   int
}

func (v *splitValues) bound(n int) int64 { return int64(n) * int64(v.width) }

func (v *splitValues) append(l *leaf, n int) error {
	total := len(v.b) / v.width
	if n > total-v.pos {
		return short(n)
	}
	out, err := l.fixed(n, v.width)
	if err != nil {
		return err
	}
	for j := range v.width {
		src := v.b[j*total+v.pos:][:n]
		for i, x := range src {
			out[i*v.width+j] = x
		}
	}
	v.pos += n
	l.valid += n
	return nil
}
