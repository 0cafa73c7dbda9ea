package parquet

import (
	"bytes"
	"errors"
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// block is the number of entries whose levels are decoded at a time.
const block = 4096

// maxEntries bounds the values and nulls of one row in one column: a page of a few bytes can claim billions of them.
const maxEntries = 1 << 26

// A column reads the rows of one leaf across the pages of a chunk. Between calls it holds whole rows.
type column struct {
	*leaf
	src  *pages
	page page

	def, rep []byte // levels of the current block, where the column has any
	pos, n   int    // entries of the block: used, all
	begun    bool   // a block was read
}

func newColumn(n *node, src *pages, mem memory.Allocator) *column {
	return &column{leaf: newLeaf(n, mem), src: src}
}

func (c *column) close() {
	c.src.close()
	c.leaf.discard()
}

// flat says that every entry is a row.
func (c *column) flat() bool { return c.leaf.rep == 0 }

// fill decodes the levels of the next block; false at the end of the chunk.
func (c *column) fill() (bool, error) {
	for c.page.left == 0 {
		c.pos, c.n = 0, 0
		pg, err := c.src.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		c.page = pg
	}
	n := c.page.left
	if c.leaf.def > 0 {
		n = min(n, block)
		if c.def == nil {
			c.def = make([]byte, block)
		}
		if err := c.page.def.read(c.def[:n]); err != nil {
			return false, err
		}
	}
	if !c.flat() {
		n = min(n, block)
		if c.rep == nil {
			c.rep = make([]byte, block)
		}
		if err := c.page.rep.read(c.rep[:n]); err != nil {
			return false, err
		}
		if !c.begun && c.rep[0] != 0 {
			return false, corrupt("the column chunk begins inside a row")
		}
	}
	c.begun = true
	c.page.left -= n
	c.pos, c.n = 0, n
	return true, nil
}

// pull reads until the column holds want rows, or more than limit bytes.
func (c *column) pull(want int, limit int64) error {
	for {
		if c.pos == c.n {
			if c.rows >= want && c.flat() {
				return nil
			}
			more, err := c.fill()
			if err != nil {
				return err
			}
			if !more && c.rows < want {
				return corrupt("the column chunk has %d rows too few", want-c.rows)
			}
			if !more {
				return nil
			}
		}
		most := max(0, want-c.rows)
		size := c.size(c.count, c.valid)
		if size > limit && c.rows > 0 {
			most = 0 // no further row, but this one to its end
		}
		rows, entries := c.ahead(most)
		if entries == 0 {
			return nil
		}
		if most > 1 && c.page.bound(entries) > limit-size {
			rows, entries = c.ahead(1)
		}
		if err := c.move(rows, entries); err != nil {
			return err
		}
	}
}

// ahead counts the entries of the block that finish the current row and make up the next most rows, and the rows that begin there.
func (c *column) ahead(most int) (rows, entries int) {
	if c.flat() {
		n := min(most, c.n-c.pos)
		return n, n
	}
	return rowsIn(c.rep[c.pos:c.n], most)
}

// move takes entries of the block, in which rows rows begin, over into the leaf.
func (c *column) move(rows, entries int) error {
	if c.count > maxEntries-entries && c.rows <= 1 {
		return unsupported("one row with more than %d values in this column", maxEntries)
	}
	valid := entries
	if c.leaf.def > 0 {
		d := c.def[c.pos : c.pos+entries]
		valid = countByte(d, byte(c.leaf.def))
		c.defs = append(c.defs, d...)
	}
	if !c.flat() {
		c.reps = append(c.reps, c.rep[c.pos:c.pos+entries]...)
	}
	if valid > 0 {
		if err := c.page.append(c.leaf, valid); err != nil {
			return err
		}
	}
	c.count += entries
	c.rows += rows
	c.pos += entries
	return nil
}

// skip passes over rows, page by page where a page lies within them.
func (c *column) skip(rows int64, limit int64) error {
	for rows > 0 {
		if c.flat() && c.pos == c.n && c.page.left == 0 {
			n, err := c.src.skipPage(rows)
			if err != nil {
				return err
			}
			if n > 0 {
				rows -= n
				c.begun = true
				continue
			}
		}
		if err := c.pull(int(min(rows, block)), limit); err != nil {
			return err
		}
		rows -= int64(c.rows)
		c.discard()
	}
	return nil
}

// drained is an error unless the whole chunk was used.
func (c *column) drained() error {
	if left := int64(c.n-c.pos) + int64(c.page.left) + c.src.left; left > 0 {
		return corrupt("the column chunk has %d values more than the row group has rows for", left)
	}
	return nil
}

// rowsIn finds where row number n (from 0) of those that begin in rep begins, and counts the rows that begin before.
func rowsIn(rep []byte, n int) (rows, end int) {
	const step = 512
	for end < len(rep) {
		b := rep[end:min(end+step, len(rep))]
		if k := countByte(b, 0); rows+k <= n {
			rows, end = rows+k, end+len(b)
			continue
		}
		for {
			i := bytes.IndexByte(rep[end:], 0)
			if rows == n {
				return rows, end + i
			}
			rows++
			end += i + 1
		}
	}
	return rows, end
}
