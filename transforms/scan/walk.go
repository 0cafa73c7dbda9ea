package scan

import (
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
)

// walk leads from the elements of a string leaf up to the rows of its column.
type walk struct {
	levels []level // from the column down to the leaf's parent
	leaf   arrow.ArrayData
	small  []int32
	large  []int64
	data   []byte
}

// level is a list or struct on the way, with what turns an index below it into one of its own.
type level struct {
	list   bool
	fixed  int // elements of a fixed-size list, else 0
	offset int // of a struct or fixed-size list, against its children
	length int
	small  []int32
	large  []int64
}

func newWalk(d arrow.ArrayData, steps []int) *walk {
	w := &walk{}
	for _, s := range steps {
		lv := level{offset: d.Offset(), length: d.Len()}
		switch t := d.DataType().(type) {
		case *arrow.FixedSizeListType:
			lv.list, lv.fixed = true, int(t.Len())
		case *arrow.ListType, *arrow.MapType, *arrow.LargeListType:
			lv.list = true
			lv.small, lv.large = offsets(d)
		}
		w.levels = append(w.levels, lv)
		d = d.Children()[s]
	}
	w.leaf = d
	w.small, w.large = offsets(d)
	if b := d.Buffers()[2]; b != nil {
		w.data = b.Bytes()
	}
	return w
}

func offsets(d arrow.ArrayData) (small []int32, large []int64) {
	b := d.Buffers()[1]
	if d.Len() == 0 || b == nil {
		return make([]int32, d.Len()+1), nil
	}
	switch d.DataType().ID() {
	case arrow.LARGE_LIST, arrow.LARGE_STRING:
		return nil, arrow.Int64Traits.CastFromBytes(b.Bytes())[d.Offset() : d.Offset()+d.Len()+1]
	}
	return arrow.Int32Traits.CastFromBytes(b.Bytes())[d.Offset() : d.Offset()+d.Len()+1], nil
}

func at(small []int32, large []int64, i int) int {
	if large != nil {
		return int(large[i])
	}
	return int(small[i])
}

// elements are the leaf elements that belong to the column's rows.
func (w *walk) elements() (from, to int) {
	from, to = 0, w.leaf.Len()
	if len(w.levels) > 0 {
		to = w.levels[0].length
	}
	for _, lv := range w.levels {
		switch {
		case lv.fixed > 0:
			from, to = (from+lv.offset)*lv.fixed, (to+lv.offset)*lv.fixed
		case lv.list:
			from, to = at(lv.small, lv.large, from), at(lv.small, lv.large, to)
		default:
			from, to = from+lv.offset, to+lv.offset
		}
	}
	return from, to
}

// bytes is the text of all elements, where it starts in the data, and the first element.
func (w *walk) bytes() (text []byte, first, elem int) {
	from, to := w.elements()
	lo, hi := at(w.small, w.large, from), at(w.small, w.large, to)
	return w.data[lo:hi], lo, from
}

// each calls f with every string that belongs to a row and is not empty, in order.
func (w *walk) each(f func(row, turn int, text []byte)) {
	from, to := w.elements()
	for elem := from; elem < to; elem++ {
		lo, hi := w.span(elem)
		if lo == hi || !w.valid(elem) {
			continue
		}
		if row, turn := w.row(elem); row >= 0 {
			f(row, turn, w.data[lo:hi])
		}
	}
}

func (w *walk) span(elem int) (from, to int) {
	return at(w.small, w.large, elem), at(w.small, w.large, elem+1)
}

func (w *walk) valid(elem int) bool {
	b := w.leaf.Buffers()[0]
	if b == nil || w.leaf.NullN() == 0 {
		return true
	}
	i := elem + w.leaf.Offset()
	return b.Bytes()[i>>3]>>(i&7)&1 == 1
}

// element is the leaf element in whose text the byte stands.
func (w *walk) element(byteAt, first int) int {
	return search(w.small, w.large, first, w.leaf.Len(), byteAt)
}

// search returns the last index i in [lo, hi) with offset[i] <= x and offset[i+1] > x.
func search(small []int32, large []int64, lo, hi, x int) int {
	if large != nil {
		return lo + sort.Search(hi-lo, func(i int) bool { return int(large[lo+i+1]) > x })
	}
	return lo + sort.Search(hi-lo, func(i int) bool { return int(small[lo+i+1]) > x })
}

// row is the row of the column that an element belongs to, and its index in the outermost list; -1 when it belongs to none.
func (w *walk) row(elem int) (row, turn int) {
	for k := len(w.levels) - 1; k >= 0; k-- {
		lv := &w.levels[k]
		switch {
		case lv.fixed > 0:
			turn = elem % lv.fixed
			elem = elem/lv.fixed - lv.offset
		case lv.list:
			below := elem
			if elem = search(lv.small, lv.large, 0, lv.length, below); elem >= lv.length || at(lv.small, lv.large, elem) > below {
				return -1, 0
			}
			turn = below - at(lv.small, lv.large, elem)
		default:
			elem -= lv.offset
		}
		if elem < 0 || elem >= lv.length {
			return -1, 0
		}
	}
	return elem, turn
}
