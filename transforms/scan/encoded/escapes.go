package encoded

import (
	"bytes"
	"html"
	"unicode/utf16"
	"unicode/utf8"

	"inoculate/transforms/scan/normalize"
)

// replace copies text, and puts in what read says stands at each mark: size bytes of text that say out. It is false where
// nothing was read.
func replace(text []byte, mark byte, under, m *normalize.Mapped, read func(at []byte) (out []byte, size int)) bool {
	first := bytes.IndexByte(text, mark)
	if first < 0 {
		return false
	}
	m.Reset(len(text))
	done := 0
	for i := first; ; {
		if out, size := read(text[i:]); size > 0 {
			m.AppendAll(text, done, i, under)
			done = i + size
			for _, c := range out {
				m.Append(c, i, done, under)
			}
			i = done
		} else {
			i++
		}
		k := bytes.IndexByte(text[i:], mark)
		if k < 0 {
			break
		}
		i += k
	}
	if done == 0 {
		m.Reset(0)
		return false
	}
	m.AppendAll(text, done, len(text), under)
	return true
}

func hexPair(b []byte, i int) bool { return i+1 < len(b) && class[b[i]]&class[b[i+1]]&isHex != 0 }

// percent reads %41.
func percent(text []byte, under, m *normalize.Mapped) bool {
	return replace(text, '%', under, m, func(b []byte) ([]byte, int) {
		if !hexPair(b, 1) {
			return nil, 0
		}
		return []byte{nibble(b[1])<<4 | nibble(b[2])}, 3
	})
}

// quotedPrintable reads =41, and takes the line end behind a last = away.
func quotedPrintable(text []byte, under, m *normalize.Mapped) bool {
	return replace(text, '=', under, m, func(b []byte) ([]byte, int) {
		switch {
		case hexPair(b, 1):
			return []byte{nibble(b[1])<<4 | nibble(b[2])}, 3
		case len(b) > 1 && b[1] == '\n':
			return nil, 2
		case len(b) > 2 && b[1] == '\r' && b[2] == '\n':
			return nil, 3
		}
		return nil, 0
	})
}

// entities reads &#65; &#x41; &amp; and the other names of HTML; a number needs no semicolon.
func entities(text []byte, under, m *normalize.Mapped) bool {
	return replace(text, '&', under, m, func(b []byte) ([]byte, int) {
		if len(b) > 2 && b[1] == '#' {
			return number(b)
		}
		e := bytes.IndexByte(b[:min(len(b), longestName+2)], ';')
		if e < 2 || !all(b[1:e], isWord) {
			return nil, 0
		}
		out := html.UnescapeString(string(b[:e+1]))
		if out == string(b[:e+1]) {
			return nil, 0
		}
		return []byte(out), e + 1
	})
}

func number(b []byte) ([]byte, int) {
	i, base := 2, rune(10)
	if b[2]|0x20 == 'x' {
		i, base = 3, 16
	}
	r, start := rune(0), i
	for ; i < len(b) && i < start+9 && class[b[i]]&isHex != 0 && (base == 16 || b[i] <= '9'); i++ {
		if r = r*base + rune(nibble(b[i])); r > utf8.MaxRune {
			return nil, 0
		}
	}
	if i == start {
		return nil, 0
	}
	if i < len(b) && b[i] == ';' {
		i++
	}
	return utf8.AppendRune(nil, r), i
}

var simple = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', '0': 0, '"': '"', '\'': '\'', '\\': '\\', '/': '/', '`': '`'}

// escapes reads the escapes of JSON and of programs: \n, \", \x41, \u0041 with surrogates, \u{41}, \U00000041.
func escapes(text []byte, under, m *normalize.Mapped) bool {
	return replace(text, '\\', under, m, func(b []byte) ([]byte, int) {
		if len(b) < 2 {
			return nil, 0
		}
		switch b[1] {
		case 'x':
			if r, n := hexDigits(b, 2, 2); n == 2 {
				return []byte{byte(r)}, 4
			}
			return nil, 0
		case 'U':
			if r, n := hexDigits(b, 2, 8); n == 8 && r <= utf8.MaxRune {
				return utf8.AppendRune(nil, r), 10
			}
			return nil, 0
		case 'u':
			return unicodeEscape(b)
		}
		if c, ok := simple[b[1]]; ok {
			return []byte{c}, 2
		}
		return nil, 0
	})
}

func unicodeEscape(b []byte) ([]byte, int) {
	if len(b) > 2 && b[2] == '{' {
		if r, n := hexDigits(b, 3, 6); n > 0 && len(b) > 3+n && b[3+n] == '}' && r <= utf8.MaxRune {
			return utf8.AppendRune(nil, r), 4 + n
		}
		return nil, 0
	}
	r, n := hexDigits(b, 2, 4)
	if n < 4 {
		return nil, 0
	}
	if utf16.IsSurrogate(r) && len(b) > 7 && b[6] == '\\' && b[7] == 'u' {
		if low, n := hexDigits(b, 8, 4); n == 4 {
			return utf8.AppendRune(nil, utf16.DecodeRune(r, low)), 12
		}
	}
	return utf8.AppendRune(nil, r), 6
}

// hexDigits reads up to n hex digits at b[i].
func hexDigits(b []byte, i, n int) (r rune, count int) {
	for ; count < n && i < len(b) && class[b[i]]&isHex != 0; i++ {
		r = r<<4 | rune(nibble(b[i]))
		count++
	}
	return r, count
}
