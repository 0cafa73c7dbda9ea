package parquet

import (
	"encoding/binary"
	"io"
)

// hybrid decodes the RLE and bit-packing hybrid encoding piece by piece, so that a page which claims many values costs no
// memory for them.
type hybrid struct {
	b     []byte // what follows the current run
	width uint   // bits of a value, at most 32

	run    int    // values left in the current run
	value  uint32 // of every value of an RLE run
	packed []byte // the bytes of a bit-packed run; nil in an RLE run
	bit    int    // position in packed
}

// start begins the next run.
func (h *hybrid) start() error {
	u, n := binary.Uvarint(h.b)
	if n <= 0 {
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		return corrupt("run of 2^64 values")
	}
	h.b = h.b[n:]
	size := int(h.width+7) / 8
	if u&1 == 0 {
		if len(h.b) < size {
			return io.ErrUnexpectedEOF
		}
		h.value = 0
		for i := range size {
			h.value |= uint32(h.b[i]) << (8 * i)
		}
		if h.width < 32 && h.value>>h.width != 0 {
			return corrupt("run of %d, which does not fit %d bits", h.value, h.width)
		}
		h.b, h.run, h.packed = h.b[size:], int(min(u>>1, 1<<31)), nil
		return nil
	}
	// Some writers cut the last group to the bytes that hold values.
	size = int(min(u>>1, 1<<28)) * int(h.width)
	h.run = 8 * int(min(u>>1, 1<<28))
	if size > len(h.b) {
		size = len(h.b)
		h.run = 8 * size / int(h.width)
	}
	h.packed, h.bit, h.b = h.b[:size:size], 0, h.b[size:]
	return nil
}

// fill decodes len(dst) values. A width of 0 has values of 0 and no bytes.
func fill[T uint8 | uint32](h *hybrid, dst []T) error {
	if h.width == 0 {
		clear(dst)
		return nil
	}
	for len(dst) > 0 {
		if h.run == 0 {
			if err := h.start(); err != nil {
				return err
			}
			continue
		}
		n := min(h.run, len(dst))
		if h.packed == nil {
			for i := range dst[:n] {
				dst[i] = T(h.value)
			}
		} else {
			unpack(h, dst[:n])
		}
		h.run -= n
		dst = dst[n:]
	}
	return nil
}

// unpack reads bit-packed values, least significant bit first.
func unpack[T uint8 | uint32](h *hybrid, dst []T) {
	bit, w, mask, b := h.bit, int(h.width), uint64(1)<<h.width-1, h.packed
	i := 0
	for ; i < len(dst) && bit>>3+8 <= len(b); i++ {
		dst[i] = T(binary.LittleEndian.Uint64(b[bit>>3:]) >> (bit & 7) & mask)
		bit += w
	}
	for ; i < len(dst); i++ {
		var last [8]byte
		copy(last[:], b[bit>>3:])
		dst[i] = T(binary.LittleEndian.Uint64(last[:]) >> (bit & 7) & mask)
		bit += w
	}
	h.bit = bit
}

// levelReader decodes the repetition or definition levels of a page.
type levelReader struct {
	hybrid
	max    byte
	legacy bool // BIT_PACKED: most significant bit first, without runs
}

// read decodes len(dst) levels. No level is above max.
func (l *levelReader) read(dst []byte) error {
	if l.legacy {
		return l.readLegacy(dst)
	}
	if err := fill(&l.hybrid, dst); err != nil {
		return corrupt("levels: %w", err)
	}
	if l.max&(l.max+1) != 0 { // else the bit width is bound enough
		for _, v := range dst {
			if v > l.max {
				return corrupt("level %d above %d", v, l.max)
			}
		}
	}
	return nil
}

func (l *levelReader) readLegacy(dst []byte) error {
	for i := range dst {
		v := byte(0)
		for range l.width {
			if l.bit>>3 >= len(l.b) {
				return corrupt("levels: %w", io.ErrUnexpectedEOF)
			}
			v = v<<1 | l.b[l.bit>>3]>>(7-l.bit&7)&1
			l.bit++
		}
		if v > l.max {
			return corrupt("level %d above %d", v, l.max)
		}
		dst[i] = v
	}
	return nil
}
