package encoded

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

var hasAVX2 = cpu.X86.HasAVX2

// runsAVX2 looks at chunks of 64 bytes at src, one at least, and stops behind the first in which a run of sixteen letters of base64 ends
// or goes on, or three bytes end of which each parts pairs of hex digits: long and pairs have a bit for the last byte of each. done is
// how many it looked at. before are the masks of the 64 bytes before, and then of the last it looked at: letters of base64; hex digits,
// or what ROT13 makes of them; what is no letter or digit.
//
//go:noescape
func runsAVX2(src *byte, chunks int, before *[3]uint64, tab *[2][32]byte) (done int, long, pairs uint64)

// halves say what a byte is by its low and its high half, each twice, in bits that both have: digits, letters up to o, letters from p
// on, marks of base64, the underscore; hex digits, or what ROT13 makes of them, up to o and from p on.
var halves = func() (t [2][32]byte) {
	for k := 0; k < 32; k += 16 {
		for bit, set := range []string{"0123456789", "abcdefghijklmnoABCDEFGHIJKLMNO", "pqrstuvwxyzPQRSTUVWXYZ", "+-/", "_", "abcdefnoABCDEFNO", "pqrsPQRS"} {
			for _, c := range []byte(set) {
				t[0][k+int(c&15)] |= 1 << bit
				t[1][k+int(c>>4)] |= 1 << bit
			}
		}
	}
	return t
}()

// runFast is runPortable, over 64 bytes at once. ok is false where there is no such thing as fast.
func runFast(text []byte) (found, ok bool) {
	if !hasAVX2 || len(text) < 64 {
		return false, false
	}
	before := [3]uint64{2: ^uint64(0)}
	end := 0 // of the run that was looked at last
	for at := 0; at < len(text); {
		var done int
		var long, parted uint64
		if chunks := (len(text) - at) / 64; chunks > 0 {
			done, long, parted = runsAVX2(&text[at], chunks, &before, &halves)
		} else {
			rest := spaces
			copy(rest[:], text[at:])
			done, long, parted = runsAVX2(&rest[0], 1, &before, &halves)
		}
		at += 64 * done
		for ; long != 0; long &= long - 1 {
			if i := at - 64 + bits.TrailingZeros64(long); i >= end {
				if found, end = longRun(text, i); found {
					return true, true
				}
			}
		}
		if parted != 0 && anyPairs(text, at-64, parted) {
			return true, true
		}
	}
	return false, true
}

var spaces = func() (b [64]byte) {
	for i := range b {
		b[i] = ' '
	}
	return b
}()

func anyPairs(text []byte, at int, p uint64) bool {
	for ; p != 0; p &= p - 1 {
		if i := at + bits.TrailingZeros64(p); i < len(text) && i >= 6 && pairs(text, i-6) {
			return true
		}
	}
	return false
}
