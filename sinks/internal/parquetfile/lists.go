package parquetfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

// listBounds tell the elements of the list at a place.
type listBounds struct {
	o32   []byte
	o64   []byte
	fixed int
}

func (l *listBounds) at(i int) (from, to int) {
	switch {
	case l.o32 != nil:
		return int(int32(binary.LittleEndian.Uint32(l.o32[4*i:]))), int(int32(binary.LittleEndian.Uint32(l.o32[4*i+4:])))
	case l.o64 != nil:
		return int(int64(binary.LittleEndian.Uint64(l.o64[8*i:]))), int(int64(binary.LittleEndian.Uint64(l.o64[8*i+8:])))
	}
	return i * l.fixed, (i + 1) * l.fixed
}

// boundsOf checks that the bounds of every list in e are there.
func boundsOf(n *node, d arrow.ArrayData, e entries) (l listBounds, err error) {
	l.fixed = n.fixed
	if n.kind == fixedListKind || e.live == 0 {
		return l, nil
	}
	width := 4
	if n.large {
		width = 8
	}
	if len(d.Buffers()) < 2 || d.Buffers()[1] == nil {
		return l, fmt.Errorf("broken array: no offsets")
	}
	b := d.Buffers()[1].Bytes()
	for _, p := range e.spans {
		if (p.at+p.n+1)*width > len(b) {
			return l, fmt.Errorf("broken array: %d bytes of offsets for %d lists", len(b), p.at+p.n)
		}
	}
	if n.large {
		l.o64 = b
	} else {
		l.o32 = b
	}
	return l, nil
}

// lists replaces lists by their elements.
func (s *shredder) lists(n *node, d, child arrow.ArrayData, e entries) (out entries, err error) {
	bounds, err := boundsOf(n, d, e)
	if err != nil {
		return e, err
	}
	from, empty := len(s.spans), 0
	for _, p := range e.spans {
		for i := p.at; i < p.at+p.n; i++ {
			a, b := bounds.at(i)
			switch {
			case a == b:
				empty++
			case a < 0 || a > b || b > child.Len():
				return e, fmt.Errorf("broken array: a list of elements %d to %d of %d", a, b, child.Len())
			default:
				s.addSpan(from, a, b-a)
				out.live += b - a
			}
		}
	}
	out.spans = s.spans[from:len(s.spans):len(s.spans)]
	out.n = e.n - e.live + empty + out.live
	if out.n > math.MaxInt32 {
		return e, fmt.Errorf("%d values in %d rows", out.n, e.n)
	}
	out.reps = s.takeLevels(out.n)
	if e.defs != nil || empty > 0 {
		out.defs = s.takeLevels(out.n)
	}
	i, k := 0, 0       // of e and out
	others := func() { // entries without a list
		for e.defs != nil && i < e.n && e.defs[i] != live {
			out.defs[k], out.reps[k] = e.defs[i], e.rep(i)
			i, k = i+1, k+1
		}
	}
	for _, p := range e.spans {
		for at := p.at; at < p.at+p.n; at++ {
			others()
			a, b := bounds.at(at)
			m, def := b-a, byte(live)
			if m == 0 {
				m, def = 1, n.def
			}
			out.reps[k] = e.rep(i)
			if out.defs != nil {
				out.defs[k] = def
			}
			if i, k = i+1, k+1; m > 1 {
				fill(out.reps[k:k+m-1], n.rep)
				if out.defs != nil {
					fill(out.defs[k:k+m-1], def)
				}
				k += m - 1
			}
		}
	}
	others()
	return out, nil
}
