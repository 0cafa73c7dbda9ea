package fetch

import (
	"encoding/binary"
	"fmt"
	"io"
)

// body reads the big-endian fields of a response as they come. After a field that does not fit, or that does not come, err is
// set and every field is zero.
type body struct {
	r     io.Reader
	watch watch
	left  int // bytes
	err   error
	small [256]byte
}

func (c *body) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// wrap is the error with what was being read.
func (c *body) wrap() error { return fmt.Errorf("reading a Fetch response: %w", c.err) }

// take returns the next n bytes, valid until the next call; nil where there are fewer. They are a field, or the name of a topic.
func (c *body) take(n int) []byte {
	if n < 0 || n > c.left || n > len(c.small) {
		c.fail(errShort)
	}
	if c.err != nil {
		return nil
	}
	c.left -= n
	if _, err := io.ReadFull(c.r, c.small[:n]); err != nil {
		c.fail(err)
		return nil
	}
	return c.small[:n]
}

func (c *body) i16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *body) i32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *body) i64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads the number of elements of an array, each of at least size bytes; 0 for null.
func (c *body) count(size int) int {
	n := int(c.i32())
	if n > c.left/size {
		c.fail(errShort)
	}
	if c.err != nil {
		return 0
	}
	return max(n, 0)
}

// fill reads n bytes into buf, or into a longer one. A length is no reason to allocate before the bytes are there.
func (c *body) fill(buf []byte, n int) []byte {
	if n > c.left {
		c.fail(errShort)
	}
	if c.err != nil {
		return nil
	}
	c.left -= n
	buf = buf[:0]
	for len(buf) < n {
		at := len(buf)
		if cap(buf) == at {
			buf = append(make([]byte, 0, min(n, max(chunk, 2*at))), buf...)
		}
		buf = buf[:min(n, cap(buf), at+chunk)]
		c.watch.extend(0)
		if _, err := io.ReadFull(c.r, buf[at:]); err != nil {
			c.fail(err)
			return nil
		}
	}
	return buf
}
