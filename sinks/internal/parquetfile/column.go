package parquetfile

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	maxPageEntries = 128 << 10
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
	numbing bool        // the page in progress has numbers
	kept    int         // values of dict that finished pages use

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

// appendNumbers adds rows by the numbers of their values, as far as the dictionary goes.
func (c *column) appendNumbers(in *chunk, at cursor) (cursor, error) {
	to := in.next(at, noLimit, maxPageEntries-c.entries)
	c.spans = in.between(c.spans[:0], at, to)
	before := len(c.numbers)
	if ok, err := c.number(in); err != nil {
		return at, err
	} else if ok {
		c.appendLevels(in, at, to)
		return to, nil
	}
	added := len(c.numbers) - before
	if c.dict.probing || c.dict.rejected {
		c.numbers = c.numbers[:before]
		c.spell()
		return at, nil
	}
	// The rows before the one that does not fit stay with the dictionary.
	to = at
	for next := in.nextRow(to); next.live-at.live <= added; next = in.nextRow(to) {
		to = next
	}
	c.numbers = c.numbers[:before+to.live-at.live]
	c.appendLevels(in, at, to)
	return to, c.giveUp()
}

// number adds the numbers of the values at c.spans; it is false where one has none.
func (c *column) number(in *chunk) (ok bool, err error) {
	if c.width == 0 {
		for _, p := range c.spans {
			for i := p.at; i < p.at+p.n; i++ {
				k, ok := c.dict.number(in.ends.at(i))
				if !ok {
					return false, nil
				}
				c.numbers = append(c.numbers, k)
			}
		}
		return true, nil
	}
	for i := range c.spans {
		p := c.spans[i : i+1]
		c.fixed.n = 0
		b := c.fixed.extend(p[0].n * c.width)
		if err := c.store(b, in.data.Buffers()[1].Bytes(), p); err != nil {
			return false, err
		}
		for ; len(b) > 0; b = b[c.width:] {
			k, ok := c.dict.number(b[:c.width])
			if !ok {
				return false, nil
			}
			c.numbers = append(c.numbers, k)
		}
	}
	return true, nil
}

// spell turns the numbers of the page in progress, the first of its chunk, into the values and drops the dictionary.
func (c *column) spell() {
	c.begin()
	for _, k := range c.numbers {
		v := c.dict.stored(k)
		copy(c.plain.extend(len(v)), v)
	}
	c.numbers, c.numbing = c.numbers[:0], false
}

// giveUp ends the page in progress; those after it do without the dictionary.
func (c *column) giveUp() error {
	if c.rows > 0 && c.kept+len(c.numbers) > 0 {
		if err := c.endPage(); err != nil {
			return err
		}
	}
	c.numbing = false
	return nil
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

// numberLimits are the limits of the values whose numbers the page has, and notes which of the dictionary are in use.
func (c *column) numberLimits() limits {
	var least, most []byte
	c.stamp = append(c.stamp[:0], make([]bool, c.dict.len())...)
	for _, k := range c.numbers {
		if c.stamp[k] {
			continue
		}
		c.stamp[k] = true
		c.kept = max(c.kept, int(k)+1)
		a, b := c.extremes(c.dict.stored(k), 1)
		switch {
		case a == nil:
		case least == nil:
			least, most = a, b
		default:
			least, most = c.order.widen(least, most, a)
		}
	}
	return c.order.bounded(least, most)
}

// dictionaryPage is the body of the dictionary's page.
func (c *column) dictionaryPage() []byte {
	c.dict.truncate(c.kept)
	return c.dict.values.bytes()
}

// reset makes the column ready for the next row group.
func (c *column) reset() {
	c.pages.reset()
	c.kept = 0
	if c.numbing = c.dict != nil; c.numbing {
		c.dict.reset()
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
