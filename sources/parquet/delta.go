package parquet

import (
	"encoding/binary"
	"io"
)

// delta decodes DELTA_BINARY_PACKED piece by piece.
type delta struct {
	b     []byte // what follows the current miniblock
	total uint64 // values that the header announces
	left  uint64 // of them, not yet decoded

	value     int64 // the next value, while first
	first     bool
	perMini   int    // values of a miniblock
	minis     int    // miniblocks of a block
	widths    []byte // of the miniblocks of this block that are to come
	least     int64  // smallest delta of this block
	width     uint
	miniblock []byte
	bit       int
	inMini    int // values left in the current miniblock
}

func newDelta(b []byte) (*delta, error) {
	d := &delta{b: b, first: true}
	block, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	minis, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	if d.total, err = d.uvarint(); err != nil {
		return nil, err
	}
	if block == 0 || block > 1<<20 || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0 {
		return nil, corrupt("delta blocks of %d values in %d parts", block, minis)
	}
	d.perMini, d.minis, d.left = int(block/minis), int(minis), d.total
	d.value, err = d.varint()
	return d, err
}

func (d *delta) uvarint() (uint64, error) {
	u, n := binary.Uvarint(d.b)
	if n <= 0 {
		return 0, corrupt("delta encoding: %w", io.ErrUnexpectedEOF)
	}
	d.b = d.b[n:]
	return u, nil
}

func (d *delta) varint() (int64, error) {
	u, err := d.uvarint()
	return int64(u>>1) ^ -int64(u&1), err
}

// advance goes to the next miniblock, reading the head of the next block where needed.
func (d *delta) advance() error {
	var err error
	if len(d.widths) == 0 {
		if d.least, err = d.varint(); err != nil {
			return err
		}
		if len(d.b) < d.minis {
			return corrupt("delta encoding: %w", io.ErrUnexpectedEOF)
		}
		d.widths, d.b = d.b[:d.minis], d.b[d.minis:]
	}
	d.width, d.widths = uint(d.widths[0]), d.widths[1:]
	if d.width > 64 {
		return corrupt("deltas of %d bits", d.width)
	}
	n := d.perMini / 8 * int(d.width)
	if n > len(d.b) {
		// Some writers cut the last miniblock to the bytes that hold values.
		if used := min(uint64(d.perMini), d.left); uint64(len(d.b)) < (used*uint64(d.width)+7)/8 {
			return corrupt("delta encoding: %w", io.ErrUnexpectedEOF)
		}
		n = len(d.b)
	}
	d.miniblock, d.b, d.bit, d.inMini = d.b[:n], d.b[n:], 0, d.perMini
	return nil
}

// read decodes len(dst) values.
func (d *delta) read(dst []int64) error {
	if uint64(len(dst)) > d.left {
		return corrupt("%d delta values instead of %d", d.left, len(dst))
	}
	i := 0
	if d.first && len(dst) > 0 {
		dst[0], d.first = d.value, false
		d.left--
		i = 1
	}
	for ; i < len(dst); i++ {
		if d.inMini == 0 {
			if err := d.advance(); err != nil {
				return err
			}
		}
		d.value += d.least + int64(d.bits())
		dst[i] = d.value
		d.inMini--
		d.left--
	}
	return nil
}

// bits reads the next packed number of the miniblock.
func (d *delta) bits() uint64 {
	if d.width == 0 {
		return 0
	}
	at, shift := d.bit>>3, uint(d.bit&7)
	d.bit += int(d.width)
	var nine [9]byte
	b := d.miniblock[min(at, len(d.miniblock)):]
	if len(b) < 9 {
		copy(nine[:], b)
		b = nine[:]
	}
	v := binary.LittleEndian.Uint64(b) >> shift
	if shift+d.width > 64 {
		v |= uint64(b[8]) << (64 - shift)
	}
	if d.width < 64 {
		v &= 1<<d.width - 1
	}
	return v
}

// rest returns the bytes that follow all values, without decoding them.
func (d *delta) rest() ([]byte, error) {
	c := *d
	if c.first && c.left > 0 {
		c.left--
	}
	for c.left > uint64(c.inMini) {
		c.left -= uint64(c.inMini)
		if err := c.advance(); err != nil {
			return nil, err
		}
	}
	return c.b, nil
}
