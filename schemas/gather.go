package schemas

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A Run is a range of elements to copy: N from Start. A run with a turn instead stands for one element that is put in.
type Run struct {
	Start, N int
	turn     *newTurn
}

// newTurn is an element that the source does not have.
type newTurn struct{ role, text string }

// A splice changes the text of one element of a string array.
type splice struct {
	elem, at     int
	del          int
	text         string
	null, unnull bool
}

// changes are what a gather alters on its way: nil for a plain copy.
type changes struct {
	member  []*changes   // of a list: one, of its elements; of a struct: one a member
	turns   []turnChange // of a list, by row and element
	splices []splice     // of a string array, by element
	cells   func(t *newTurn) (text string, valid bool)
}

func (c *changes) child(i int) *changes {
	if c == nil || i >= len(c.member) {
		return nil
	}
	return c.member[i]
}

// shift moves the changes of a struct's member to where the member's own array counts from.
func (c *changes) shift(by int) *changes {
	if c == nil || by == 0 {
		return c
	}
	out := *c
	out.splices = make([]splice, len(c.splices))
	for i, s := range c.splices {
		s.elem += by
		out.splices[i] = s
	}
	return &out
}

// A SizeError says that a column would pass the 2 GiB that 32-bit offsets can count.
type SizeError struct {
	Type  arrow.DataType
	Bytes int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%d bytes of %s in one batch exceed its 32-bit offsets", e.Bytes, e.Type)
}

