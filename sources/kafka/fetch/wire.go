package fetch

import (
	"encoding/binary"
	"errors"
)

var errShort = errors.New("the bytes end too early")

// cursor reads big-endian fields and varints from the front of b. After a field that does not fit, bad is set, b is empty
// and every field is zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) fail() {
	c.b, c.bad = nil, true
}

// take returns the next n bytes; nil where there are fewer.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail()
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) i8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) i16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) i32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// varint reads a zigzag varint.
func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

// uvarint reads a varint without a sign.
func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[n:]
	return v
}

// bytes reads n bytes, where -1 is null. An empty value is not nil.
func (c *cursor) bytes(n int64) []byte {
	if n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(c.b)) {
		c.fail()
		return nil
	}
	return c.take(int(n))
}

// count reads the number of elements of an array, each of at least size bytes; 0 for null.
func (c *cursor) count(size int) int {
	n := int(c.i32())
	if n > len(c.b)/size {
		c.fail()
	}
	if c.bad {
		return 0
	}
	return max(n, 0)
}
