package parquetfile

import (
	"bytes"
	"encoding/binary"
	"slices"
)

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
		c.numbers = slices.Grow(c.numbers, p[0].n)
		switch {
		case c.dict.probing || c.width != 4 && c.width != 8:
			ok = c.numberEach(b)
		default:
			ok = c.numberRecent(b)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// numberEach adds the numbers of values of fixed width; it is false where one has none.
func (c *column) numberEach(b []byte) bool {
	for len(b) > 0 {
		k, ok := c.dict.number(b[:c.width])
		if !ok {
			return false
		}
		c.numbers = append(c.numbers, k)
		v := b[:c.width]
		for b = b[c.width:]; !c.dict.probing && bytes.HasPrefix(b, v); b = b[c.width:] {
			c.numbers = append(c.numbers, k)
		}
	}
	return true
}

// recents is how many values of 4 or 8 bytes are remembered with their number.
const recents = 32

// A recent value is one of those that were numbered last.
type recent struct {
	value  uint64
	number uint32 // plus 1; 0 where there is no value
}

// numberRecent is numberEach for values of 4 or 8 bytes behind the probe: most came a moment ago.
func (c *column) numberRecent(b []byte) bool {
	for ; len(b) > 0; b = b[c.width:] {
		v := uint64(binary.LittleEndian.Uint32(b))
		if c.width == 8 {
			v = binary.LittleEndian.Uint64(b)
		}
		r := &c.recent[v*0x9e3779b97f4a7c15>>(64-5)]
		if r.value != v || r.number == 0 {
			k, ok := c.dict.number(b[:c.width])
			if !ok {
				return false
			}
			r.value, r.number = v, k+1
		}
		c.numbers = append(c.numbers, r.number-1)
	}
	return true
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
