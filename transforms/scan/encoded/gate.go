package encoded

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"inoculate/transforms/scan/normalize"
)

// shortest is the number of letters from which a run of them may be base64 or hex.
const shortest = 16

// The classes of bytes.
const (
	isBase64 = 1 << iota
	isHex
	isRotHex // hex digits, or what ROT13 makes of them
	isWord   // letters and digits
)

var class = func() (t [256]uint8) {
	for c := range t {
		digit, lower := c >= '0' && c <= '9', c|0x20
		letter := lower >= 'a' && lower <= 'z'
		if digit || letter {
			t[c] |= isWord | isBase64
		}
		if c == '+' || c == '/' || c == '-' || c == '_' {
			t[c] |= isBase64
		}
		if digit || lower >= 'a' && lower <= 'f' {
			t[c] |= isHex | isRotHex
		}
		if lower >= 'n' && lower <= 's' {
			t[c] |= isRotHex
		}
	}
	return t
}()

// GoesOn says whether something encoded may go on from a line to the next: a run of base64 or hex, or quoted-printable text.
func GoesOn(line, next []byte) bool {
	line, next = bytes.TrimRight(line, " \t\r"), bytes.TrimLeft(next, " \t")
	if len(line) > 0 && line[len(line)-1] == '=' {
		return true
	}
	return len(line) >= shortest && len(next) > 0 && class[next[0]]&isBase64 != 0 && all(line[len(line)-shortest:], isBase64)
}

func anyMark(text []byte, seen normalize.Bytes) bool {
	if seen&(normalize.Zeros|normalize.Backslashes) != 0 || seen&normalize.Equals != 0 && marked(text, '=') {
		return true
	}
	return seen&normalize.Percents != 0 && (marked(text, '%') || entity(text))
}

// marked says whether two hex digits stand behind a mark, or before it, or what ROT13 makes of them.
func marked(text []byte, mark byte) bool {
	for from := 0; ; {
		k := bytes.IndexByte(text[from:], mark)
		if k < 0 {
			return false
		}
		i := from + k
		from = i + 1
		if i+2 < len(text) && class[text[i+1]]&class[text[i+2]]&isRotHex != 0 || turned(text, i) {
			return true
		}
		if mark == '=' && (i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r') || i > 0 && text[i-1] == '\n') {
			return true
		}
	}
}

// turned says whether a mark at i belongs to the two hex digits before it: the text behind goes on without a space.
func turned(text []byte, i int) bool {
	return i >= 2 && class[text[i-1]]&class[text[i-2]]&isRotHex != 0 &&
		i+1 < len(text) && (class[text[i+1]]&isWord != 0 || text[i+1] >= 0x80)
}

// longestName is the longest name of an entity that is read.
const longestName = 10

// entity says whether an HTML entity may stand in text, forwards or backwards.
func entity(text []byte) bool {
	for from := 0; ; {
		k := bytes.IndexByte(text[from:], '&')
		if k < 0 {
			return false
		}
		i := from + k
		from = i + 1
		if i+1 < len(text) && text[i+1] == '#' || i > 0 && text[i-1] == '#' {
			return true
		}
		after, before := text[i+1:min(i+2+longestName, len(text))], text[max(i-1-longestName, 0):i]
		if e := bytes.IndexByte(after, ';'); e > 0 && all(after[:e], isWord) {
			return true
		}
		if e := bytes.LastIndexByte(before, ';'); e >= 0 && e+1 < len(before) && all(before[e+1:], isWord) {
			return true
		}
	}
}

func all(b []byte, mask uint8) bool {
	for _, c := range b {
		if class[c]&mask == 0 {
			return false
		}
	}
	return true
}

// wideSpace is the no-break space, which may part pairs of hex digits as one byte of ASCII may.
const wideSpace = "\u00a0"

