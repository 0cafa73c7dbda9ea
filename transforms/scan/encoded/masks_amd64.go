package encoded

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

var hasVBMI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// masksVBMI writes for each of the chunks of 64 bytes at src which of them have the classes isBase64, isRotHex, isWord and isMark.
// chunks is at least 1.
//
//go:noescape
func masksVBMI(src *byte, chunks int, out *[4]uint64, tab *[128]byte)

var asciiClass = func() (t [128]byte) {
	copy(t[:], class[:128])
	return t
}()

// runFast is run, over the masks of 64 bytes at once; marks says whether any byte is a mark. ok is false where there is no
// such thing as fast.
func runFast(text []byte) (found, marks, ok bool) {
	if !hasVBMI || len(text) < 64 {
		return false, false, false
	}
	var masks [16][4]uint64
	var base64, hex, word, mark uint64 // of the 64 bytes before, and all marks
	end := 0                           // of the run that was looked at last
	for at := 0; at < len(text); {
		chunks := min(len(text)-at, 64*len(masks)) / 64
		if chunks > 0 {
			masksVBMI(&text[at], chunks, &masks[0], &asciiClass)
		} else {
			rest := spaces
			copy(rest[:], text[at:])
			chunks = 1
			masksVBMI(&rest[0], 1, &masks[0], &asciiClass)
		}
		for k := range masks[:chunks] {
			m := &masks[k]
			mark |= m[3]
			for long := ending16(m[0], base64); long != 0; long &= long - 1 {
				if i := at + bits.TrailingZeros64(long); i >= end {
					if found, end = longRun(text, i); found {
						return true, true, true
					}
				}
			}
			if p := endingPairs(m[1], hex, ^m[2], ^word); p != 0 && anyPairs(text, at, p) {
				return true, true, true
			}
			base64, hex, word = m[0], m[1], m[2]
			at += 64
		}
	}
	return false, mark != 0, true
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
