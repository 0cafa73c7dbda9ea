package parquetfile

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
)

// live is the definition level, for the time being, of entries that are not known to be null or empty.
const live = 0xff

// largeScratch is the size of scratch memory, in bytes, that is not kept.
const largeScratch = 8 << 20

// A span is a range of places in the buffers of an array.
type span struct{ at, n int }

// Entries are the levels of one node for a range of rows, and where the values are.
type entries struct {
	n     int    // number of entries
	defs  []byte // definition levels; nil where all entries are live
	reps  []byte // repetition levels; nil where every entry is a row
	spans []span // places of the live entries, in order
	live  int    // number of live entries
}

// A shredder turns ranges of rows into the entries of each column. What it returns is good until the next range.
type shredder struct {
	levels []byte // scratch of the levels
	spans  []span // and of the spans
	cols   []chunk
}

// A chunk is a range of rows of one column.
type chunk struct {
	entries
	rows  int
	data  arrow.ArrayData
	width int   // bytes that a value counts for beside those that vary
	bytes int64 // bytes that all values count for
	ends  ends  // where the values end, if they vary in length
}

func (s *shredder) reset() {
	s.levels, s.spans = s.levels[:0], s.spans[:0]
	if cap(s.levels) > largeScratch {
		s.levels = nil
	}
	if cap(s.spans) > largeScratch/16 {
		s.spans = nil
	}
}

func (s *shredder) takeLevels(n int) []byte {
	if len(s.levels)+n > cap(s.levels) {
		s.levels = make([]byte, 0, max(2*cap(s.levels), n, 4096))
	}
	at := len(s.levels)
	s.levels = s.levels[:at+n]
	return s.levels[at : at+n : at+n]
}

// shred works out node n for the entries e, whose spans are places in d.
func (s *shredder) shred(n *node, d arrow.ArrayData, e entries) error {
	e, err := s.nulls(n, d, e)
	if err != nil {
		return fmt.Errorf("column %s: %w", n.name, err)
	}
	switch n.kind {
	case leafKind:
		if err = s.column(n, d, e); err != nil {
			return fmt.Errorf("column %s: %w", n.name, err)
		}
		return nil
	case structKind:
		if len(d.Children()) != len(n.children) {
			return fmt.Errorf("column %s: %d members instead of %d", n.name, len(d.Children()), len(n.children))
		}
		for i, c := range n.children {
			cd, in := d.Children()[i], e
			if in.spans, err = s.shift(cd, e.spans); err != nil {
				return fmt.Errorf("column %s: %w", n.name, err)
			}
			if err := s.shred(c, cd, in); err != nil {
				return err
			}
		}
		return nil
	}
	if len(d.Children()) != 1 {
		return fmt.Errorf("column %s: %d arrays of elements", n.name, len(d.Children()))
	}
	child := d.Children()[0]
	e, err = s.lists(n, d, child, e)
	if err == nil {
		e.spans, err = s.shift(child, e.spans)
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", n.name, err)
	}
	return s.shred(n.children[0], child, e)
}

// shift turns indexes of an array's elements into places in its buffers.
func (s *shredder) shift(d arrow.ArrayData, spans []span) ([]span, error) {
	for _, p := range spans {
		if p.at < 0 || p.at+p.n > d.Len() {
			return nil, fmt.Errorf("broken array: elements %d to %d of %d", p.at, p.at+p.n, d.Len())
		}
	}
	off := d.Offset()
	if off == 0 {
		return spans, nil
	}
	from := len(s.spans)
	for _, p := range spans {
		s.spans = append(s.spans, span{p.at + off, p.n})
	}
	return s.spans[from:len(s.spans):len(s.spans)], nil
}

// addSpan appends places to the spans that began at from.
func (s *shredder) addSpan(from, at, n int) {
	if k := len(s.spans); k > from && s.spans[k-1].at+s.spans[k-1].n == at {
		s.spans[k-1].n += n
		return
	}
	s.spans = append(s.spans, span{at, n})
}

// nulls takes the nulls of d out of the live entries.
func (s *shredder) nulls(n *node, d arrow.ArrayData, e entries) (entries, error) {
	valid, bitmap := 0, []byte(nil)
	switch {
	case e.live == 0:
		return e, nil
	case n.typ.ID() == arrow.NULL:
	case len(d.Buffers()) == 0 || d.Buffers()[0] == nil || d.NullN() == 0:
		return e, nil
	default:
		bitmap = d.Buffers()[0].Bytes()
		for _, p := range e.spans {
			if (p.at+p.n+7)/8 > len(bitmap) {
				return e, fmt.Errorf("broken array: %d bytes of validity for %d values", len(bitmap), p.at+p.n)
			}
			valid += bitutil.CountSetBits(bitmap, p.at, p.n)
		}
	}
	if valid == e.live {
		return e, nil
	}
	if !n.nullable {
		return e, fmt.Errorf("a null, which the schema rules out")
	}
	out := e
	out.live, out.defs = valid, s.takeLevels(e.n)
	if e.defs != nil {
		copy(out.defs, e.defs)
	} else {
		fill(out.defs, live)
	}
	i, from := 0, len(s.spans)
	for _, p := range e.spans {
		for at := p.at; at < p.at+p.n; at, i = at+1, i+1 {
			for out.defs[i] != live {
				i++
			}
			if valid > 0 && bitutil.BitIsSet(bitmap, at) {
				s.addSpan(from, at, 1)
			} else {
				out.defs[i] = n.def - 1
			}
		}
	}
	out.spans = s.spans[from:len(s.spans):len(s.spans)]
	return out, nil
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// rep is the repetition level of entry i.
func (e *entries) rep(i int) byte {
	if e.reps == nil {
		return 0
	}
	return e.reps[i]
}
