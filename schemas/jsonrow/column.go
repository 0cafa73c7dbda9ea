package jsonrow

import (
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas/jsontext"
)

// column collects the values of one field, in buffers of the allocator. What it holds behind its first n values belongs to
// a row that may yet be taken back.
type column struct {
	field arrow.Field
	kind  kind
	mem   memory.Allocator
	n     int
	nulls int
	valid []byte // bitmap; nil while nothing is null
	data  []byte // values, bits of bools, or text
	offs  []byte // int32 ends of texts or lists, after a leading zero
	kids  []*column
	names [][]byte // of a struct's members
	keys  [][]byte // the same as they stand in text, with their quotes; nil where they may be written in several ways
	seen  []uint32 // stamp of the last object that had each member
	stamp uint32

	specials bool
	hint     struct{ data, offs int } // bytes that the last record needed
}

type kind uint8

const (
	kindBool kind = iota
	kindInt
	kindFloat
	kindText
	kindJSON
	kindList
	kindStruct
)

func newColumn(f arrow.Field, mem memory.Allocator) *column {
	c := &column{field: f, mem: mem}
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		c.kind = kindBool
	case *arrow.Int64Type:
		c.kind = kindInt
	case *arrow.Float64Type:
		c.kind = kindFloat
	case *arrow.StringType:
		if c.kind = kindText; IsJSON(&f) {
			c.kind = kindJSON
		}
	case *arrow.ListType:
		c.kind = kindList
		c.kids = []*column{newColumn(t.ElemField(), mem)}
	case *arrow.StructType:
		c.kind = kindStruct
		c.members(t.Fields())
	default:
		return nil
	}
	return c
}

func (c *column) members(fields []arrow.Field) {
	for _, m := range fields {
		c.kids = append(c.kids, newColumn(m, c.mem))
		c.names = append(c.names, []byte(m.Name))
		c.keys = append(c.keys, plainKey(m.Name))
	}
	c.seen = make([]uint32, len(fields))
}

// plainKey is a name in quotes, where that is JSON and the name is the only one that can be meant.
func plainKey(name string) []byte {
	key := append(append([]byte{'"'}, name...), '"')
	if end, escaped, err := jsontext.String(key, 0); err != nil || escaped || end < len(key) {
		return nil
	}
	return key
}

// grow makes room for n more bytes.
func (c *column) grow(b []byte, n int) []byte {
	if len(b)+n <= cap(b) {
		return b
	}
	size := max(len(b)+n, 2*cap(b), 1024)
	var out []byte
	if b == nil {
		out = c.mem.Allocate(size)
	} else {
		out = c.mem.Reallocate(size, b[:cap(b)])
	}
	if cap(out) > size { // what the allocator has given over that: the capacity is always what was allocated, and goes back as such
		out = c.mem.Reallocate(cap(out), out)
	}
	return out[:len(b)]
}

// room makes room for n more bytes of data; the first time, for as many as the last record had.
func (c *column) room(n int) {
	if c.data == nil || len(c.data)+n > cap(c.data) {
		c.more(n)
	}
}

func (c *column) more(n int) {
	if c.data == nil {
		c.data = c.grow(nil, max(n, c.hint.data))
	}
	c.data = c.grow(c.data, n)
}

func (c *column) append8(v uint64) {
	c.room(8)
	n := len(c.data)
	c.data = c.data[:n+8]
	*(*uint64)(unsafe.Pointer(&c.data[n])) = v
}

func (c *column) appendText(b []byte) {
	c.room(len(b))
	c.data = append(c.data, b...)
}

// end notes the end of a text or list.
func (c *column) end(at int) {
	n := len(c.offs)
	if n == 0 || n+4 > cap(c.offs) {
		if n == 0 {
			c.offs = c.grow(c.offs, max(4096, c.hint.offs))[:4]
			clear(c.offs)
		}
		c.offs = c.grow(c.offs, 4)
		n = len(c.offs)
	}
	c.offs = c.offs[:n+4]
	*(*int32)(unsafe.Pointer(&c.offs[n])) = int32(at)
}

// value counts a value that is not null.
func (c *column) value() {
	if c.valid != nil {
		c.bit(&c.valid, c.n, true)
	}
	c.n++
}

