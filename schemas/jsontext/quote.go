package jsontext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

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
