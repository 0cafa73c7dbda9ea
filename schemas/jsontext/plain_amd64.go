package jsontext

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

var hasAVX2 = cpu.X86.HasAVX2

// plainRunAVX2 is plainRunPortable for the first n bytes at p, n a multiple of 32.
//
//go:noescape
func plainRunAVX2(p *byte, n int) int

// plainRun is plainRunPortable, faster.
func plainRun(b []byte) int {
	n := len(b) &^ 31
	if !hasAVX2 || n == 0 {
		return plainRunPortable(b)
	}
	if k := plainRunAVX2(&b[0], n); k < n {
		return k
	}
	return n + plainRunPortable(b[n:])
}

// unescapeAVX2 reads the inside of a string at src, of which n bytes may be read, and writes its text to dst, where there are as many:
// plain bytes, escapes of one letter, and letters of two and three bytes. It ends at anything else, and where less than 32 bytes are
// left. What is at dst behind the text is of no use.
//
//go:noescape
func unescapeAVX2(dst, src *byte, n int) (read, wrote int)

// appendPlain appends the text of what b begins with to dst: of as much as one pass can tell, none where a quote, an escape of another
// kind or a fault stands. It returns how many bytes of b that is.
func appendPlain(dst, b []byte) ([]byte, int) {
	if n := len(dst); hasAVX2 && len(b) >= 32 && cap(dst)-n >= len(b) {
		read, wrote := unescapeAVX2((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), n)), &b[0], len(b))
		dst = dst[:n+wrote]
		if read+32 <= len(b) {
			return dst, read
		}
		k := plainRunPortable(b[read:])
		return append(dst, b[read:read+k]...), read + k
	}
	k := plainRun(b)
	return append(dst, b[:k]...), k
}