func (c *column) bit(bits *[]byte, i int, v bool) {
	for i>>3 >= len(*bits) {
		*bits = c.grow(*bits, 1)
		*bits = append(*bits, 0)
	}
	bitutil.SetBitTo(*bits, i, v)
}

func (c *column) appendBool(v bool) {
	c.bit(&c.data, c.n, v)
	c.value()
}

// null adds a null.
func (c *column) null() {
	if c.valid == nil {
		c.valid = c.grow(nil, bytesFor(c.n+1))[:bytesFor(c.n+1)]
		for i := range c.valid {
			c.valid[i] = 0xff
		}
	}
	c.bit(&c.valid, c.n, false)
	c.nulls++
	switch c.kind {
	case kindBool:
		c.bit(&c.data, c.n, false)
	case kindInt, kindFloat:
		c.append8(0)
	case kindText, kindJSON:
		c.end(len(c.data))
	case kindList:
		c.end(c.kids[0].n)
	case kindStruct:
		for _, k := range c.kids {
			k.null()
		}
	}
	c.n++
}

func bytesFor(n int) int { return int(bitutil.BytesForBits(int64(n))) }

// truncate takes back everything behind the first n values.
func (c *column) truncate(n int) {
	if c.n < n {
		return
	}
	if c.valid != nil {
		c.valid = c.valid[:min(len(c.valid), bytesFor(n))]
		c.nulls = n - bitutil.CountSetBits(c.valid, 0, n)
	}
	switch c.kind {
	case kindBool:
		c.data = c.data[:min(len(c.data), bytesFor(n))]
	case kindInt, kindFloat:
		c.data = c.data[:8*n]
	case kindText, kindJSON:
		c.data = c.data[:c.offset(n)]
	case kindList:
		c.kids[0].truncate(c.offset(n))
	case kindStruct:
		for _, k := range c.kids {
			k.truncate(n)
		}
	}
	if len(c.offs) > 0 {
		c.offs = c.offs[:4*(n+1)]
	}
	c.n = n
}

// offset is where value n begins.
func (c *column) offset(n int) int {
	if len(c.offs) == 0 {
		return 0
	}
	return int(*(*int32)(unsafe.Pointer(&c.offs[4*n])))
}

// full says that one more text of n bytes would pass what 32-bit offsets count.
func (c *column) full(n int) bool { return len(c.data)+n > math.MaxInt32 }

// take hands the values over and leaves the column empty.
func (c *column) take() arrow.ArrayData {
	buffer := func(b []byte) *memory.Buffer {
		if b == nil {
			b = c.grow(nil, 1)
		}
		out := memory.NewBufferWithAllocator(b[:cap(b)], c.mem)
		out.ResizeNoShrink(len(b))
		return out
	}
	c.hint.data, c.hint.offs = len(c.data)+len(c.data)/16, len(c.offs)+len(c.offs)/16
	var bufs []*memory.Buffer
	var kids []arrow.ArrayData
	var valid *memory.Buffer
	if c.valid != nil {
		valid = buffer(c.valid)
	}
	switch c.kind {
	case kindBool, kindInt, kindFloat:
		bufs = []*memory.Buffer{valid, buffer(c.data)}
	case kindText, kindJSON:
		bufs = []*memory.Buffer{valid, buffer(c.ends()), buffer(c.data)}
	case kindList:
		bufs = []*memory.Buffer{valid, buffer(c.ends())}
	case kindStruct:
		bufs = []*memory.Buffer{valid}
	}
	for _, k := range c.kids {
		kids = append(kids, k.take())
	}
	d := array.NewData(c.field.Type, c.n, bufs, kids, c.nulls, 0)
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
	for _, k := range kids {
		k.Release()
	}
	c.n, c.nulls, c.valid, c.data, c.offs = 0, 0, nil, nil, nil
	return d
}

func (c *column) ends() []byte {
	if len(c.offs) == 0 {
		c.offs = c.grow(c.offs, 4)[:4]
		clear(c.offs)
	}
	return c.offs
}

// free gives everything back.
func (c *column) free() {
	for _, b := range [][]byte{c.valid, c.data, c.offs} {
		if b != nil {
			c.mem.Free(b[:cap(b)])
		}
	}
	for _, k := range c.kids {
		k.free()
	}
	c.n, c.nulls, c.valid, c.data, c.offs = 0, 0, nil, nil, nil
}