// gather copies the elements that runs name, with changes.
func (k *Kernel) gather(d arrow.ArrayData, runs []Run, n int, c *changes) (arrow.ArrayData, error) {
	switch t := d.DataType().(type) {
	case *arrow.NullType:
		return array.NewData(t, n, []*memory.Buffer{nil}, nil, n, 0), nil
	case arrow.ExtensionType:
		storage := array.NewData(t.StorageType(), d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
		defer storage.Release()
		out, err := k.gather(storage, runs, n, c)
		if err != nil {
			return nil, err
		}
		defer out.Release()
		return array.NewData(t, n, out.Buffers(), out.Children(), out.NullN(), out.Offset()), nil
	}
	valid, nulls := k.gatherValidity(d, runs, n, c)
	defer func() { release(valid) }()
	switch t := d.DataType().(type) {
	case *arrow.BooleanType:
		b := k.gatherBits(d.Buffers()[1], d.Offset(), runs, n)
		defer b.Release()
		return array.NewData(t, n, []*memory.Buffer{valid, b}, nil, nulls, 0), nil
	case *arrow.StringType, *arrow.BinaryType:
		o, b, err := gatherBytes[int32](k, d, runs, n, c, valid)
		if err != nil {
			return nil, err
		}
		defer release(o, b)
		return array.NewData(t, n, []*memory.Buffer{valid, o, b}, nil, nulls, 0), nil
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		o, b, err := gatherBytes[int64](k, d, runs, n, c, valid)
		if err != nil {
			return nil, err
		}
		defer release(o, b)
		return array.NewData(t, n, []*memory.Buffer{valid, o, b}, nil, nulls, 0), nil
	case *arrow.ListType, *arrow.MapType:
		return gatherList[int32](k, d, runs, n, c, valid, nulls)
	case *arrow.LargeListType:
		return gatherList[int64](k, d, runs, n, c, valid, nulls)
	case *arrow.FixedSizeListType:
		size := int(t.Len())
		kids := make([]Run, 0, len(runs))
		for _, r := range runs {
			if r.turn == nil {
				kids = append(kids, Run{Start: (r.Start + d.Offset()) * size, N: r.N * size})
				continue
			}
			for range size { // nulls, which the source need not have as many of
				kids = append(kids, Run{N: 1, turn: r.turn})
			}
		}
		child, err := k.gather(d.Children()[0], kids, n*size, nil)
		if err != nil {
			return nil, err
		}
		defer child.Release()
		return array.NewData(t, n, []*memory.Buffer{valid}, []arrow.ArrayData{child}, nulls, 0), nil
	case *arrow.StructType:
		return k.gatherStruct(d, runs, n, c, valid, nulls)
	case arrow.FixedWidthDataType:
		return k.gatherFixed(d, runs, n, t, valid, nulls)
	}
	return nil, fmt.Errorf("columns of type %s cannot be copied", d.DataType())
}

func (k *Kernel) gatherStruct(d arrow.ArrayData, runs []Run, n int, c *changes, valid *memory.Buffer, nulls int) (arrow.ArrayData, error) {
	if d.Offset() != 0 { // children do not share their parent's offset
		shifted := make([]Run, len(runs))
		for i, r := range runs {
			shifted[i] = Run{r.Start + d.Offset(), r.N, r.turn}
		}
		runs = shifted
	}
	kids := make([]arrow.ArrayData, 0, len(d.Children()))
	defer func() {
		for _, kid := range kids {
			kid.Release()
		}
	}()
	for i, child := range d.Children() {
		kid, err := k.gather(child, runs, n, c.child(i).shift(d.Offset()))
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	return array.NewData(d.DataType(), n, []*memory.Buffer{valid}, kids, nulls, 0), nil
}

func (k *Kernel) gatherFixed(d arrow.ArrayData, runs []Run, n int, t arrow.FixedWidthDataType, valid *memory.Buffer, nulls int) (arrow.ArrayData, error) {
	if t.ID() == arrow.DICTIONARY || t.BitWidth()%8 != 0 {
		return nil, fmt.Errorf("columns of type %s cannot be copied", t)
	}
	w := t.BitWidth() / 8
	out := k.alloc(n * w)
	defer out.Release()
	dst := out.Bytes()
	if n > 0 {
		src := d.Buffers()[1].Bytes()[d.Offset()*w:]
		for _, r := range runs {
			if r.turn != nil {
				clear(dst[:w])
				dst = dst[w:]
				continue
			}
			copy(dst, src[r.Start*w:(r.Start+r.N)*w])
			dst = dst[r.N*w:]
		}
	}
	return array.NewData(t, n, []*memory.Buffer{valid, out}, nil, nulls, 0), nil
}

// gatherValidity copies the validity of the elements; put-in elements are valid where their cell is. It gives a bitmap
// only where something can be null.
func (k *Kernel) gatherValidity(d arrow.ArrayData, runs []Run, n int, c *changes) (*memory.Buffer, int) {
	src := bitmapOf(d)
	var cells func(*newTurn) (string, bool)
	leaf := c == nil || c.member == nil
	if c != nil {
		cells = c.cells
	}
	need := src.bits != nil
	for i := 0; !need && leaf && i < len(runs); i++ {
		need = runs[i].turn != nil
	}
	for i := 0; !need && c != nil && i < len(c.splices); i++ {
		need = c.splices[i].unnull
	}
	if !need {
		return nil, 0
	}
	out := k.alloc(int(bitutil.BytesForBits(int64(n))))
	dst := out.Bytes()
	clear(dst)
	j := 0
	for _, r := range runs {
		switch {
		case r.turn != nil:
			valid := !leaf
			if cells != nil {
				_, valid = cells(r.turn)
			}
			if valid {
				bitutil.SetBit(dst, j)
			}
		case src.bits == nil:
			bitutil.SetBitsTo(dst, int64(j), int64(r.N), true)
		case r.N >= 16:
			bitutil.CopyBitmap(src.bits, src.off+r.Start, r.N, dst, j)
		default:
			for i := range r.N {
				if src.at(r.Start + i) {
					bitutil.SetBit(dst, j+i)
				}
			}
		}
		j += r.N
	}
	if c != nil {
		markSplices(dst, runs, c.splices)
	}
	return out, n - bitutil.CountSetBits(dst, 0, n)
}

// markSplices sets the validity of texts that come from null or become null.
func markSplices(bits []byte, runs []Run, splices []splice) {
	j := 0
	for _, r := range runs {
		if r.turn == nil {
			for len(splices) > 0 && splices[0].elem < r.Start {
				splices = splices[1:]
			}
			for len(splices) > 0 && splices[0].elem < r.Start+r.N {
				if s := splices[0]; s.null || s.unnull {
					bitutil.SetBitTo(bits, j+s.elem-r.Start, s.null)
				}
				splices = splices[1:]
			}
		}
		j += r.N
	}
}

func (k *Kernel) gatherBits(src *memory.Buffer, off int, runs []Run, n int) *memory.Buffer {
	out := k.alloc(int(bitutil.BytesForBits(int64(n))))
	dst := out.Bytes()
	clear(dst)
	j := 0
	for _, r := range runs {
		switch {
		case r.turn != nil: // false, and null
		case r.N >= 16:
			bitutil.CopyBitmap(src.Bytes(), off+r.Start, r.N, dst, j)
		default:
			for i := range r.N {
				if bitutil.BitIsSet(src.Bytes(), off+r.Start+i) {
					bitutil.SetBit(dst, j+i)
				}
			}
		}
		j += r.N
	}
	return out
}

func (k *Kernel) alloc(n int) *memory.Buffer {
	return memory.NewBufferWithAllocator(k.mem.Allocate(n), k.mem)
}

func release(bufs ...*memory.Buffer) {
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
}

type offset interface{ int32 | int64 }

func offsetSlice[T offset](d arrow.ArrayData) []T {
	if d.Len() == 0 || d.Buffers()[1] == nil {
		return make([]T, d.Len()+1)
	}
	return castOffsets[T](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
}

func castOffsets[T offset](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(T(0))))
}
