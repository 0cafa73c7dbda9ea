package jsontext

import "golang.org/x/sys/cpu"

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
