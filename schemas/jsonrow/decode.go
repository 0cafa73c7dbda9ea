package jsonrow

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas/jsontext"
)

// A RowError says why a record does not fit the schema, or is no strict JSON.
type RowError struct {
	Reason string // that of a jsontext.SyntaxError, or "not_an_object", "unknown_key", "type_mismatch", "number_range", "too_large"
	Field  string // path of the member, where known
	Offset int    // bytes from the start of the record
	Msg    string
}

func (e *RowError) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s at byte %d", e.Field, e.Msg, e.Offset)
	}
	return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset)
}

// A Decoder collects JSON records as rows of one schema: exactly as they are, or not at all. A member that is missing is
// null; one that the schema does not have, a value of another kind, and a number that would change are errors. It serves
// one goroutine.
type Decoder struct {
	schema *arrow.Schema
	root   *column
}

// AllowSpecials makes columns of doubles take the texts that an Encoder writes for NaN and the infinities.
func (d *Decoder) AllowSpecials() { d.root.allowSpecials() }

func (c *column) allowSpecials() {
	c.specials = true
	for _, k := range c.kids {
		k.allowSpecials()
	}
}

// NewDecoder makes a Decoder for a schema of the types that Inference makes. Its memory comes from mem.
func NewDecoder(s *arrow.Schema, mem memory.Allocator) (*Decoder, error) {
	for _, f := range s.Fields() {
		if err := decodable(f); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	root := &column{kind: kindStruct, mem: mem}
	root.members(s.Fields())
	return &Decoder{schema: s, root: root}, nil
}

func decodable(f arrow.Field) error {
	switch t := f.Type.(type) {
	case *arrow.BooleanType, *arrow.Int64Type, *arrow.Float64Type, *arrow.StringType:
		return nil
	case *arrow.ListType:
		return decodable(t.ElemField())
	case *arrow.StructType:
		for _, m := range t.Fields() {
			if err := decodable(m); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("JSON records do not become %s", f.Type)
}

// Append adds one record. After an error, a *RowError, the rows are those from before.
func (d *Decoder) Append(record []byte) error {
	rows := d.root.n
	i := jsontext.Space(record, 0)
	var err error
	switch {
	case i >= len(record) || record[i] != '{':
		if err = jsontext.Valid(record); err == nil {
			err = &RowError{Reason: "not_an_object", Offset: i, Msg: "the record is no object"}
		}
	default:
		if i, err = d.root.object(record, i); err == nil {
			if i = jsontext.Space(record, i); i < len(record) {
				err = &jsontext.SyntaxError{Offset: i, Reason: "trailing_bytes", Msg: fmt.Sprintf("%q after the record", record[i])}
			}
		}
	}
	if err == nil {
		return nil
	}
	d.root.truncate(rows)
	if se, ok := errors.AsType[*jsontext.SyntaxError](err); ok {
		reason := se.Reason
		if reason == "syntax" {
			reason = "json_syntax"
		}
		return &RowError{Reason: reason, Offset: se.Offset, Msg: se.Msg}
	}
	return err
}

// Rows returns the number of rows collected.
func (d *Decoder) Rows() int { return d.root.n }

// Record hands the rows over as a record, which the caller releases, and goes on without any.
func (d *Decoder) Record() arrow.Record {
	n := d.root.n
	cols := make([]arrow.Array, len(d.root.kids))
	for i, k := range d.root.kids {
		data := k.take()
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	d.root.truncate(0)
	d.root.n, d.root.nulls = 0, 0
	rec := array.NewRecord(d.schema, cols, int64(n))
	for _, c := range cols {
		c.Release()
	}
	return rec
}

// Release gives the memory of rows not handed over back.
func (d *Decoder) Release() { d.root.free() }

func mismatch(c *column, i int, b []byte, want string) error {
	got := "nothing"
	if i < len(b) {
		switch b[i] {
		case '"':
			got = "text"
		case '{':
			got = "an object"
		case '[':
			got = "a list"
		case 't', 'f':
			got = "a truth value"
		case 'n':
			got = "null"
		default:
			got = "a number"
		}
	}
	return &RowError{Reason: "type_mismatch", Field: c.field.Name, Offset: i, Msg: fmt.Sprintf("the schema has %s here, the record %s", want, got)}
}

// parse adds the value at b[i] and returns the index behind it.
func (c *column) parse(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == 'n' {
		end, err := jsontext.Value(b, i)
		if err == nil {
			c.null()
		}
		return end, err
	}
	switch c.kind {
	case kindText:
		return c.text(b, i)
	case kindStruct:
		if i >= len(b) || b[i] != '{' {
			return c.other(b, i, "an object")
		}
		return c.object(b, i)
	case kindList:
		return c.list(b, i)
	case kindJSON:
		end, err := jsontext.Value(b, i)
		if err != nil {
			return end, err
		}
		if c.full(end - i) {
			return i, tooLarge(c, i)
		}
		c.appendText(b[i:end])
		c.end(len(c.data))
		c.value()
		return end, nil
	case kindBool:
		end, err := jsontext.Value(b, i)
		if err != nil {
			return end, err
		}
		if b[i] != 't' && b[i] != 'f' {
			return i, mismatch(c, i, b, "a truth value")
		}
		c.appendBool(b[i] == 't')
		return end, nil
	}
	return c.number(b, i)
}

// other is what a value of another kind than the schema's gives: its own syntax error first.
func (c *column) other(b []byte, i int, want string) (int, error) {
	if end, err := jsontext.Value(b, i); err != nil {
		return end, err
	}
	return i, mismatch(c, i, b, want)
}

func tooLarge(c *column, i int) error {
	return &RowError{Reason: "too_large", Field: c.field.Name, Offset: i, Msg: "the batch would hold more than 2 GiB of this text"}
}

// shortRecord is how much a record may hold behind a text, in bytes, that room for all of it is made before the text is read.
const shortRecord = 16 << 10

func (c *column) text(b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '"' {
		return c.other(b, i, "text")
	}
	if most := len(b) - i; most <= shortRecord && !c.full(most) { // room for the text whatever it is
		c.room(most)
		data, end, err := jsontext.AppendText(c.data, b, i)
		if err != nil {
			return end, err
		}
		c.data = data
		if n := len(c.offs); n > 0 && n+4 <= cap(c.offs) && c.valid == nil { // end and value, where nothing is in the way
			c.offs = c.offs[:n+4]
			*(*int32)(unsafe.Pointer(&c.offs[n])) = int32(len(data))
			c.n++
			return end, nil
		}
		c.end(len(c.data))
		c.value()
		return end, nil
	}
	end, escaped, err := jsontext.String(b, i)
	if err != nil {
		return end, err
	}
	inside := b[i+1 : end-1]
	if c.full(len(inside)) {
		return i, tooLarge(c, i)
	}
	if escaped {
		c.room(len(inside))
		c.data = jsontext.AppendUnquoted(c.data, inside)
	} else {
		c.appendText(inside)
	}
	c.end(len(c.data))
	c.value()
	return end, nil
}

func (c *column) list(b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '[' {
		return c.other(b, i, "a list")
	}
	elem := c.kids[0]
	i = jsontext.Space(b, i+1)
	if i < len(b) && b[i] == ']' {
		c.end(elem.n)
		c.value()
		return i + 1, nil
	}
	for k := 0; ; k++ {
		end, err := elem.parse(b, i)
		if err != nil {
			if re, ok := errors.AsType[*RowError](err); ok {
				re.Field = fmt.Sprintf("%s[%d]%s", c.field.Name, k, below(re.Field, elem.field.Name))
			}
			return end, err
		}
		i = jsontext.Space(b, end)
		if i < len(b) && b[i] == ',' {
			i = jsontext.Space(b, i+1)
			continue
		}
		if i < len(b) && b[i] == ']' {
			c.end(elem.n)
			c.value()
			return i + 1, nil
		}
		return i, &jsontext.SyntaxError{Offset: i, Reason: "syntax", Msg: "expected ',' or ']'"}
	}
}

// below is a path without the name of the list element that it starts with.
func below(path, elem string) string {
	if rest, ok := cutPrefix(path, elem); ok {
		return rest
	}
	return "." + path
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// specials are the doubles that JSON has no number for, as an Encoder writes them.
var specials = map[string]float64{`"NaN"`: math.NaN(), `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1)}

func (c *column) number(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '"' && c.specials && c.kind == kindFloat {
		for text, v := range specials {
			if bytes.HasPrefix(b[i:], []byte(text)) {
				c.append8(math.Float64bits(v))
				c.value()
				return i + len(text), nil
			}
		}
	}
	if i >= len(b) || b[i] != '-' && (b[i] < '0' || b[i] > '9') {
		return c.other(b, i, "a number")
	}
	end, err := jsontext.Value(b, i)
	if err != nil {
		return end, err
	}
	if c.kind == kindFloat {
		if v, ok := short(b[i:end]); ok {
			c.append8(math.Float64bits(v))
			c.value()
			return end, nil
		}
	}
	token := unsafe.String(&b[i], end-i)
	whole := !bytes.ContainsAny(b[i:end], ".eE")
	if c.kind == kindInt {
		if !whole {
			return i, mismatch(c, i, b, "a whole number")
		}
		v, err := strconv.ParseInt(token, 10, 64)
		if err != nil {
			return i, &RowError{Reason: "number_range", Field: c.field.Name, Offset: i, Msg: "the number does not fit 64 bits"}
		}
		c.append8(uint64(v))
		c.value()
		return end, nil
	}
	v, err := strconv.ParseFloat(token, 64)
	if err != nil || whole && math.Abs(v) >= maxExact {
		return i, &RowError{Reason: "number_range", Field: c.field.Name, Offset: i, Msg: "the number would not keep its value as a double"}
	}
	c.append8(math.Float64bits(v))
	c.value()
	return end, nil
}

// tens are the powers of ten that are doubles.
var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// short is the value of a number of JSON that has 15 digits at most and no exponent: the digits and the power of ten are doubles
// then, and the quotient of two doubles is the one nearest to it.
func short(b []byte) (float64, bool) {
	minus := b[0] == '-'
	if minus {
		b = b[1:]
	}
	if len(b) > 16 {
		return 0, false
	}
	digits, behind := uint64(0), 0
	for k, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits = 10*digits + uint64(c-'0')
		case c == '.':
			behind = len(b) - k - 1
		default:
			return 0, false
		}
	}
	if len(b) == 16 && behind == 0 {
		return 0, false
	}
	v := float64(digits) / tens[behind]
	if minus {
		v = -v
	}
	return v, true
}
