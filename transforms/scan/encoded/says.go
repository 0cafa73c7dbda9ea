package encoded

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const (
	saysLetters = 256 // of a run that are read at once to see whether they say anything; names, numbers and digests have fewer
	saysCommon  = 64  // that one piece of a long run has in common with the next: more than a stretch of readable bytes comes from
)

// says says whether a run, read in any way, has a stretch of readable bytes: what Decode keeps nothing of is no candidate. Of a run
// that repeats itself not all is read.
func says(run []byte) bool {
	var before []byte
	for {
		piece := run[:min(len(run), saysLetters)]
		if !bytes.Equal(piece, before) && pieceSays(piece) {
			return true
		}
		if len(piece) == len(run) {
			return false
		}
		before, run = piece, run[saysLetters-saysCommon:]
	}
}

// pieceSays is says of up to saysLetters letters.
func pieceSays(run []byte) bool {
	if may, ok := saysFast(run); ok && !may {
		return saysHex(run)
	}
	var values, hex [saysLetters]uint8
	var b, moved bitRow // zeroed once: says is most of what a record with an id costs
	for _, way := range [...]way{forwards, rotated} {
		letters, digits := way.values(), 0
		for i, c := range run {
			values[i] = letters.base64[c] // every letter of a run has one
			v := letters.hex[c]
			hex[digits] = v
			if v != 0xFF {
				digits++
			}
		}
		if says64(values[:len(run)], &b, &moved) || says16(hex[:digits], &b, &moved) {
			return true
		}
		if way == forwards {
			slices.Reverse(values[:len(run)])
			slices.Reverse(hex[:digits])
			if says64(values[:len(run)], &b, &moved) || says16(hex[:digits], &b, &moved) {
				return true
			}
		}
	}
	return false
}

// hexes are 1 for hex digits, and 1<<16 for what ROT13 makes of them.
var hexes = func() (t [256]int) {
	for c := range t {
		if digits.hex[c] != 0xFF {
			t[c]++
		}
		if turnedDigits.hex[c] != 0xFF {
			t[c] += 1 << 16
		}
	}
	return t
}()

// saysHex says whether the hex digits of a run, read in any way, have a stretch of readable bytes.
func saysHex(run []byte) bool {
	n := 0
	for _, c := range run {
		n += hexes[c]
	}
	if n&0xFFFF < shortest && n>>16 < shortest {
		return false
	}
	var hex [saysLetters]uint8
	var b, moved bitRow
	for _, way := range [...]way{forwards, rotated} {
		values, n := &way.values().hex, 0
		for _, c := range run {
			v := values[c]
			hex[n] = v
			n += int(^v >> 7)
		}
		if says16(hex[:n], &b, &moved) {
			return true
		}
		if way == forwards {
			slices.Reverse(hex[:n])
			if says16(hex[:n], &b, &moved) {
				return true
			}
		}
	}
	return false
}

// bitRow are up to saysLetters values in a row, from the high bit of the first byte on, and room to read more.
type bitRow [saysLetters*3/4 + 16]byte

// says64 says whether values of base64 have a stretch of readable bytes, from one of the first four on. b and moved are memory.
func says64(values []uint8, b, moved *bitRow) bool {
	k := 0
	for i := 0; i < len(values); i += 4 {
		var g [4]uint8
		if i+4 <= len(values) {
			g = [4]uint8(values[i:])
		} else {
			copy(g[:], values[i:])
		}
		binary.BigEndian.PutUint32(b[k:], uint32(g[0])<<26|uint32(g[1])<<20|uint32(g[2])<<14|uint32(g[3])<<8)
		k += 3
	}
	for skip := 0; skip < 4 && len(values) >= shortest+skip; skip++ {
		if b.say(6*skip, (len(values)-skip)*6/8, moved) {
			return true
		}
	}
	return false
}

// says16 is says64 of hex digits, from one of the first two on.
func says16(values []uint8, b, moved *bitRow) bool {
	if len(values) < shortest {
		return false
	}
	for i := 0; i+1 < len(values); i += 2 {
		b[i/2] = values[i]<<4 | values[i+1]
	}
	if len(values)%2 == 1 {
		b[len(values)/2] = values[len(values)-1] << 4
	}
	return b.say(0, len(values)/2, moved) || len(values) > shortest && b.say(4, (len(values)-1)/2, moved)
}

// say says whether there is a stretch of readable bytes among n bytes that begin at a bit. It puts them to moved.
func (b *bitRow) say(bit, n int, moved *bitRow) bool {
	shift := uint(bit & 7)
	for from, k := b[bit>>3:], 0; k < n; k += 8 {
		binary.BigEndian.PutUint64(moved[k:], binary.BigEndian.Uint64(from[k:])<<shift|uint64(from[k+8])>>(8-shift))
	}
	text := moved[:n]
	return mayRead(text) && anyReadable(text)
}

// What a byte may be in a stretch of readable bytes, and what may follow it there.
const (
	plainByte = 1 << iota // text by itself, or a zero of UTF-16
	lastBytes             // of a rune of some bytes
	leadByte
)

var kinds, follow = func() (kinds, follow [256]uint8) {
	for c := range 256 {
		switch {
		case c < 0x80 && (c == 0 || !unreadable[c]):
			kinds[c], follow[c] = plainByte, plainByte|leadByte
		case c >= 0x80 && c < 0xC0:
			kinds[c], follow[c] = lastBytes, plainByte|lastBytes|leadByte
		case c >= 0xC2 && c <= 0xF4:
			kinds[c], follow[c] = leadByte, lastBytes
		}
	}
	return kinds, follow
}()

// mayRead is false only where anyReadable is. It looks at the ends of stretches first, and goes on behind what may not stand in one.
func mayRead(text []byte) bool {
	for from := 0; from+stretch <= len(text); {
		k := from + stretch - 1
		for k > from && follow[text[k-1]]&kinds[text[k]] != 0 {
			k--
		}
		if k == from && kinds[text[k]]&(plainByte|leadByte) != 0 {
			return true
		}
		if from = k; kinds[text[k]]&(plainByte|leadByte) == 0 {
			from++
		}
	}
	return false
}

// anyReadable says whether there is a stretch of readable bytes.
func anyReadable(text []byte) bool {
	for i := 0; i+stretch <= len(text); {
		end := readable(text, i)
		if end-i >= stretch && !blank(text[i:end]) {
			return true
		}
		i = end + 1
	}
	return false
}

// blank says whether text is zeros: they are read as parts of UTF-16, and say nothing by themselves.
func blank(text []byte) bool { return bytes.Count(text, []byte{0}) == len(text) }
