package sha256x2

import "github.com/klauspost/cpuid/v2"

var hasSHA = cpuid.CPU.Supports(cpuid.SHA, cpuid.SSSE3, cpuid.SSE4)

// blocksSHANI brings two states forward by n blocks of 64 bytes each, n at least 1.
//
//go:noescape
func blocksSHANI(h0, h1 *[8]uint32, p0, p1 *byte, n int)
