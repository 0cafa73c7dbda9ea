package parquetfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
)

// ends are the offsets of a string or binary array.
type ends struct {
	data []byte
	o32  []byte
	o64  []byte
}

// at is the value at a place, which column has checked.
func (o *ends) at(i int) []byte {
	if o.o32 != nil {
		return o.data[binary.LittleEndian.Uint32(o.o32[4*i:]):binary.LittleEndian.Uint32(o.o32[4*i+4:])]
	}
	return o.data[binary.LittleEndian.Uint64(o.o64[8*i:]):binary.LittleEndian.Uint64(o.o64[8*i+8:])]
}

func (o *ends) offset(i int) int64 {
	if o.o32 != nil {
		return int64(int32(binary.LittleEndian.Uint32(o.o32[4*i:])))
	}
	return int64(binary.LittleEndian.Uint64(o.o64[8*i:]))
}

// check makes sure that the values of p are in the data, in order.
func (o *ends) check(p span) error {
	last := o.offset(p.at)
	ok := last >= 0
	for i := p.at + 1; i <= p.at+p.n; i++ {
		next := o.offset(i)
		ok = ok && next >= last
		if next-last > math.MaxInt32-4 {
			return fmt.Errorf("a value of %d bytes; Parquet has no values of 2 GiB or more", next-last)
		}
		last = next
	}
	if !ok || last > int64(len(o.data)) {
		return fmt.Errorf("broken array: values outside of their %d bytes", len(o.data))
	}
	return nil
}

// column notes the entries of a leaf, and checks that its buffers hold every value.
func (s *shredder) column(n *node, d arrow.ArrayData, e entries) error {
	c := &s.cols[n.leaf]
	c.entries, c.data, c.bytes, c.ends = e, d, int64(c.width)*int64(e.live), ends{}
	if e.live == 0 {
		return nil
	}
	bits, offsets := 0, 0
	switch t := n.typ.(type) {
	case *arrow.StringType, *arrow.BinaryType:
		offsets = 4
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		offsets = 8
	case arrow.FixedWidthDataType:
		bits = t.BitWidth()
	}
	if len(d.Buffers()) < 2 || d.Buffers()[1] == nil {
		return fmt.Errorf("broken array: no values")
	}
	b := d.Buffers()[1].Bytes()
	for _, p := range e.spans {
		if offsets == 0 && ((p.at+p.n)*bits+7)/8 > len(b) || offsets > 0 && (p.at+p.n+1)*offsets > len(b) {
			return fmt.Errorf("broken array: %d bytes for %d values", len(b), p.at+p.n)
		}
	}
	if offsets == 0 {
		return nil
	}
	if len(d.Buffers()) > 2 && d.Buffers()[2] != nil {
		c.ends.data = d.Buffers()[2].Bytes()
	}
	if offsets == 4 {
		c.ends.o32 = b
	} else {
		c.ends.o64 = b
	}
	for _, p := range e.spans {
		if err := c.ends.check(p); err != nil {
			return err
		}
		c.bytes += c.ends.offset(p.at+p.n) - c.ends.offset(p.at)
	}
	return nil
}

// A cursor is a place between two rows of a chunk.
type cursor struct {
	row, entry, live int
	span, within     int // the span, and how far into it
	bytes            int64
}

// next goes from a cursor over whole rows until these have maxBytes or maxEntries, over one row at least.
func (c *chunk) next(from cursor, maxBytes int64, maxEntries int) cursor {
	if c.bytes-from.bytes < maxBytes && c.n-from.entry < maxEntries {
		return cursor{row: c.rows, entry: c.n, live: c.live, span: len(c.spans), bytes: c.bytes}
	}
	to := from
	for to.entry < c.n {
		to = c.nextRow(to)
		if to.bytes-from.bytes >= maxBytes || to.entry-from.entry >= maxEntries {
			break
		}
	}
	return to
}

// nextRow goes over one row.
func (c *chunk) nextRow(at cursor) cursor {
	for first := true; at.entry < c.n && (first || c.rep(at.entry) > 0); first = false {
		if c.defs == nil || c.defs[at.entry] == live {
			p := c.spans[at.span]
			at.bytes += int64(c.width)
			if i := p.at + at.within; c.ends.o32 != nil || c.ends.o64 != nil {
				at.bytes += c.ends.offset(i+1) - c.ends.offset(i)
			}
			at.live++
			if at.within++; at.within == p.n {
				at.span, at.within = at.span+1, 0
			}
		}
		at.entry++
	}
	at.row++
	return at
}

// between appends the spans of the values between two cursors.
func (c *chunk) between(dst []span, from, to cursor) []span {
	for i := from.span; i <= to.span && i < len(c.spans); i++ {
		p := c.spans[i]
		if i == to.span {
			p.n = to.within
		}
		if i == from.span {
			p.at, p.n = p.at+from.within, p.n-from.within
		}
		if p.n > 0 {
			dst = append(dst, p)
		}
	}
	return dst
}
