package jsontext

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// String checks the string whose opening quote is b[i]. It returns the index behind the closing quote, and whether there
// are escapes in it.
func String(b []byte, i int) (end int, escaped bool, err error) {
	start := i
	i++
	for {
		i += plainRun(b[i:])
		if i >= len(b) {
			return i, escaped, &SyntaxError{Offset: start, Reason: "syntax", Msg: "string is not closed"}
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, escaped, nil
		case c == '\\':
			escaped = true
			if i, err = escape(b, i); err != nil {
				return i, true, err
			}
		default:
			if i, err = rest(b, i); err != nil {
				return i, escaped, err
			}
		}
	}
}

// rest checks what stands in a string, at b[i], and ends a plain run, but for quotes and backslashes: letters beyond ASCII, as
// many as there are. It returns the index behind them.
func rest(b []byte, i int) (int, error) {
	if c := b[i]; c < 0x20 {
		return i, syntax(i, fmt.Sprintf("control character %#02x in a string", c))
	}
	for i < len(b) && b[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i, &SyntaxError{Offset: i, Reason: "invalid_utf8", Msg: fmt.Sprintf("invalid UTF-8 byte %#02x", b[i])}
		}
		i += n
	}
	return i, nil
}

// escape checks the escape at b[i] and returns the index behind it (behind both halves of a surrogate pair).
func escape(b []byte, i int) (int, error) {
	if i+1 >= len(b) {
		return i, syntax(i, "string is not closed")
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
	default:
		return i, syntax(i, fmt.Sprintf("unknown escape \\%c", b[i+1]))
	}
	r, ok := hex4(b, i+2)
	if !ok {
		return i, syntax(i, "broken \\u escape")
	}
	if !utf16.IsSurrogate(r) {
		return i + 6, nil
	}
	if i+8 <= len(b) && b[i+6] == '\\' && b[i+7] == 'u' {
		if low, ok := hex4(b, i+8); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			return i + 12, nil
		}
	}
	return i, &SyntaxError{Offset: i, Reason: "lone_surrogate", Msg: "lone surrogate in a \\u escape"}
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendUnquoted appends the text that the inside of a checked JSON string (without its quotes) stands for.
func AppendUnquoted(dst, inside []byte) []byte {
	for {
		k := bytes.IndexByte(inside, '\\')
		if k < 0 {
			return append(dst, inside...)
		}
		dst = append(dst, inside[:k]...)
		if c := simple[inside[k+1]]; c != 0 {
			dst = append(dst, c)
			inside = inside[k+2:]
			continue
		}
		r, n := unescape(inside[k:])
		dst = utf8.AppendRune(dst, r)
		inside = inside[k+n:]
	}
}

// AppendText is String for who wants the text: it appends to dst what the string at b[i] stands for, fastest where dst has room for
// all of b behind i. After an error, what is behind dst is of no use.
func AppendText(dst, b []byte, i int) (_ []byte, end int, err error) {
	start := i
	i++
	for {
		var k int
		dst, k = appendPlain(dst, b[i:])
		if i += k; i >= len(b) {
			return dst, i, &SyntaxError{Offset: start, Reason: "syntax", Msg: "string is not closed"}
		}
		if b[i] == '"' {
			return dst, i + 1, nil
		}
		from := i
		if b[i] != '\\' {
			if i, err = rest(b, i); err != nil {
				return dst, i, err
			}
			dst = append(dst, b[from:i]...)
			continue
		}
		if i, err = escape(b, i); err != nil {
			return dst, i, err
		}
		if one := simple[b[from+1]]; one != 0 {
			dst = append(dst, one)
		} else {
			r, _ := unescape(b[from:])
			dst = utf8.AppendRune(dst, r)
		}
	}
}

// simple are the escapes of one letter.
var simple = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/'}

// unescape decodes the checked escape at the start of b.
func unescape(b []byte) (r rune, size int) {
	if b[1] != 'u' {
		return rune(simple[b[1]]), 2
	}
	r, _ = hex4(b, 2)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := hex4(b, 8)
	return utf16.DecodeRune(r, low), 12
}

// RawOffset returns how many bytes of the inside of a checked JSON string stand for the first n bytes of its text.
// Where n falls into an escape, it is the start of that escape.
func RawOffset(inside []byte, n int) int {
	raw := 0
	for n > 0 {
		k := bytes.IndexByte(inside[raw:], '\\')
		if k < 0 || k >= n {
			return raw + n
		}
		raw, n = raw+k, n-k
		r, size := unescape(inside[raw:])
		if w := utf8.RuneLen(r); w <= n {
			raw, n = raw+size, n-w
			continue
		}
		return raw
	}
	return raw
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends s as a JSON string with its quotes. It escapes what JSON demands, and the line separators U+0085,
// U+2028 and U+2029, at which some readers of JSON lines break a record.
func AppendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = AppendInside(dst, s)
	return append(dst, '"')
}

// AppendInside is AppendQuoted without the quotes.
func AppendInside[T string | []byte](dst []byte, s T) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		if i += plainRun(bytesOf(s[i:])); i == len(s) {
			break
		}
		c := s[i]
		var e [6]byte
		n, skip := 2, 1
		switch {
		case c == '"' || c == '\\':
			e[1] = c
		case c == '\n':
			e[1] = 'n'
		case c == '\r':
			e[1] = 'r'
		case c == '\t':
			e[1] = 't'
		case c < 0x20:
			e, n = [6]byte{0, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15]}, 6
		case c == 0xc2 && i+1 < len(s) && s[i+1] == 0x85:
			e, n, skip = [6]byte{0, 'u', '0', '0', '8', '5'}, 6, 2
		case c == 0xe2 && i+2 < len(s) && s[i+1] == 0x80 && s[i+2]&^1 == 0xa8:
			e, n, skip = [6]byte{0, 'u', '2', '0', '2', hexDigits[s[i+2]&15]}, 6, 3
		default:
			for i+1 < len(s) && s[i+1] >= 0x80 && s[i+1] != 0xc2 && s[i+1] != 0xe2 { // what is left of a letter, and letters behind it
				i++
			}
			continue
		}
		e[0] = '\\'
		dst = append(dst, s[from:i]...)
		dst = append(dst, e[:n]...)
		i += skip - 1
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// bytesOf is text as bytes, not to be changed.
func bytesOf[T string | []byte](s T) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&s)), len(s)) // both begin with the pointer to their bytes
}
