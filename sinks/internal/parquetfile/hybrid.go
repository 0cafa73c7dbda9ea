package parquetfile

import (
	"encoding/binary"
	"math/bits"
)

// appendLevels appends levels up to most in the form of data pages of version 1: their length in bytes, then the runs.
func appendLevels(dst, levels []byte, most byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendHybrid(dst, levels, bits.Len8(most))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// appendHybrid appends values of width bits as runs of equal values and groups of eight packed ones.
func appendHybrid[T byte | uint32](dst []byte, v []T, width int) []byte {
	for len(v) > 0 {
		if n := runOf(v); n >= 8 || n == len(v) {
			dst = binary.AppendUvarint(dst, uint64(n)<<1)
			for x, k := uint32(v[0]), width; k > 0; k -= 8 {
				dst = append(dst, byte(x))
				x >>= 8
			}
			v = v[n:]
			continue
		}
		n := 8
		for n < len(v) && !(len(v)-n >= 16 && runOf(v[n:n+16]) == 16) {
			n += 8
		}
		dst = binary.AppendUvarint(dst, uint64(n/8)<<1|1)
		n = min(n, len(v))
		dst = appendPacked(dst, v[:n], width)
		v = v[n:]
	}
	return dst
}

// runOf counts how often the first value stands at the start of v.
func runOf[T byte | uint32](v []T) int {
	x := v[0]
	for i, y := range v {
		if y != x {
			return i
		}
	}
	return len(v)
}

// appendPacked packs values of width bits, padded with zeros to a multiple of eight values.
func appendPacked[T byte | uint32](dst []byte, v []T, width int) []byte {
	acc, have := uint64(0), 0
	for _, x := range v {
		acc |= uint64(x) << have
		have += width
		for have >= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
			have -= 8
		}
	}
	end := (len(v)+7)/8*width - len(v)*width/8 // bytes that are still to come
	for range end {
		dst = append(dst, byte(acc))
		acc = 0
	}
	return dst
}
