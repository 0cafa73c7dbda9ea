package jsonrow

import (
	"bytes"
	"errors"
	"fmt"

	"inoculate/schemas/jsontext"
)

// object adds the object at b[i], a row of the members.
func (c *column) object(b []byte, i int) (int, error) {
	if c.stamp++; c.stamp == 0 {
		clear(c.seen)
		c.stamp = 1
	}
	next, seen := 0, 0
	i = jsontext.Space(b, i+1)
	if i < len(b) && b[i] == '}' {
		i++
	} else {
		for {
			var m int
			var err error
			if k := c.keyOf(next); k != nil && bytes.HasPrefix(b[i:], k) { // most stand where the schema has them, and as there
				m, next = next, i+len(k)
			} else if m, next, err = c.key(b, i, next); err != nil {
				return next, err
			}
			if c.seen[m] == c.stamp {
				return i, &jsontext.SyntaxError{Offset: i, Reason: "duplicate_key", Msg: fmt.Sprintf("key %q stands twice", c.names[m])}
			}
			c.seen[m] = c.stamp
			seen++
			if i = jsontext.Space(b, next); i >= len(b) || b[i] != ':' {
				return i, &jsontext.SyntaxError{Offset: i, Reason: "syntax", Msg: "expected ':'"}
			}
			next = m + 1
			i = jsontext.Space(b, i+1)
			if kid := c.kids[m]; kid.kind == kindText && i < len(b) && b[i] == '"' {
				i, err = kid.text(b, i)
			} else {
				i, err = kid.parse(b, i)
			}
			if err != nil {
				return i, c.located(err)
			}
			i = jsontext.Space(b, i)
			if i < len(b) && b[i] == ',' {
				i = jsontext.Space(b, i+1)
				continue
			}
			if i < len(b) && b[i] == '}' {
				i++
				break
			}
			return i, &jsontext.SyntaxError{Offset: i, Reason: "syntax", Msg: "expected ',' or '}'"}
		}
	}
	if seen < len(c.kids) {
		for m := range c.kids {
			if c.seen[m] != c.stamp {
				c.kids[m].null()
			}
		}
	}
	c.value()
	return i, nil
}

// keyOf is a member's key as it stands in text; nil where it may be written in several ways, or there is no such member.
func (c *column) keyOf(m int) []byte {
	if m < len(c.keys) {
		return c.keys[m]
	}
	return nil
}

// key reads the key at b[i], of member m, and returns the index behind it.
func (c *column) key(b []byte, i, next int) (m, end int, err error) {
	if i >= len(b) || b[i] != '"' {
		return -1, i, &jsontext.SyntaxError{Offset: i, Reason: "syntax", Msg: "expected a key"}
	}
	end, escaped, err := jsontext.String(b, i)
	if err != nil {
		return -1, end, err
	}
	key := b[i+1 : end-1]
	if escaped {
		key = jsontext.AppendUnquoted(nil, key)
	}
	if m = c.member(key, next); m < 0 {
		return m, i, c.unknown(b, i, key)
	}
	return m, end, nil
}

// member finds a key: most records have their keys in the order of the schema.
func (c *column) member(key []byte, next int) int {
	if next < len(c.names) && bytes.Equal(c.names[next], key) {
		return next
	}
	for m, n := range c.names {
		if bytes.Equal(n, key) {
			return m
		}
	}
	return -1
}

// unknown is the error for a key that the schema does not have; the record's own faults come first.
func (c *column) unknown(b []byte, i int, key []byte) error {
	if err := jsontext.Valid(b); err != nil {
		return err
	}
	e := &RowError{Reason: "unknown_key", Field: string(key), Offset: i, Msg: "the schema has no such member"}
	return c.located(e)
}

// located puts the struct's own name before the path of an error.
func (c *column) located(err error) error {
	if re, ok := errors.AsType[*RowError](err); ok && c.field.Name != "" {
		re.Field = c.field.Name + "." + re.Field
	}
	return err
}
