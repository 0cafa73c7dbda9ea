package parquetfile

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	maxPageEntries = 20_000                 // of all columns, levels and numbers wait in memory until a page ends
	maxPageBytes   = math.MaxInt32 - 64<<20 // leaves room for levels
	noLimit        = math.MaxInt64
)

// A column collects the values of a leaf: those of the page in progress, and the finished pages of its chunk.
type column struct {
	leafInfo
	pageBytes int64
	comp      *compressor

	// The page in progress.
	defs, reps []byte
	rows       int
	entries    int
	count      int    // values
	bytes      int64  // of the values, as PLAIN
	plain      buffer // values as PLAIN, behind head bytes of room for levels
	head       int
	numbers    []uint32 // values as numbers of dict

	dict    *dictionary // nil for columns that never have one
	recent  [recents]recent
	numbing bool // the page in progress has numbers
	kept    int  // values of dict that finished pages use

	pages chunkPages

	work  []byte // scratch: levels, encoded
	spans []span
	fixed buffer // scratch: values of fixed width on their way to the dictionary
	stamp []bool // scratch: values of dict seen in a page
}

// append adds rows. Pages end behind the row that fills them, whatever the chunks that rows come in.
func (c *column) append(in *chunk) error {
	for at := (cursor{}); at.row < in.rows; {
		var err error
		if c.numbing {
			at, err = c.appendNumbers(in, at)
		} else {
			at, err = c.appendPlain(in, at)
		}
		if err == nil && c.full() {
			err = c.endPage()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *column) full() bool {
	return c.entries >= maxPageEntries || !c.numbing && c.bytes >= c.pageBytes
}

func (c *column) appendPlain(in *chunk, at cursor) (cursor, error) {
	to := in.next(at, c.pageBytes-c.bytes, maxPageEntries-c.entries)
	if c.bytes+to.bytes-at.bytes > maxPageBytes {
		return at, fmt.Errorf("a row brings a page to %d bytes; Parquet has no pages of 2 GiB or more", c.bytes+to.bytes-at.bytes)
	}
	c.spans = in.between(c.spans[:0], at, to)
	if len(c.spans) > 0 {
		if err := c.appendValues(in, int(to.bytes-at.bytes)); err != nil {
			return at, err
		}
	}
	c.appendLevels(in, at, to)
	return to, nil
}

// appendValues adds the values at c.spans, of n bytes.
func (c *column) appendValues(in *chunk, n int) error {
	c.begin()
	switch c.conv {
	case nothing:
	case bits1:
		have, more := c.plain.n-c.head, 0
		for _, p := range c.spans {
			more += p.n
		}
		clear(c.plain.extend((c.count+more+7)/8 - have))
		appendBits(c.plain.bytes()[c.head:], c.count, in.data.Buffers()[1].Bytes(), c.spans)
	case byteArray, largeArray:
		dst := c.plain.extend(n)
		in.ends.appendTexts(dst[:0], c.spans)
	default:
		return c.store(c.plain.extend(n), in.data.Buffers()[1].Bytes(), c.spans)
	}
	return nil
}

// begin makes room for levels in front of the first value.
func (c *column) begin() {
	if c.plain.n == 0 {
		c.plain.extend(c.head)
	}
}

// appendLevels adds the levels of the rows between two cursors, whose values are there.
func (c *column) appendLevels(in *chunk, at, to cursor) {
	n := to.entry - at.entry
	if c.maxDef > 0 {
		from := len(c.defs)
		if in.defs == nil {
			c.defs = extend(c.defs, n)
			fill(c.defs[from:], c.maxDef)
		} else {
			c.defs = append(c.defs, in.defs[at.entry:to.entry]...)
			for i, d := range c.defs[from:] {
				if d == live {
					c.defs[from+i] = c.maxDef
				}
			}
		}
	}
	if c.maxRep > 0 {
		c.reps = append(c.reps, in.reps[at.entry:to.entry]...)
	}
	c.rows += to.row - at.row
	c.entries += n
	c.count += to.live - at.live
	c.bytes += to.bytes - at.bytes
}

// extend adds n bytes of undefined content.
func extend(b []byte, n int) []byte {
	if len(b)+n > cap(b) {
		b = append(make([]byte, 0, max(len(b)+n, cap(b)+cap(b)/2)), b...)
	}
	return b[:len(b)+n]
}

// endPage finishes the page in progress.
func (c *column) endPage() error {
	if c.numbing && c.dict.probing && c.dict.seen > 0 {
		if c.dict.probing = false; !c.dict.pays() {
			c.spell()
		}
	}
	c.work = c.work[:0]
	if c.maxRep > 0 {
		c.work = appendLevels(c.work, c.reps, c.maxRep)
	}
	if c.maxDef > 0 {
		c.work = appendLevels(c.work, c.defs, c.maxDef)
	}
	p := page{rows: c.rows, entries: c.entries, values: c.count}
	var body []byte
	if c.numbing && c.kept+len(c.numbers) > 0 {
		p.dictionary = true
		p.limits = c.numberLimits()
		width := max(1, bits.Len(uint(max(c.dict.len(), 1)-1)))
		c.work = append(c.work, byte(width))
		c.work = appendHybrid(c.work, c.numbers, width)
		body = c.work
	} else { // or without values
		c.begin()
		least, most := c.extremes(c.plain.bytes()[c.head:], c.count)
		p.limits = c.order.bounded(least, most)
		body = c.prepend(c.work)
	}
	if err := c.pages.add(c, p, body); err != nil {
		return err
	}
	c.defs, c.reps, c.numbers = c.defs[:0], c.reps[:0], c.numbers[:0]
	c.rows, c.entries, c.count, c.bytes, c.plain.n = 0, 0, 0, 0, 0
	return nil
}

// prepend puts levels in front of the values. Room that is lacking there will be there next time.
func (c *column) prepend(levels []byte) []byte {
	if len(levels) > c.head {
		n, head := c.plain.n-c.head, len(levels)+len(levels)/4
		c.plain.extend(head - c.head)
		copy(c.plain.buf[head:head+n], c.plain.buf[c.head:])
		c.head = head
	}
	copy(c.plain.buf[c.head-len(levels):], levels)
	return c.plain.bytes()[c.head-len(levels):]
}

// reset makes the column ready for the next row group.
func (c *column) reset() {
	c.pages.reset()
	c.kept = 0
	if c.numbing = c.dict != nil; c.numbing {
		c.dict.reset()
		c.recent = [recents]recent{}
	}
}

func (c *column) free() {
	c.plain.free()
	c.fixed.free()
	c.pages.spool.free()
	if c.dict != nil {
		c.dict.free()
	}
	c.defs, c.reps, c.numbers, c.work, c.stamp = nil, nil, nil, nil, nil
}
