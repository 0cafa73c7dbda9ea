//go:build !race && !assert

package zstdpage

import (
	"encoding/binary"
	"unsafe"
)

// load64 reads eight bytes, which the caller knows to be there: with a check, finding copies takes a third longer. Tests with
// the race detector or the tag assert check.
func load64(b []byte, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))[:])
}

// load32 reads four bytes, as load64 does.
func load32(b []byte, i int) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))[:])
}
