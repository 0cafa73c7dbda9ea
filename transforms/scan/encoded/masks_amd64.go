package encoded

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

var (
	hasVBMI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI
	hasAVX2 = cpu.X86.HasAVX2
)

// masksVBMI writes for each of the chunks of 64 bytes at src which of them have the classes isBase64, isRotHex, isWord and isMark.
// chunks is at least 1.
//
//go:noescape
func masksVBMI(src *byte, chunks int, out *[4]uint64, tab *[128]byte)

// masksAVX2 is masksVBMI by what the low and the high half of a byte say, isMark aside.
//
//go:noescape
func masksAVX2(src *byte, chunks int, out *[4]uint64, tab *[2][32]byte)

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

// masks is masksVBMI or masksAVX2.
func masks(src *byte, chunks int, out *[4]uint64) {
	if hasVBMI {
		masksVBMI(src, chunks, out, &asciiClass)
		return
	}
	masksAVX2(src, chunks, out, &halves)
}

var asciiClass = func() (t [128]byte) {
	copy(t[:], class[:128])
	return t
}()

// runFast is runPortable, over the masks of 64 bytes at once. ok is false where there is no such thing as fast.
func runFast(text []byte) (found, ok bool) {
	if !hasVBMI && !hasAVX2 || len(text) < 64 {
		return false, false
	}
	var out [16][4]uint64
	var base64, hex, word uint64 // of the 64 bytes before
	end := 0                     // of the run that was looked at last
	for at := 0; at < len(text); {
		chunks := min(len(text)-at, 64*len(out)) / 64
		if chunks > 0 {
			masks(&text[at], chunks, &out[0])
		} else {
			rest := spaces
			copy(rest[:], text[at:])
			chunks = 1
			masks(&rest[0], 1, &out[0])
		}
		for k := range out[:chunks] {
			m := &out[k]
			for long := ending16(m[0], base64); long != 0; long &= long - 1 {
				if i := at + bits.TrailingZeros64(long); i >= end {
					if found, end = longRun(text, i); found {
						return true, true
					}
				}
			}
			if p := endingPairs(m[1], hex, ^m[2], ^word); p != 0 && anyPairs(text, at, p) {
				return true, true
			}
			base64, hex, word = m[0], m[1], m[2]
			at += 64
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

// ending16 has the bits of m at which a run of 16 ends, or goes on; b is the mask before.
func ending16(m, b uint64) uint64 {
	m &= m<<1 | b>>63
	b &= b << 1
	m &= m<<2 | b>>62
	b &= b << 2
	m &= m<<4 | b>>60
	b &= b << 4
	return m & (m<<8 | b>>56)
}

// endingPairs has the bits that may be the third byte between pairs of hex digits: h are the hex digits and g those before, s
// what is no letter and t that before.
func endingPairs(h, g, s, t uint64) uint64 {
	p := s & (s<<3 | t>>61) & (s<<6 | t>>58)
	if p == 0 {
		return 0
	}
	two := h & (h<<1 | g>>63) // the second of two digits
	g &= g << 1
	return p & (two<<1 | g>>63) & (two<<4 | g>>60)
}

func anyPairs(text []byte, at int, p uint64) bool {
	for ; p != 0; p &= p - 1 {
		if i := at + bits.TrailingZeros64(p); i < len(text) && i >= 6 && pairs(text, i-6) {
			return true
		}
	}
	return false
}
