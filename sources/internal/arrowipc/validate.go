package arrowipc

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// validate checks that every index which d implies lies within its buffers: the decoder takes offsets and lengths as they
// stand in the file, and a flipped bit would make whoever follows them read elsewhere, or panic.
func validate(d arrow.ArrayData) error {
	if d.Len() < 0 || d.Offset() < 0 || d.Len() > math.MaxInt32 || d.Offset() > math.MaxInt32 {
		return fmt.Errorf("a length of %d at offset %d", d.Len(), d.Offset())
	}
	n := d.Offset() + d.Len()
	buffer := func(i int) []byte {
		if b := d.Buffers(); i < len(b) && b[i] != nil {
			return b[i].Bytes()
		}
		return nil
	}
	t := d.DataType()
	if ext, ok := t.(arrow.ExtensionType); ok {
		t = ext.StorageType()
	}
	if t.ID() == arrow.NULL {
		return nil
	}
	if bits := buffer(0); d.NullN() != 0 {
		if int64(len(bits)) < bitutil.BytesForBits(int64(n)) {
			return fmt.Errorf("%d nulls of %d values in a bitmap of %d bytes", d.NullN(), n, len(bits))
		}
		if nulls := d.Len() - bitutil.CountSetBits(bits, d.Offset(), d.Len()); nulls != d.NullN() {
			return fmt.Errorf("%d nulls where %d are announced", nulls, d.NullN())
		}
	}
	switch t := t.(type) {
	case *arrow.StringType, *arrow.BinaryType:
		return offsets[int32](d, buffer(1), len(buffer(2)))
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return offsets[int64](d, buffer(1), len(buffer(2)))
	case *arrow.ListType, *arrow.MapType:
		return below(d, func(c arrow.ArrayData) error { return offsets[int32](d, buffer(1), c.Len()) })
	case *arrow.LargeListType:
		return below(d, func(c arrow.ArrayData) error { return offsets[int64](d, buffer(1), c.Len()) })
	case *arrow.FixedSizeListType:
		return below(d, func(c arrow.ArrayData) error { return longer(c.Len(), n*int(t.Len())) })
	case *arrow.StructType:
		if len(d.Children()) != t.NumFields() {
			return fmt.Errorf("%d members of %d", len(d.Children()), t.NumFields())
		}
		return below(d, func(c arrow.ArrayData) error { return longer(c.Len(), n) })
	case *arrow.DictionaryType:
		if err := longer(len(buffer(1)), n*t.BitWidth()/8); err != nil {
			return err
		}
		dict, ok := d.Dictionary().(*array.Data)
		if !ok || dict == nil {
			return fmt.Errorf("a dictionary is missing")
		}
		return validate(dict)
	case arrow.FixedWidthDataType:
		return longer(len(buffer(1)), int(bitutil.BytesForBits(int64(n)*int64(t.BitWidth()))))
	}
	return fmt.Errorf("type %s is not supported", t)
}

func longer(have, need int) error {
	if have < need {
		return fmt.Errorf("%d bytes or values where %d are needed", have, need)
	}
	return nil
}

// below checks the children of d, each by itself and against d.
func below(d arrow.ArrayData, against func(c arrow.ArrayData) error) error {
	for _, c := range d.Children() {
		if err := validate(c); err != nil {
			return err
		}
		if err := against(c); err != nil {
			return err
		}
	}
	return nil
}

// offsets checks that the offsets in raw only grow, and stay within size.
func offsets[T int32 | int64](d arrow.ArrayData, raw []byte, size int) error {
	if d.Len() == 0 {
		return nil
	}
	w := int(unsafe.Sizeof(T(0)))
	if err := longer(len(raw), (d.Offset()+d.Len()+1)*w); err != nil {
		return err
	}
	o := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/w)[d.Offset() : d.Offset()+d.Len()+1]
	last := o[0]
	for _, x := range o {
		if x < last {
			return fmt.Errorf("offset %d follows offset %d", x, last)
		}
		last = x
	}
	if o[0] < 0 || int64(last) > int64(size) {
		return fmt.Errorf("offsets %d to %d in %d bytes or values", o[0], last, size)
	}
	return nil
}

// bounded is an allocator for a decoder that allocates what a file says: more than limit at once is a panic, which the
// decoder's caller makes an error, and not the end of the process.
type bounded struct {
	memory.Allocator
	limit int
}

// boundFor is the limit for a file: far more than its buffers, compressed as they may be, can unfold to.
func boundFor(size int64) int { return int(min(max(64<<20, size<<10), 8<<30)) }

func (b bounded) check(n int) {
	if n < 0 || n > b.limit {
		panic(fmt.Sprintf("a buffer of %d bytes", n))
	}
}

func (b bounded) Allocate(n int) []byte {
	b.check(n)
	return b.Allocator.Allocate(n)
}

func (b bounded) Reallocate(n int, old []byte) []byte {
	b.check(n)
	return b.Allocator.Reallocate(n, old)
}
