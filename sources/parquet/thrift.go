package parquet

import (
	"encoding/binary"
	"io"
)

// Type codes of the compact Thrift protocol.
const (
	tStop   = 0
	tTrue   = 1
	tFalse  = 2
	tByte   = 3
	tI16    = 4
	tI32    = 5
	tI64    = 6
	tDouble = 7
	tBinary = 8
	tList   = 9
	tSet    = 10
	tMap    = 11
	tStruct = 12
	tUUID   = 13
)

// maxDepth bounds the nesting of structs and lists.
const maxDepth = 32

// A cursor decodes the compact Thrift protocol from memory. It allocates nothing, and the first fault sticks: afterwards
// every method gives zeros. A fault that more bytes could cure is io.ErrUnexpectedEOF.
type cursor struct {
	b     []byte
	pos   int
	depth int
	err   error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *cursor) byte() byte {
	if c.err != nil || c.pos >= len(c.b) {
		c.fail(io.ErrUnexpectedEOF)
		return 0
	}
	c.pos++
	return c.b[c.pos-1]
}

func (c *cursor) uvarint() uint64 {
	if c.err != nil {
		return 0
	}
	u, n := binary.Uvarint(c.b[c.pos:])
	switch {
	case n == 0:
		c.fail(io.ErrUnexpectedEOF)
		return 0
	case n < 0:
		c.fail(corrupt("number of more than 64 bits"))
		return 0
	}
	c.pos += n
	return u
}

func (c *cursor) zigzag() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// field reads the next field header of a struct; last is the previous field's id, 0 at the start. It is false at the end.
func (c *cursor) field(last *int16) (id int16, typ byte, ok bool) {
	b := c.byte()
	if c.err != nil || b == tStop {
		return 0, 0, false
	}
	if d := int16(b >> 4); d != 0 {
		*last += d
	} else {
		*last = int16(c.zigzag())
	}
	return *last, b & 0xf, c.err == nil
}

// int reads an integer field of bits bits.
func (c *cursor) int(typ byte, bits uint) int64 {
	if typ == tByte {
		return int64(int8(c.byte()))
	}
	if typ != tI16 && typ != tI32 && typ != tI64 {
		c.fail(corrupt("field of type %d where an integer stands", typ))
		return 0
	}
	v := c.zigzag()
	if v>>(bits-1) != 0 && v>>(bits-1) != -1 {
		c.fail(corrupt("number %d does not fit %d bits", v, bits))
		return 0
	}
	return v
}

func (c *cursor) i32(typ byte) int32 { return int32(c.int(typ, 32)) }
func (c *cursor) i64(typ byte) int64 { return c.int(typ, 64) }

func (c *cursor) bool(typ byte) bool {
	if typ != tTrue && typ != tFalse {
		c.fail(corrupt("field of type %d where a boolean stands", typ))
	}
	return typ == tTrue
}

// binary reads bytes, which alias the cursor's memory.
func (c *cursor) binary(typ byte) []byte {
	if typ != tBinary {
		c.fail(corrupt("field of type %d where bytes stand", typ))
		return nil
	}
	return c.bytes(c.uvarint())
}

func (c *cursor) bytes(n uint64) []byte {
	if c.err != nil || n > uint64(len(c.b)-c.pos) {
		c.fail(io.ErrUnexpectedEOF)
		return nil
	}
	c.pos += int(n)
	return c.b[c.pos-int(n) : c.pos]
}

// list reads the head of a list of elem and returns its length, which is at most the number of bytes that follow.
func (c *cursor) list(typ, elem byte) int {
	if typ != tList {
		c.fail(corrupt("field of type %d where a list stands", typ))
		return 0
	}
	n, got := c.listHead()
	if n > 0 && got != elem {
		c.fail(corrupt("list of type %d instead of %d", got, elem))
		return 0
	}
	return n
}

func (c *cursor) listHead() (n int, elem byte) {
	b := c.byte()
	u := uint64(b >> 4)
	if u == 0xf {
		u = c.uvarint()
	}
	if c.err != nil || u > uint64(len(c.b)-c.pos) { // an element has at least one byte
		c.fail(io.ErrUnexpectedEOF)
		return 0, 0
	}
	return int(u), b & 0xf
}

// enter and leave surround the fields of a nested struct.
func (c *cursor) enter(typ byte) bool {
	if typ != tStruct {
		c.fail(corrupt("field of type %d where a struct stands", typ))
		return false
	}
	if c.depth++; c.depth > maxDepth {
		c.fail(corrupt("nesting deeper than %d", maxDepth))
	}
	return c.err == nil
}

func (c *cursor) leave() { c.depth-- }

// skip passes over a field's value.
func (c *cursor) skip(typ byte) {
	if c.err != nil || typ == tTrue || typ == tFalse {
		return
	}
	c.skipElement(typ)
}

// skipElement passes over a value; unlike in a field, a boolean has a byte of its own.
func (c *cursor) skipElement(typ byte) {
	switch typ {
	case tTrue, tFalse, tByte:
		c.byte()
	case tI16, tI32, tI64:
		c.uvarint()
	case tDouble:
		c.bytes(8)
	case tUUID:
		c.bytes(16)
	case tBinary:
		c.bytes(c.uvarint())
	case tList, tSet:
		if c.depth++; c.depth > maxDepth {
			c.fail(corrupt("nesting deeper than %d", maxDepth))
		}
		n, elem := c.listHead()
		for i := 0; i < n && c.err == nil; i++ {
			c.skipElement(elem)
		}
		c.depth--
	case tMap:
		c.skipMap()
	case tStruct:
		if !c.enter(typ) {
			return
		}
		var last int16
		for {
			_, typ, ok := c.field(&last)
			if !ok {
				break
			}
			c.skip(typ)
		}
		c.leave()
	default:
		c.fail(corrupt("unknown type %d", typ))
	}
}

func (c *cursor) skipMap() {
	n := c.uvarint()
	if n == 0 {
		return
	}
	types := c.byte()
	if c.depth++; c.depth > maxDepth {
		c.fail(corrupt("nesting deeper than %d", maxDepth))
	}
	for i := uint64(0); i < n && c.err == nil; i++ {
		c.skipElement(types >> 4)
		c.skipElement(types & 0xf)
	}
	c.depth--
}
