// Package jsonrow turns JSON records into Arrow rows and back.
package jsonrow

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/schemas/jsontext"
)

// An Encoder writes rows of one schema as JSON objects: every column a member, in the order of the schema, nulls too. Numbers
// keep their value (integers all digits, floats the shortest text that reads back the same; NaN and the infinities, for which
// JSON has no number, are "NaN", "Infinity" and "-Infinity"), binary is base64, times are RFC 3339, decimals text. Columns
// that hold JSON text become that JSON, or text where it is none. It is safe for concurrent use.
type Encoder struct {
	keys   [][]byte // `"name": ` of each column
	fields []arrow.Field
}

// NewEncoder makes an Encoder; a column whose type has no JSON form is an error.
func NewEncoder(s *arrow.Schema) (*Encoder, error) {
	e := &Encoder{fields: s.Fields()}
	for _, f := range e.fields {
		e.keys = append(e.keys, append(jsontext.AppendQuoted(nil, f.Name), ": "...))
	}
	return e, nil
}

// Append appends row of rec, without a newline.
func (e *Encoder) Append(dst []byte, rec arrow.Record, row int) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, k := range e.keys {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, k...)
		if dst, err = appendValue(dst, rec.Column(i), &e.fields[i], row); err != nil {
			return dst, fmt.Errorf("column %q: %w", e.fields[i].Name, err)
		}
	}
	return append(dst, '}'), nil
}

// IsJSON says whether a field's strings are JSON text.
func IsJSON(f *arrow.Field) bool {
	name, _ := f.Metadata.GetValue(extensionName)
	return name == jsonExtension
}

const (
	extensionName = "ARROW:extension:name"
	jsonExtension = "arrow.json"
)

func appendValue(dst []byte, a arrow.Array, f *arrow.Field, i int) ([]byte, error) {
	if a.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch a := a.(type) {
	case *array.String:
		return appendText(dst, a.Value(i), f)
	case *array.LargeString:
		return appendText(dst, a.Value(i), f)
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i)), nil
	case *array.Int8:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int16:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10), nil
	case *array.Uint8:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint16:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint32:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint64:
		return strconv.AppendUint(dst, a.Value(i), 10), nil
	case *array.Float16:
		return appendFloat(dst, float64(a.Value(i).Float32()), 32), nil
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(i)), 32), nil
	case *array.Float64:
		return appendFloat(dst, a.Value(i), 64), nil
	case *array.Struct:
		return appendStruct(dst, a, i)
	case *array.Map:
		return appendMap(dst, a, i)
	case array.ListLike:
		return appendList(dst, a, i)
	case array.ExtensionArray:
		return appendValue(dst, a.Storage(), f, i)
	case *array.Null:
		return append(dst, "null"...), nil
	}
	return appendOther(dst, a, i)
}

func appendText(dst []byte, s string, f *arrow.Field) ([]byte, error) {
	if !utf8.ValidString(s) {
		return dst, fmt.Errorf("%.32q is not UTF-8, as JSON must be", s)
	}
	if IsJSON(f) && jsontext.Valid([]byte(s)) == nil {
		n := len(dst)
		dst = append(dst, s...)
		for i, c := range dst[n:] {
			if c == '\n' || c == '\r' { // between tokens; a record is one line
				dst[n+i] = ' '
			}
		}
		return dst, nil
	}
	return jsontext.AppendQuoted(dst, s), nil
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, bits)
	for _, c := range dst[n:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...) // a float stays one when it is read back
}

func appendStruct(dst []byte, a *array.Struct, i int) (_ []byte, err error) {
	dst = append(dst, '{')
	for k, f := range a.DataType().(*arrow.StructType).Fields() {
		if k > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(jsontext.AppendQuoted(dst, f.Name), ": "...)
		if dst, err = appendValue(dst, a.Field(k), &f, i); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, a array.ListLike, i int) (_ []byte, err error) {
	var elem arrow.Field
	switch t := a.DataType().(type) {
	case interface{ ElemField() arrow.Field }:
		elem = t.ElemField()
	}
	from, to := a.ValueOffsets(i)
	dst = append(dst, '[')
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ", "...)
		}
		if dst, err = appendValue(dst, a.ListValues(), &elem, int(k)); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendMap writes a map with text keys as an object, any other as a list of pairs.
func appendMap(dst []byte, a *array.Map, i int) (_ []byte, err error) {
	t := a.DataType().(*arrow.MapType)
	key, item := t.KeyField(), t.ItemField()
	keys, text := a.Keys().(*array.String)
	from, to := a.ValueOffsets(i)
	open, shut := byte('['), byte(']')
	if text && distinct(keys, from, to) {
		open, shut = '{', '}'
	}
	dst = append(dst, open)
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ", "...)
		}
		if open == '{' {
			dst = append(jsontext.AppendQuoted(dst, keys.Value(int(k))), ": "...)
		} else {
			if dst, err = appendValue(append(dst, '['), a.Keys(), &key, int(k)); err != nil {
				return dst, err
			}
			dst = append(dst, ", "...)
		}
		if dst, err = appendValue(dst, a.Items(), &item, int(k)); err != nil {
			return dst, err
		}
		if open == '[' {
			dst = append(dst, ']')
		}
	}
	return append(dst, shut), nil
}

func distinct(keys *array.String, from, to int64) bool {
	seen := make(map[string]bool, to-from)
	for k := from; k < to; k++ {
		v := keys.Value(int(k))
		if seen[v] {
			return false
		}
		seen[v] = true
	}
	return true
}

// appendOther writes the types that JSON has no form of its own for, as text.
func appendOther(dst []byte, a arrow.Array, i int) ([]byte, error) {
	switch a := a.(type) {
	case *array.Binary:
		return appendBase64(dst, a.Value(i)), nil
	case *array.LargeBinary:
		return appendBase64(dst, a.Value(i)), nil
	case *array.FixedSizeBinary:
		return append(append(append(dst, '"'), hex.EncodeToString(a.Value(i))...), '"'), nil
	case *array.Timestamp, *array.Date32, *array.Date64, *array.Time32, *array.Time64, *array.Duration,
		*array.Decimal128, *array.Decimal256, *array.MonthInterval, *array.DayTimeInterval, *array.MonthDayNanoInterval:
		return jsontext.AppendQuoted(dst, a.ValueStr(i)), nil
	}
	return dst, fmt.Errorf("values of type %s have no JSON form", a.DataType())
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
