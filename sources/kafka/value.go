package kafka

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas/jsonrow"
	"inoculate/sources/internal/arrowipc"
	"inoculate/sources/kafka/fetch"
)

// registryBytes is the length of a schema registry's framing: a zero, and the number of a schema.
const registryBytes = 5

// registry says whether a value is framed by a schema registry. No JSON begins so.
func registry(value []byte) bool { return len(value) >= registryBytes && value[0] == 0 }

// values says how the value of a record becomes columns.
type values struct {
	schema *arrow.Schema // with the columns that are kept
	own    *arrow.Schema // of the value alone
	keep   []string
}

// newValues splits a schema into the columns of the value and those that are kept, which stand behind them.
func newValues(c *Config, schema *arrow.Schema) (values, error) {
	n := schema.NumFields() - len(c.Keep)
	if n < 0 {
		return values{}, fmt.Errorf("the schema has %d columns, and %d more are to be kept", schema.NumFields(), len(c.Keep))
	}
	for i, k := range c.Keep {
		if want := keptField(k); !schema.Field(n + i).Equal(want) {
			return values{}, fmt.Errorf("column %s of the schema is to be %s", schema.Field(n+i).Name, want)
		}
	}
	v := values{schema: schema, own: schema, keep: c.Keep}
	if len(c.Keep) > 0 {
		v.own = arrow.NewSchema(schema.Fields()[:n], nil)
	}
	if c.Value == ValueText && (n != 1 || v.own.Field(0).Name != "text") {
		return values{}, errors.New("the schema of text is one column, \"text\"")
	}
	return v, nil
}

// rows collects records as rows. It serves one goroutine.
type rows struct {
	value string
	dec   *jsonrow.Decoder     // of JSON
	text  *array.StringBuilder // of text
	recs  []arrow.Record       // of Arrow streams
	mem   memory.Allocator
	kept  kept
	cols  values
}

func newRows(c *Config, v values) (*rows, error) {
	r := &rows{value: c.Value, cols: v, kept: newKept(c.Keep, c.Mem), mem: c.Mem}
	switch c.Value {
	case ValueArrow:
		return r, nil
	case ValueText:
		r.text = array.NewStringBuilder(c.Mem)
		return r, nil
	}
	dec, err := jsonrow.NewDecoder(v.own, c.Mem)
	if err != nil {
		r.kept.release()
		return nil, err
	}
	r.dec = dec
	return r, nil
}

const tombstone = "tombstone" // the reason of null values

// A refusal says why a value is no row.
type refusal struct{ reason, field, detail string }

// append adds the n rows of a record: one, but of Arrow streams. Its line is the part of the value that is JSON.
func (r *rows) append(x *pending, most int64) (line []byte, n int, no *refusal) {
	if line, no = r.one(x, most); no != nil {
		return nil, 0, no
	}
	if r.value != ValueArrow {
		return line, 1, nil
	}
	schema, recs, err := arrowipc.Decode(x.Value, r.mem)
	if err != nil {
		return nil, 0, &refusal{reason: "arrow_stream", detail: err.Error()}
	}
	if !schema.Equal(r.cols.own) {
		no = &refusal{reason: "schema_mismatch", detail: arrowipc.Difference(r.cols.own, schema)}
	}
	for _, rec := range recs {
		n += int(rec.NumRows())
	}
	if n == 0 && no == nil {
		no = &refusal{reason: "no_rows", detail: "the stream has no rows"}
	}
	for _, rec := range recs {
		if no != nil || rec.NumRows() == 0 {
			rec.Release()
			continue
		}
		r.recs = append(r.recs, rec)
		for range rec.NumRows() {
			r.kept.append(x)
		}
	}
	return nil, n, no
}

// one adds a record that is one row; of Arrow streams it looks at what they have in common with others.
func (r *rows) one(x *pending, most int64) (line []byte, no *refusal) {
	value := x.Value
	switch {
	case value == nil:
		return nil, &refusal{reason: tombstone, detail: "the value is null"}
	case len(value) == 0:
		return nil, &refusal{reason: "empty_value", detail: "the value has no bytes"}
	case int64(len(value)) > most:
		return nil, &refusal{reason: "too_large", detail: fmt.Sprintf("the value has %d bytes, over the limit of %d (max_record)", len(value), most)}
	case r.value == ValueText && !utf8.Valid(value):
		return nil, &refusal{reason: "invalid_utf8", detail: "the value is not UTF-8 text"}
	case r.value == ValueJSON && registry(value):
		return nil, &refusal{reason: "registry_framing", detail: "the value begins with the bytes of a schema registry, which value: json-schema cuts off"}
	case r.value == ValueJSONSchema && !registry(value):
		return nil, &refusal{reason: "no_registry_framing", detail: "the value does not begin with the five bytes of a schema registry"}
	case r.value == ValueJSONSchema:
		value = value[registryBytes:]
	}
	if r.value == ValueArrow {
		return nil, nil
	}
	if r.text != nil {
		r.text.BinaryBuilder.Append(value)
		r.kept.append(x)
		return value, nil
	}
	if err := r.dec.Append(value); err != nil {
		no := &refusal{reason: "json_syntax", detail: err.Error()}
		if e, ok := errors.AsType[*jsonrow.RowError](err); ok {
			no.reason, no.field = e.Reason, e.Field
		}
		return nil, no
	}
	r.kept.append(x)
	return value, nil
}

// joined makes one record of those of Arrow streams.
func (r *rows) joined() (arrow.Record, error) {
	recs := r.recs
	r.recs = nil
	if len(recs) == 1 {
		return recs[0], nil
	}
	defer func() {
		for _, rec := range recs {
			rec.Release()
		}
	}()
	rows := int64(0)
	for _, rec := range recs {
		rows += rec.NumRows()
	}
	cols := make([]arrow.Array, r.cols.own.NumFields())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i := range cols {
		parts := make([]arrow.Array, len(recs))
		for k, rec := range recs {
			parts[k] = rec.Column(i)
		}
		var err error
		if cols[i], err = array.Concatenate(parts, r.mem); err != nil {
			return nil, fmt.Errorf("joining column %q: %w", r.cols.own.Field(i).Name, err)
		}
	}
	return array.NewRecord(r.cols.own, cols, rows), nil
}

// record hands the rows over.
func (r *rows) record() (arrow.Record, error) {
	if r.value == ValueArrow {
		own, err := r.joined()
		if err != nil {
			return nil, err
		}
		return r.kept.join(r.cols.schema, own), nil
	}
	return r.built(), nil
}

func (r *rows) built() arrow.Record {
	if r.text != nil {
		col := r.text.NewArray()
		defer col.Release()
		own := array.NewRecord(r.cols.own, []arrow.Array{col}, int64(col.Len()))
		return r.kept.join(r.cols.schema, own)
	}
	return r.kept.join(r.cols.schema, r.dec.Record())
}

func (r *rows) release() {
	if r.dec != nil {
		r.dec.Release()
	}
	if r.text != nil {
		r.text.Release()
	}
	for _, rec := range r.recs {
		rec.Release()
	}
	r.recs = nil
	r.kept.release()
}

// pending is a record with where it comes from.
type pending struct {
	fetch.Record
	topic     string
	partition int32
}
