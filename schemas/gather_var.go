package schemas

import (
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// turnChange puts an element before elem of row's list, or (with a nil turn) takes elem out.
type turnChange struct {
	row, elem int
	turn      *newTurn
}

// gatherList copies lists and the elements they hold, with the turns that changes puts in and takes out.
func gatherList[T offset](k *Kernel, d arrow.ArrayData, runs []Run, n int, c *changes, valid *memory.Buffer, nulls int) (arrow.ArrayData, error) {
	src := offsetSlice[T](d)
	offs := k.alloc((n + 1) * int(unsafe.Sizeof(T(0))))
	defer offs.Release()
	dst := castOffsets[T](offs.Bytes())
	dst[0] = 0
	var turns []turnChange
	if c != nil {
		turns = c.turns
	}
	kids := make([]Run, 0, len(runs)+2*len(turns))
	add := func(r Run) {
		if last := len(kids) - 1; r.N > 0 && r.turn == nil && last >= 0 && kids[last].turn == nil && kids[last].Start+kids[last].N == r.Start {
			kids[last].N += r.N
		} else if r.N > 0 {
			kids = append(kids, r)
		}
	}
	j, end := 1, T(0)
	for _, r := range runs {
		if r.turn != nil { // a put-in element of a list of structs: its list members are null
			dst[j] = end
			j++
			continue
		}
		row, stop := r.Start, r.Start+r.N
		for row < stop {
			for len(turns) > 0 && turns[0].row < row {
				turns = turns[1:]
			}
			plain := stop
			if len(turns) > 0 && turns[0].row < stop {
				plain = turns[0].row
			}
			delta := end - src[row]
			for _, o := range src[row+1 : plain+1] {
				dst[j] = o + delta
				j++
			}
			add(Run{Start: int(src[row]), N: int(src[plain] - src[row])})
			end += src[plain] - src[row]
			if row = plain; row == stop {
				break
			}
			at, to := int(src[row]), int(src[row+1])
			for len(turns) > 0 && turns[0].row == row {
				t := turns[0]
				turns = turns[1:]
				add(Run{Start: at, N: t.elem - at})
				end += T(t.elem - at)
				if at = t.elem; t.turn != nil {
					add(Run{N: 1, turn: t.turn})
					end++
				} else {
					at++
				}
			}
			add(Run{Start: at, N: to - at})
			end += T(to - at)
			dst[j] = end
			j++
			row++
		}
	}
	child, err := k.gather(d.Children()[0], kids, int(end), c.child(0))
	if err != nil {
		return nil, err
	}
	defer child.Release()
	return array.NewData(d.DataType(), n, []*memory.Buffer{valid, offs}, []arrow.ArrayData{child}, nulls, 0), nil
}

// gatherBytes copies strings run by run: between two changed texts the data is one contiguous copy.
func gatherBytes[T offset](k *Kernel, d arrow.ArrayData, runs []Run, n int, c *changes, valid *memory.Buffer) (offs, data *memory.Buffer, err error) {
	src := offsetSlice[T](d)
	var raw []byte
	if b := d.Buffers()[2]; b != nil {
		raw = b.Bytes()
	}
	var splices []splice
	var cells func(*newTurn) (string, bool)
	if c != nil {
		splices, cells = c.splices, c.cells
	}
	cell := func(t *newTurn) string {
		if cells == nil {
			return ""
		}
		s, _ := cells(t)
		return s
	}
	total := int64(0)
	for _, r := range runs {
		if r.turn != nil {
			total += int64(len(cell(r.turn)))
		} else {
			total += int64(src[r.Start+r.N] - src[r.Start])
		}
	}
	for i := range splices {
		total += int64(len(splices[i].text)) // an upper bound: splices outside the runs count too
	}
	if limit := k.limit; unsafe.Sizeof(T(0)) == 4 && total > limit {
		return nil, nil, &SizeError{Type: d.DataType(), Bytes: total}
	}
	offs, data = k.alloc((n+1)*int(unsafe.Sizeof(T(0)))), k.alloc(int(total))
	o, b := castOffsets[T](offs.Bytes()), data.Bytes()
	o[0] = 0
	j, w := 1, 0
	for _, r := range runs {
		if r.turn != nil {
			w += copy(b[w:], cell(r.turn))
			o[j] = T(w)
			j++
			continue
		}
		i, end := r.Start, r.Start+r.N
		for i < end {
			for len(splices) > 0 && splices[0].elem < i {
				splices = splices[1:]
			}
			stop := end // texts [i, stop) leave as they came
			if len(splices) > 0 && splices[0].elem < end {
				stop = splices[0].elem
			}
			delta := T(w) - src[i]
			for _, x := range src[i+1 : stop+1] {
				o[j] = x + delta
				j++
			}
			w += copy(b[w:], raw[src[i]:src[stop]])
			if i = stop; i == end {
				break
			}
			from, to := int(src[i]), int(src[i+1])
			at := from
			for len(splices) > 0 && splices[0].elem == i {
				s := splices[0]
				splices = splices[1:]
				if s.null { // whatever bytes lie under a null are no text
					at = to
				} else {
					w += copy(b[w:], raw[at:from+s.at])
					at = from + s.at + s.del
				}
				w += copy(b[w:], s.text)
			}
			w += copy(b[w:], raw[at:to])
			o[j] = T(w)
			j++
			i++
		}
	}
	data.ResizeNoShrink(w)
	blankNulls(o, b, valid, n)
	return offs, data, nil
}

// blankNulls clears the bytes that lie under nulls. No reader shows them, and a search of the file would find them: they could
// be a text that was taken out.
func blankNulls[T offset](o []T, b []byte, valid *memory.Buffer, n int) {
	if valid == nil {
		return
	}
	for i := range n {
		if o[i+1] > o[i] && !bitutil.BitIsSet(valid.Bytes(), i) {
			clear(b[o[i]:o[i+1]])
		}
	}
}

// maxSmall is what 32-bit offsets can count.
const maxSmall = math.MaxInt32
