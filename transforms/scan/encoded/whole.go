package encoded

import (
	"bytes"
	"iter"
	"unicode/utf16"
	"unicode/utf8"

	"inoculate/transforms/scan/normalize"
)

// zeros reads UTF-16 of ASCII letters, of either byte order and wherever it begins, by leaving the zero bytes out.
func zeros(text []byte, under, m *normalize.Mapped) bool {
	if bytes.IndexByte(text, 0) < 0 {
		return false
	}
	for from, to := range dense(text) {
		for i, c := range text[from:to] {
			if c != 0 {
				m.Append(c, from+i, from+i+1, under)
			}
		}
		m.Append('\n', to-1, to, under)
	}
	return len(m.Text) > 0
}

const (
	zeroWhole = 16 << 10 // bytes of a text that is read whole for one zero
	zeroBlock = 512
	zeroLeast = 5 // one of twenty blocks of random bytes has as many
)

// dense yields the parts of text that may be UTF-16: all of a short text with a zero; of a long one, blocks with more zeros than
// random bytes have, and their neighbours. Nothing stands where all is zero.
func dense(text []byte) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		if len(text) <= zeroWhole {
			if n := bytes.Count(text, []byte{0}); n > 0 && n < len(text) {
				yield(0, len(text))
			}
			return
		}
		start, end := -1, 0
		for from := 0; from < len(text); from += zeroBlock {
			block := text[from:min(from+zeroBlock, len(text))]
			if n := bytes.Count(block, []byte{0}); n < zeroLeast || n == len(block) {
				continue
			}
			if start >= 0 && from-zeroBlock > end {
				if !yield(start, end) {
					return
				}
				start = -1
			}
			if start < 0 {
				start = max(0, from-zeroBlock)
			}
			end = min(from+2*zeroBlock, len(text))
		}
		if start >= 0 {
			yield(start, end)
		}
	}
}

// wide reads UTF-16 of one byte order that begins at an even or an odd byte: where its mark stands in front, or any byte is
// zero.
func wide(text []byte, under, m *normalize.Mapped, big bool, from int) bool {
	if !marked16(text) && bytes.IndexByte(text, 0) < 0 || len(text) < from+2 {
		return false
	}
	if marked16(text) {
		units(text, 0, from, big, under, m)
		return true
	}
	for start, end := range dense(text) { // starts are even
		units(text[:end], start, from, big, under, m)
		m.Append('\n', end-1, end, under)
	}
	return len(m.Text) > 0
}

// marked16 says whether text begins with the mark of UTF-16.
func marked16(text []byte) bool {
	return len(text) >= 2 && (text[0] == 0xFF && text[1] == 0xFE || text[0] == 0xFE && text[1] == 0xFF)
}

// units reads the text from an even start on; from is 1 where its units begin at odd bytes.
func units(text []byte, start, from int, big bool, under, m *normalize.Mapped) {
	unit := func(i int) rune {
		if big {
			return rune(text[i])<<8 | rune(text[i+1])
		}
		return rune(text[i+1])<<8 | rune(text[i])
	}
	var utf [utf8.UTFMax]byte
	for i := start + from; i+1 < len(text); {
		r, size := unit(i), 2
		if utf16.IsSurrogate(r) && i+3 < len(text) {
			if both := utf16.DecodeRune(r, unit(i+2)); both != utf8.RuneError {
				r, size = both, 4
			}
		}
		for _, c := range utf[:utf8.EncodeRune(utf[:], r)] {
			m.Append(c, i, i+size, under)
		}
		i += size
	}
}

// rot13 turns the letters of ASCII where other encodings look turned. Text that is turned and nothing else is looked for as
// it is.
func rot13(text []byte, under, m *normalize.Mapped) bool {
	if !looksRotated(text) {
		return false
	}
	m.Reset(len(text))
	m.AppendAll(text, 0, len(text), under)
	for i, c := range m.Text {
		m.Text[i] = Rot13(c)
	}
	return true
}

// Rot13 is a byte as ROT13 has it.
func Rot13(c byte) byte {
	if l := c | 0x20; l >= 'a' && l <= 'z' {
		if l < 'n' {
			return c + 13
		}
		return c - 13
	}
	return c
}

// reversed reads text backwards, rune by rune, where other encodings look as if they ran backwards. Text that runs backwards
// and nothing else is looked for as it is.
func reversed(text []byte, under, m *normalize.Mapped) bool {
	if !looksReversed(text) {
		return false
	}
	m.Reset(len(text))
	for end := len(text); end > 0; {
		_, size := utf8.DecodeLastRune(text[:end])
		for k := end - size; k < end; k++ {
			m.Append(text[k], end-size, end, under)
		}
		end -= size
	}
	return true
}

// marks are what encodings begin with that are no letters.
const marks = "%=&\\"

// eachMark calls f with the place of each mark of text, kind by kind, until it is true, and returns whether it was.
func eachMark(text []byte, f func(i int, mark byte) bool) bool {
	for _, mark := range []byte(marks) {
		for from := 0; ; {
			k := bytes.IndexByte(text[from:], mark)
			if k < 0 {
				break
			}
			if from += k; f(from, mark) {
				return true
			}
			from++
		}
	}
	return false
}

// looksRotated says whether ROT13 was put over percent, quoted-printable, entities or escapes.
func looksRotated(text []byte) bool {
	return eachMark(text, func(i int, mark byte) bool {
		switch mark {
		case '&':
			if i+3 < len(text) && text[i+1] == '#' && text[i+2]|0x20 == 'k' {
				return true
			}
			e := bytes.IndexByte(text[i:min(len(text), i+longestName+2)], ';')
			return e > 1 && all(text[i+1:i+e], isWord)
		case '\\':
			return i+1 < len(text) && (text[i+1] == 'h' || text[i+1] == 'H' || text[i+1] == 'k' || text[i+1] == 'a' || text[i+1] == 'g' || text[i+1] == 'e')
		}
		return i+2 < len(text) && class[text[i+1]]&class[text[i+2]]&isRotHex != 0 && class[text[i+1]]&class[text[i+2]]&isHex == 0 && min(text[i+1], text[i+2]) <= '9'
	})
}

// looksReversed says whether percent, quoted-printable, entities or escapes run backwards.
func looksReversed(text []byte) bool {
	return eachMark(text, func(i int, mark byte) bool {
		switch mark {
		case '&':
			if i > 1 && text[i-1] == '#' {
				return true
			}
			before := text[max(0, i-longestName-1):i]
			name := before[bytes.LastIndexByte(before, ';')+1:]
			return len(name) > 1 && len(name) < len(before) && all(name, isWord)
		case '\\':
			return i > 0 && (text[i-1] == 'u' || text[i-1] == 'x' || text[i-1] == 'U' || text[i-1] == 'n' || text[i-1] == 't' || text[i-1] == 'r' || text[i-1] == '"' || text[i-1] == '}')
		}
		if !hexPair(text, i+1) && (turned(text, i) || i >= 3 && text[i-3] == mark && hexPair(text, i-2)) {
			return true
		}
		return mark == '=' && i > 0 && text[i-1] == '\n'
	})
}
