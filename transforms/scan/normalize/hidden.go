package normalize

import (
	"bytes"
	"unicode/utf8"
)

// The ways to hide text in characters that are not seen.
const (
	Tags       = "tags"       // U+E0000 + character
	Selectors  = "selectors"  // variation selectors 1 to 256 as bytes 0 to 255
	Supplement = "supplement" // U+E0100 + character
	Bits       = "bits"       // U+2062 and U+2064, eight to a byte
)

// MayHide says whether text, which has the bytes seen, holds characters enough to hide text in, all of them together. It is fast.
func MayHide(text []byte, seen Bytes) bool {
	if seen&HiddenLeads2 != 0 {
		n := shortest
		n -= countUpto(text, threeLead, n)
		if n -= countUpto(text, fourLead, n); n <= 0 {
			return true
		}
	}
	return seen&HiddenLeads != 0 && countUpto(text, bitsLead, 8*shortest) == 8*shortest
}

// The bytes that begin selectors, or tags and more selectors, or bits; no other character has these inside.
const (
	threeLead = "\xef\xb8"
	fourLead  = "\xf3\xa0"
	bitsLead  = "\xe2\x81"
)

// countUpto counts what stands in text, up to n times.
func countUpto(text []byte, what string, n int) (count int) {
	for count < n {
		k := bytes.Index(text, []byte(what))
		if k < 0 {
			break
		}
		text = text[k+len(what):]
		count++
	}
	return count
}

// shortest is how many bytes must be hidden to count: flags of regions are spelled with up to six tags.
const shortest = 8

// Hidden calls f with each text that the invisible characters of text spell, whatever stands between them. m is valid during
// the call.
func Hidden(text []byte, under, m *Mapped, f func(via string)) {
	if !MayHide(text, Seen(text)) {
		return
	}
	if at := unseen(text); len(at) >= shortest {
		for _, way := range []struct {
			via  string
			byte func(r rune) int
		}{
			{Tags, func(r rune) int { return within(r, 0xE0001, 0xE007F, 0xE0000) }},
			{Selectors, func(r rune) int {
				if r >= 0xFE00 && r <= 0xFE0F {
					return int(r - 0xFE00)
				}
				return within(r, 0xE0100, 0xE01EF, 0xE0100-16)
			}},
			{Supplement, func(r rune) int { return within(r, 0xE0101, 0xE017F, 0xE0100) }},
		} {
			m.Reset(0)
			for _, i := range at {
				r, size := utf8.DecodeRune(text[i:])
				if c := way.byte(r); c >= 0 {
					m.Append(byte(c), int(i), int(i)+size, under)
				}
			}
			if len(m.Text) >= shortest && readable(m.Text) {
				f(way.via)
			}
		}
	}
	bitPairs(text, under, m)
	if len(m.Text) >= shortest {
		f(Bits)
	}
}

// unseen are the places of tags and variation selectors, by the two bytes with which each begins. No other character has these
// bytes inside.
func unseen(text []byte) (at []int32) {
	next := func(lead string, from int) int {
		if k := bytes.Index(text[from:], []byte(lead)); k >= 0 {
			return from + k
		}
		return len(text)
	}
	for a, b := next(fourLead, 0), next(threeLead, 0); a < len(text) || b < len(text); {
		if a < b {
			at = append(at, int32(a))
			a = next(fourLead, a+1)
		} else {
			at = append(at, int32(b))
			b = next(threeLead, b+1)
		}
	}
	return at
}

func within(r, lo, hi, zero rune) int {
	if r < lo || r > hi {
		return -1
	}
	return int(r - zero)
}

// readable says whether bytes are text for the most part: selectors behind emoji are not.
func readable(text []byte) bool {
	n := 0
	for _, c := range text {
		if c >= ' ' && c != 0x7F || c == '\n' || c == '\t' {
			n++
		}
	}
	return n*4 >= len(text)*3
}

// bitPairs reads the bytes that U+2062 (0) and U+2064 (1) spell, the other way round where that is no text.
func bitPairs(text []byte, under, m *Mapped) {
	lead, size := []byte(bitsLead), len("\u2062")
	for _, one := range []rune{0x2064, 0x2062} {
		m.Reset(0)
		var c, n, from int
		for i := 0; ; i += len(lead) {
			k := bytes.Index(text[i:], lead)
			if k < 0 {
				break
			}
			i += k
			r, _ := utf8.DecodeRune(text[i:])
			if r != 0x2062 && r != 0x2064 {
				continue
			}
			if n == 0 {
				from = i
			}
			c = c << 1 & 0xFF
			if r == one {
				c |= 1
			}
			if n++; n == 8 {
				m.Append(byte(c), from, i+size, under)
				n = 0
			}
		}
		if readable(m.Text) {
			return
		}
	}
	m.Reset(0)
}
