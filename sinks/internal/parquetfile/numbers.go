package parquetfile

import "bytes"

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
		for len(b) > 0 {
			k, ok := c.dict.number(b[:c.width])
			if !ok {
				return false, nil
			}
			c.numbers = append(c.numbers, k)
			v := b[:c.width]
			for b = b[c.width:]; !c.dict.probing && bytes.HasPrefix(b, v); b = b[c.width:] {
				c.numbers = append(c.numbers, k)
			}
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
