package encoded

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

var hasAVX2 = cpu.X86.HasAVX2

// runsAVX2 looks at n bytes at src, 64 at a time, and stops behind the first 64 in which a run of sixteen letters of base64 ends or goes
// on, or three bytes end of which each parts pairs of hex digits: long and pairs have a bit for the last byte of each, the first bit for
// byte from. next is how many bytes it looked at. before are the mask of letters of base64 of the 64 bytes before, and then of the last
// it looked at; whether there are 64 bytes before; and the mask of what is no letter or digit. The last 64 bytes may begin before src.
//
//go:noescape
func runsAVX2(src *byte, n int, before *[3]uint64, tab *[2][32]byte) (next, from int, long, pairs uint64)

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
		next, from, long, parted := runsAVX2(&text[at], len(text)-at, &before, &halves)
		before[1] = 1
		from += at
		for ; long != 0; long &= long - 1 {
			if i := from + bits.TrailingZeros64(long); i >= end {
				if found, end = longRun(text, i); found {
					return true, true
				}
			}
		}
		if parted != 0 && anyPairs(text, from, parted) {
			return true, true
		}
		at += next
	}
	return false, true
}

func anyPairs(text []byte, at int, p uint64) bool {
	for ; p != 0; p &= p - 1 {
		if i := at + bits.TrailingZeros64(p); i < len(text) && i >= 6 && pairs(text, i-6) {
			return true
		}
	}
	return false
}
