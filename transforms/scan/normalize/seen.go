package normalize

import (
	"bytes"
	"encoding/binary"
)

// Bytes is a set of the bytes that say that a text must be looked at more closely.
type Bytes uint8

// The bytes that are told apart.
const (
	Zeros       Bytes = 1 << iota // 0
	Percents                      // % and &
	Equals                        // =
	Backslashes                   // \
	TwoFacedLeads
	HiddenLeads    // E2
	HiddenLeads2   // EF and F3, and with them E3 and FF
	WideSpaceLeads // C2
)

// Marks are the bytes that stand before, or in, something encoded; Hiding those that characters begin with in which text can be
// hidden.
const (
	Marks  = Zeros | Percents | Equals | Backslashes
	Hiding = HiddenLeads | HiddenLeads2
)

// telling is for each byte its set, or 0. No set has bytes that differ in both halves, so that a byte is in it if its halves are.
var telling = [256]Bytes{
	0: Zeros, '%': Percents, '&': Percents, '=': Equals, '\\': Backslashes,
	twoFacedLead: TwoFacedLeads, 0xE2: HiddenLeads, 0xEF: HiddenLeads2, 0xF3: HiddenLeads2, 0xE3: HiddenLeads2, 0xFF: HiddenLeads2, 0xC2: WideSpaceLeads,
}

// Seen says which of the bytes stand in text. It is fast.
func Seen(text []byte) Bytes {
	if seen, ok := seenFast(text); ok {
		return seen
	}
	return seenPortable(text)
}

// seenPortable is Seen for every processor.
func seenPortable(text []byte) (seen Bytes) {
	if len(text) < 64 {
		for _, c := range text {
			seen |= telling[c]
		}
		return seen
	}
	for _, c := range []byte{0, '%', '&', '=', '\\'} {
		if bytes.IndexByte(text, c) >= 0 {
			seen |= telling[c]
		}
	}
	if isASCII(text) {
		return seen
	}
	for _, c := range []byte{twoFacedLead, 0xE2, 0xE3, 0xEF, 0xF3, 0xFF, 0xC2} {
		if bytes.IndexByte(text, c) >= 0 {
			seen |= telling[c]
		}
	}
	return seen
}

// isASCII says whether text is nothing else.
func isASCII(text []byte) bool {
	const high = 0x8080808080808080
	for ; len(text) >= 32; text = text[32:] {
		x := binary.LittleEndian.Uint64(text) | binary.LittleEndian.Uint64(text[8:]) | binary.LittleEndian.Uint64(text[16:]) | binary.LittleEndian.Uint64(text[24:])
		if x&high != 0 {
			return false
		}
	}
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
