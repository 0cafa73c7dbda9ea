package jsontext

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// stops marks (in the high bit of a byte) the bytes of w that end a plain run: '"', '\\', controls, and bytes >= 0x80.
// A byte above a marked one may be marked in error; the lowest mark is always right.
func stops(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return (((quote - ones) &^ quote) | ((slash - ones) &^ slash) | (w - ones*0x20) | w) & high
}

// plainRunPortable returns how many bytes at the start of b are plain: printable ASCII, no quote, no backslash.
func plainRunPortable(b []byte) int {
	i := 0
	for i+8 <= len(b) {
		if m := stops(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < 0x80 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
