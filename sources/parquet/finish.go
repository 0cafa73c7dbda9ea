package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// slots is the number of array slots of the leaf: its entries without those of lists that are empty or not there.
func (l *leaf) slots() int {
	n := l.count
	for d := range l.slotDef {
		n -= countByte(l.defs, byte(d))
	}
	return n
}

// finish turns what was collected into array data, and leaves the leaf empty. The caller releases the data.
func (l *leaf) finish() (arrow.ArrayData, error) {
	defer l.discard()
	l.hint = l.data.n + l.data.n/16
	n := l.slots()
	nulls := n - l.valid
	if nulls < 0 {
		return nil, corrupt("%d values for %d places", l.valid, n)
	}
	if l.typ.ID() == arrow.NULL {
		if l.valid > 0 {
			return nil, corrupt("a value in a column of the null type")
		}
		return array.NewData(l.typ, n, []*memory.Buffer{nil}, nil, n, 0), nil
	}
	var bits []byte
	var valid *memory.Buffer
	if nulls > 0 {
		g := gbuf{mem: l.mem}
		bits = l.validity(g.bitmap(n))
		valid = g.take()
		defer valid.Release()
	}
	if l.width == 0 && !isDecimal(l.typ) {
		return l.finishBytes(n, nulls, bits, valid)
	}
	if l.width < 0 {
		if nulls > 0 {
			l.spaceBits(n, bits)
		}
	} else {
		if err := l.convert(); err != nil {
			return nil, err
		}
		w := l.typ.(arrow.FixedWidthDataType).BitWidth() / 8
		if nulls > 0 && !l.spaceFixed(n, w, bits) {
			return nil, tooLarge
		}
		if l.data.n != n*w {
			return nil, corrupt("%d bytes for %d values of %d", l.data.n, n, w)
		}
	}
	d := l.data.take()
	defer d.Release()
	return array.NewData(l.typ, n, []*memory.Buffer{valid, d}, nil, nulls, 0), nil
}

func isDecimal(t arrow.DataType) bool {
	return t.ID() == arrow.DECIMAL128 || t.ID() == arrow.DECIMAL256
}

func (l *leaf) finishBytes(n, nulls int, bits []byte, valid *memory.Buffer) (arrow.ArrayData, error) {
	if _, err := l.ends(0); err != nil { // there is a first offset even without values
		return nil, err
	}
	if nulls > 0 && !l.spaceOffsets(n, bits) {
		return nil, tooLarge
	}
	if id := l.typ.ID(); id == arrow.LARGE_STRING || id == arrow.LARGE_BINARY {
		if !l.widenOffsets() {
			return nil, tooLarge
		}
	}
	o, d := l.offs.take(), l.data.take()
	defer o.Release()
	defer d.Release()
	return array.NewData(l.typ, n, []*memory.Buffer{valid, o, d}, nil, nulls, 0), nil
}

// validity sets the bits of the slots that have a value.
func (l *leaf) validity(bits []byte) []byte {
	i, slot, full := 0, byte(l.slotDef), byte(l.def)
	for _, d := range l.defs {
		if d < slot {
			continue
		}
		if d == full {
			bits[i>>3] |= 1 << (i & 7)
		}
		i++
	}
	return bits
}

// spaceOffsets gives nulls an empty value each, from the back and in place.
func (l *leaf) spaceOffsets(n int, bits []byte) bool {
	if l.offs.extend(4*(n-l.valid)) == nil {
		return false
	}
	o := arrow.Int32Traits.CastFromBytes(l.offs.bytes())
	j := l.valid
	for i := n - 1; i >= 0; i-- {
		o[i+1] = o[j]
		if bitutil.BitIsSet(bits, i) {
			j--
		}
	}
	return true
}

func (l *leaf) widenOffsets() bool {
	out := gbuf{mem: l.mem}
	narrow := arrow.Int32Traits.CastFromBytes(l.offs.bytes())
	b := out.extend(8 * len(narrow))
	if b == nil {
		return false
	}
	wide := arrow.Int64Traits.CastFromBytes(b)
	for i, o := range narrow {
		wide[i] = int64(o)
	}
	l.offs.free()
	l.offs = out
	return true
}

// spaceFixed gives nulls a zero each, from the back and in place.
func (l *leaf) spaceFixed(n, w int, bits []byte) bool {
	if l.data.n != l.valid*w || n > maxBuffer/w || l.data.extend((n-l.valid)*w) == nil {
		return false
	}
	b := l.data.bytes()
	j := l.valid - 1
	for i := n - 1; i >= 0; i-- {
		if bitutil.BitIsSet(bits, i) {
			copy(b[i*w:(i+1)*w], b[j*w:(j+1)*w])
			j--
		} else {
			clear(b[i*w : (i+1)*w])
		}
	}
	return true
}

func (l *leaf) spaceBits(n int, bits []byte) {
	out := gbuf{mem: l.mem}
	spaced := out.bitmap(n)
	j := 0
	for i := range n {
		if bitutil.BitIsSet(bits, i) {
			if bitutil.BitIsSet(l.data.buf, j) {
				bitutil.SetBit(spaced, i)
			}
			j++
		}
	}
	l.data.free()
	l.data = out
}
