// Package jsontext scans JSON text strictly: it validates, locates and quotes, and never builds a tree.
//
// It refuses what lenient parsers let pass and what would make two readers of one record see different things: duplicate
// keys, invalid UTF-8, lone surrogates, text after the value, nesting beyond MaxDepth.
package jsontext

import (
	"fmt"
)

// MaxDepth is the number of arrays and objects that may be open at once.
const MaxDepth = 256

// A SyntaxError says where text stops being JSON.
type SyntaxError struct {
	Offset int    // bytes from the start of the text
	Reason string // short and stable: "syntax", "duplicate_key", "invalid_utf8", "lone_surrogate", "trailing_bytes", "too_deep"
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

func syntax(at int, msg string) error { return &SyntaxError{Offset: at, Reason: "syntax", Msg: msg} }

func unexpected(b []byte, i int, want string) error {
	if i >= len(b) {
		return syntax(i, "unexpected end of JSON, want "+want)
	}
	return syntax(i, fmt.Sprintf("unexpected %q, want %s", b[i], want))
}

// Space returns the index of the first byte at or after i that is not white space.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// Valid checks that b is one JSON value and nothing else but white space.
func Valid(b []byte) error {
	i, err := Value(b, 0)
	if err != nil {
		return err
	}
	if i = Space(b, i); i < len(b) {
		return &SyntaxError{Offset: i, Reason: "trailing_bytes", Msg: fmt.Sprintf("%q after the JSON value", b[i])}
	}
	return nil
}

// Value checks the value at or after i and returns the index behind it.
func Value(b []byte, i int) (int, error) { return value(b, i, 0) }

func value(b []byte, i, depth int) (int, error) {
	i = Space(b, i)
	if i >= len(b) {
		return i, unexpected(b, i, "a value")
	}
	switch c := b[i]; {
	case c == '"':
		end, _, err := String(b, i)
		return end, err
	case c == '{':
		return object(b, i, depth, nil)
	case c == '[':
		return array(b, i, depth, nil)
	case c == '-' || c >= '0' && c <= '9':
		return number(b, i)
	}
	return word(b, i)
}

func word(b []byte, i int) (int, error) {
	w := "null"
	switch b[i] {
	case 't':
		w = "true"
	case 'f':
		w = "false"
	}
	if len(b)-i >= len(w) && string(b[i:i+len(w)]) == w {
		return i + len(w), nil
	}
	return i, unexpected(b, i, "a value")
}

func number(b []byte, i int) (int, error) {
	if b[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return i, unexpected(b, i, "a digit")
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return i, unexpected(b, i, "a digit")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, unexpected(b, i, "a digit")
		}
	}
	return i, nil
}

// A Member is one member of an object: the quoted key b[Key:KeyEnd] and its value b[From:To].
type Member struct{ Key, KeyEnd, From, To int }

// Object checks the object that starts at b[i] and calls f for each member, in order, before the rest is checked.
// It returns the index behind it.
func Object(b []byte, i int, f func(Member) error) (int, error) {
	if i = Space(b, i); i >= len(b) || b[i] != '{' {
		return i, unexpected(b, i, "an object")
	}
	return object(b, i, 0, f)
}

// Array checks the array that starts at b[i] and calls f with the bounds of each element.
func Array(b []byte, i int, f func(from, to int) error) (int, error) {
	if i = Space(b, i); i >= len(b) || b[i] != '[' {
		return i, unexpected(b, i, "an array")
	}
	return array(b, i, 0, f)
}