// widePairs says whether there are pairs of hex digits with a no-break space between them, enough of them.
func widePairs(text []byte) bool {
	const period = 2 + len(wideSpace)
	hex := func(k int) bool {
		return k >= 0 && k+1 < len(text) && class[text[k]]&class[text[k+1]]&isRotHex != 0
	}
	for from := 0; ; {
		k := bytes.Index(text[from:], []byte(wideSpace))
		if k < 0 {
			return false
		}
		at := from + k
		from = at + len(wideSpace)
		if !hex(at - 2) {
			continue
		}
		n := 1
		for next := from; hex(next) && n < shortest/2; n++ {
			if next += period; !bytes.HasPrefix(text[next-len(wideSpace):], []byte(wideSpace)) {
				n++
				break
			}
		}
		if n >= shortest/2 {
			return true
		}
	}
}

// runPortable says whether there is a run of letters that may be base64 or hex, or of pairs of hex digits with one byte
// between them. It looks at windows of eight bytes that begin at multiples of eight: each run covers one.
func runPortable(text []byte) bool {
	const ones = 0x0101010101010101
	for i := 0; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		if spaces := x ^ ones*' '; (spaces-ones)&^spaces&(ones<<7) == 0 && all(text[i:i+8], isBase64) {
			found, hi := longRun(text, i)
			if found {
				return true
			}
			i = (hi - 1) &^ 7 // the window that the run ends in was seen
			continue
		}
		// The same byte at i, i+3 and i+6, or one or two bytes later.
		if y := (x ^ x>>24) | 0xFFFFFF<<40; (y-ones)&^y&(ones<<7) == 0 {
			continue
		}
		for p := range 3 {
			if c := byte(x >> (8 * p)); c == byte(x>>(8*p+24)) && (p == 2 || c == byte(x>>(8*p+48))) && pairs(text, i+p) {
				return true
			}
		}
	}
	return false
}

// longRun says whether the run around byte i may be base64 or hex, and where it ends.
func longRun(text []byte, i int) (found bool, hi int) {
	lo, hi := i, i+1
	for lo > 0 && class[text[lo-1]]&isBase64 != 0 {
		lo--
	}
	for hi < len(text) && class[text[hi]]&isBase64 != 0 {
		hi++
	}
	return hi-lo >= shortest && mixed(text[lo:hi]) && says(text[lo:hi]), hi
}

// mixed says whether a run, of shortest letters at least, is something else than long words, a path, or a name with a number behind it:
// it has a capital behind a small letter, or a digit before a letter, or as many digits as hex has at least.
func mixed(run []byte) bool {
	const ones, letter = 0x0101010101010101, 0x40 * 0x0101010101010101
	if len(run) >= 3*shortest {
		return true
	}
	digits := 0
	for i := 0; ; i += 8 {
		i = min(i, len(run)-9)
		x, y := binary.LittleEndian.Uint64(run[i:]), binary.LittleEndian.Uint64(run[i+1:])
		// Each in the bit that all letters have, and the underscore, the last that is no small letter.
		digit, small := x<<2&^x&letter, x&(x<<1)
		smallNext, bigNext := y&(y<<1), y&^(y<<1)&^((y+ones)<<1)
		if (small&bigNext|digit&(smallNext|bigNext))&letter != 0 {
			return true
		}
		if digits += bits.OnesCount64(digit); i == len(run)-9 {
			return digits >= shortest-1 // some are counted twice, the last byte is not
		}
	}
}

// pairs says whether the byte at i parts pairs of hex digits, enough of them.
func pairs(text []byte, i int) bool {
	c := text[i]
	if class[c]&isWord != 0 {
		return false
	}
	hex := func(k int) bool {
		return k >= 0 && k+1 < len(text) && class[text[k]]&class[text[k+1]]&isRotHex != 0
	}
	n := 0
	for k := i; k >= 0 && text[k] == c && hex(k-2) && n < shortest; k -= 3 {
		n++
	}
	for k := i; k < len(text) && text[k] == c && hex(k+1) && n < shortest; k += 3 {
		n++
	}
	return n >= shortest/2
}
