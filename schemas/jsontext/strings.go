package jsontext

import "strconv"

// Strings calls f with every string of the JSON value b: its JSON pointer, and its text, which is valid during the call
// and must not be changed. Keys
// are strings too, with the pointer of their member. The error is that of Valid; f saw nothing then.
func Strings(b []byte, f func(pointer string, text []byte, key bool)) error {
	if err := Valid(b); err != nil {
		return err
	}
	w := &walker{b: b, f: f}
	_, err := w.value(Space(b, 0), nil)
	return err
}

type walker struct {
	b   []byte
	f   func(string, []byte, bool)
	buf []byte
}

// text unquotes the string at b[i:end].
func (w *walker) text(i, end int) []byte {
	w.buf = AppendUnquoted(w.buf[:0], w.b[i+1:end-1])
	return w.buf
}

func (w *walker) value(i int, pointer []byte) (int, error) {
	switch w.b[i] {
	case '"':
		end, escaped, err := String(w.b, i)
		switch {
		case err != nil:
		case escaped:
			w.f(string(pointer), w.text(i, end), false)
		default:
			w.f(string(pointer), w.b[i+1:end-1], false)
		}
		return end, err
	case '{':
		return Object(w.b, i, func(m Member) error {
			key := w.text(m.Key, m.KeyEnd)
			p := appendToken(append(pointer[:len(pointer):len(pointer)], '/'), key)
			w.f(string(p), key, true)
			return w.inside(m.From, p)
		})
	case '[':
		n := 0
		return Array(w.b, i, func(from, _ int) error {
			p := strconv.AppendInt(append(pointer[:len(pointer):len(pointer)], '/'), int64(n), 10)
			n++
			return w.inside(from, p)
		})
	}
	return i, nil
}

func (w *walker) inside(i int, pointer []byte) error {
	if c := w.b[i]; c != '"' && c != '{' && c != '[' {
		return nil
	}
	_, err := w.value(i, pointer)
	return err
}

// appendToken escapes a key as RFC 6901 says.
func appendToken(dst, key []byte) []byte {
	for _, c := range key {
		switch c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
