package literal

import "golang.org/x/sys/cpu"

// vectors says whether the processor has what windows and pairs need.
var vectors = cpu.X86.HasAVX2

// wide says whether it has what wideWindows needs.
var wide = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// windows looks at 32 starts at a time, from text on, and stops at the first 32 of which one may be a window: mask has a bit for
// each that may, and found its buckets. It returns how many starts it has passed; mask is 0 where fewer than 32 of them are
// left with span-1 bytes behind.
//
//go:noescape
func windows(text *byte, n int, in *tables, found *[32]byte) (at int, mask uint32)

// nibbles is windows for 64 starts at a time, by more bytes of them, of which it sees the low halves; mask is 0 where fewer than 64
// starts are left with longSpan-1 bytes behind.
//
//go:noescape
func nibbles(text *byte, n int, in *nibbleTables, found *[64]byte) (at int, mask uint64)

// wideWindows is windows for 64 starts at a time.
//
//go:noescape
func wideWindows(text *byte, n int, in *wideTables, found *[64]byte) (at int, mask uint64)

// pairs looks at 64 starts at a time, first being the first byte of the pair of the first of n starts, and stops at the first 64
// of which one fits: mask has a bit for each. It returns how many starts it has passed; mask is 0 where fewer than 64 are left.
// Bytes of want are value and mask of the first byte, value and mask of the second.
//
//go:noescape
func pairs(first *byte, gap, n int, want uint64) (at int, mask uint64)