// Find looks for a member of the object at or after b[i], by its unescaped key, and goes no further than to the start of its
// value, which is from. Without one, from is -1 and end the index behind the object.
func Find(b []byte, i int, key string) (from, end int, err error) {
	if i = Space(b, i); i >= len(b) || b[i] != '{' {
		return -1, i, unexpected(b, i, "an object")
	}
	if i = Space(b, i+1); i < len(b) && b[i] == '}' {
		return -1, i + 1, nil
	}
	for {
		if i = Space(b, i); i >= len(b) || b[i] != '"' {
			return -1, i, unexpected(b, i, "a key")
		}
		shut, escaped, err := String(b, i)
		if err != nil {
			return -1, shut, err
		}
		k := b[i+1 : shut-1]
		found := string(k) == key || escaped && string(AppendUnquoted(nil, k)) == key
		if i = Space(b, shut); i >= len(b) || b[i] != ':' {
			return -1, i, unexpected(b, i, "':'")
		}
		if i = Space(b, i+1); found {
			return i, i, nil
		}
		if i, err = value(b, i, 1); err != nil {
			return -1, i, err
		}
		if i = Space(b, i); i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == '}' {
			return -1, i + 1, nil
		}
		return -1, i, unexpected(b, i, "',' or '}'")
	}
}

// Elements appends to dst the index of each element of the array at b[i], n of them at most.
func Elements(b []byte, i, n int, dst []int) ([]int, error) {
	if i = Space(b, i); i >= len(b) || b[i] != '[' {
		return dst, unexpected(b, i, "an array")
	}
	if i = Space(b, i+1); i < len(b) && b[i] == ']' {
		return dst, nil
	}
	for {
		i = Space(b, i)
		dst = append(dst, i)
		if n--; n == 0 {
			return dst, nil
		}
		end, err := value(b, i, 1)
		if err != nil {
			return dst, err
		}
		if i = Space(b, end); i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == ']' {
			return dst, nil
		}
		return dst, unexpected(b, i, "',' or ']'")
	}
}

func object(b []byte, i, depth int, f func(Member) error) (int, error) {
	if depth >= MaxDepth {
		return i, &SyntaxError{Offset: i, Reason: "too_deep", Msg: "nested too deep"}
	}
	var keys keySet
	if i = Space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		if i = Space(b, i); i >= len(b) || b[i] != '"' {
			return i, unexpected(b, i, "a key")
		}
		m := Member{Key: i}
		var escaped bool
		var err error
		if m.KeyEnd, escaped, err = String(b, i); err != nil {
			return m.KeyEnd, err
		}
		key := b[i+1 : m.KeyEnd-1]
		if escaped {
			key = AppendUnquoted(nil, key)
		}
		if !keys.add(key) {
			return i, &SyntaxError{Offset: i, Reason: "duplicate_key", Msg: fmt.Sprintf("key %q stands twice", key)}
		}
		if i = Space(b, m.KeyEnd); i >= len(b) || b[i] != ':' {
			return i, unexpected(b, i, "':'")
		}
		m.From = Space(b, i+1)
		if m.To, err = value(b, m.From, depth+1); err != nil {
			return m.To, err
		}
		if f != nil {
			if err := f(m); err != nil {
				return m.From, err
			}
		}
		if i = Space(b, m.To); i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == '}' {
			return i + 1, nil
		}
		return i, unexpected(b, i, "',' or '}'")
	}
}

func array(b []byte, i, depth int, f func(from, to int) error) (int, error) {
	if depth >= MaxDepth {
		return i, &SyntaxError{Offset: i, Reason: "too_deep", Msg: "nested too deep"}
	}
	if i = Space(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		from := Space(b, i)
		to, err := value(b, from, depth+1)
		if err != nil {
			return to, err
		}
		if f != nil {
			if err := f(from, to); err != nil {
				return from, err
			}
		}
		if i = Space(b, to); i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == ']' {
			return i + 1, nil
		}
		return i, unexpected(b, i, "',' or ']'")
	}
}

// keySet notices a key that comes again: by comparison while there are few, by a map beyond.
type keySet struct {
	few  [12][]byte
	n    int
	many map[string]struct{}
}

func (s *keySet) add(key []byte) bool {
	if s.many == nil && s.n < len(s.few) {
		for _, k := range s.few[:s.n] {
			if string(k) == string(key) {
				return false
			}
		}
		s.few[s.n] = key
		s.n++
		return true
	}
	if s.many == nil {
		s.many = make(map[string]struct{}, 2*len(s.few))
		for _, k := range s.few {
			s.many[string(k)] = struct{}{}
		}
	}
	if _, dup := s.many[string(key)]; dup {
		return false
	}
	s.many[string(key)] = struct{}{}
	return true
}
