package parquet

import (
	"bytes"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func countByte(b []byte, c byte) int { return bytes.Count(b, []byte{c}) }

// held is what a leaf has collected: the levels of every entry, and the values that are not null, one behind the other.
type held struct {
	defs, reps []byte // levels; empty where the column has none
	rows       int
	count      int // entries: values and nulls
	valid      int // values
	data       gbuf
	offs       gbuf // BYTE_ARRAY: int32, where each value ends, behind a 0
}

// A leaf collects one column of a batch.
type leaf struct {
	*node
	held
	mem  memory.Allocator
	hint int // bytes of data of the last batch

	indexes []uint32 // scratch of the decoders
	deltas  []int64
}

func newLeaf(n *node, mem memory.Allocator) *leaf {
	l := &leaf{node: n, mem: mem}
	l.held = l.empty()
	return l
}

func (l *leaf) empty() held {
	return held{data: gbuf{mem: l.mem}, offs: gbuf{mem: l.mem}}
}

// discard drops what was collected.
func (l *leaf) discard() {
	l.data.free()
	l.offs.free()
	l.held = held{defs: l.defs[:0], reps: l.reps[:0], data: l.data, offs: l.offs}
}

// ends returns room for the ends of n more values, and where the data end now.
func (l *leaf) ends(n int) ([]int32, error) {
	if l.offs.n == 0 {
		clear(l.offs.extend(4))
	}
	b := l.offs.extend(4 * n)
	if b == nil && n > 0 {
		return nil, tooLarge
	}
	return arrow.Int32Traits.CastFromBytes(b), nil
}

var tooLarge = unsupported("one row holds 2 GiB or more in this column")

// room makes place for k more bytes of data.
func (l *leaf) room(k int) error {
	if l.data.buf == nil && l.hint > k {
		k = l.hint
	}
	if !l.data.reserve(k) {
		return tooLarge
	}
	return nil
}

// fixed returns the place of n more values of a fixed width.
func (l *leaf) fixed(n, width int) ([]byte, error) {
	if n > maxBuffer/width {
		return nil, tooLarge
	}
	if err := l.room(n * width); err != nil {
		return nil, err
	}
	return l.data.extend(n * width), nil
}

// size is what the first entries of a leaf, valid of them not null, count for in a batch, in bytes.
func (l *leaf) size(entries, valid int) int64 {
	n := int64(entries)
	switch {
	case l.width > 0:
		n += int64(valid) * int64(l.width)
	case l.width == 0:
		n += 4 * int64(valid)
		if valid > 0 {
			n += int64(arrow.Int32Traits.CastFromBytes(l.offs.bytes())[valid])
		}
	}
	return n
}

// sizeOf is size for the first rows, of which there are enough.
func (l *leaf) sizeOf(rows int) int64 {
	if rows == l.rows {
		return l.size(l.count, l.valid)
	}
	return l.size(l.prefix(rows))
}

// prefix returns the entries of the first rows, and how many of them are not null.
func (l *leaf) prefix(rows int) (entries, valid int) {
	entries = rows
	if l.rep > 0 {
		_, entries = rowsIn(l.reps, rows)
	}
	if l.def == 0 {
		return entries, entries
	}
	return entries, countByte(l.defs[:entries], byte(l.def))
}

// split leaves the first rows in the leaf and returns the others.
func (l *leaf) split(rows int) held {
	rest := l.empty()
	if rows == l.rows {
		return rest
	}
	entries, valid := l.prefix(rows)
	rest.rows, rest.count, rest.valid = l.rows-rows, l.count-entries, l.valid-valid
	if l.def > 0 {
		rest.defs, l.defs = slices.Clone(l.defs[entries:]), l.defs[:entries]
	}
	if l.rep > 0 {
		rest.reps, l.reps = slices.Clone(l.reps[entries:]), l.reps[:entries]
	}
	l.rows, l.count, l.valid = rows, entries, valid
	if l.width < 0 {
		bits := rest.data.bitmap(rest.valid)
		copyBits(bits, 0, l.data.buf, valid, rest.valid)
		l.data.n = (valid + 7) / 8
		if r := valid & 7; r != 0 {
			l.data.buf[l.data.n-1] &= 1<<r - 1
		}
		return rest
	}
	from := valid * l.width
	if l.width == 0 {
		o := arrow.Int32Traits.CastFromBytes(l.offs.bytes())
		if valid > 0 {
			from = int(o[valid])
		}
		if rest.valid > 0 {
			clear(rest.offs.extend(4))
			dst := arrow.Int32Traits.CastFromBytes(rest.offs.extend(4 * rest.valid))
			for i := range dst {
				dst[i] = o[valid+1+i] - int32(from)
			}
			l.offs.n = 4 * (valid + 1)
		}
	}
	copy(rest.data.extend(l.data.n-from), l.data.buf[from:l.data.n])
	l.data.n = from
	return rest
}
