package jsonrow

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// TestWritten reads back what an Encoder wrote, by the schema of what it wrote and without looking at the rows first: values
// of every type, and the JSON of a column that spans lines or is none.
func TestWritten(t *testing.T) {
	text := arrow.BinaryTypes.String
	turn := arrow.StructOf(arrow.Field{Name: "role", Type: arrow.BinaryTypes.LargeString, Nullable: true}, arrow.Field{Name: "tags", Type: arrow.FixedSizeListOf(1, text), Nullable: true})
	fields := []arrow.Field{
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean}, {Name: "i8", Type: arrow.PrimitiveTypes.Int8}, {Name: "u32", Type: arrow.PrimitiveTypes.Uint32}, {Name: "u64", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32}, {Name: "f64", Type: arrow.PrimitiveTypes.Float64}, {Name: "s", Type: text}, {Name: "bin", Type: arrow.BinaryTypes.Binary},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "dec", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}}, {Name: "null", Type: arrow.Null}, JSONField("json"),
		{Name: "turns", Type: arrow.LargeListOf(turn)}, {Name: "map", Type: arrow.MapOf(text, arrow.PrimitiveTypes.Int32)}, {Name: "fixed", Type: arrow.FixedSizeListOf(1, turn)},
	}
	for i := range fields {
		fields[i].Nullable = true
	}
	s := arrow.NewSchema(fields, nil)
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, s)
	for _, row := range []string{
		`{"b":true,"i8":-1,"u32":4000000000,"u64":18446744073709551615,"f32":1,"f64":0.5,"s":"é","bin":"AAE=","ts":"2020-01-01T00:00:00Z","dec":"1.25","json":"{\"a\":\n [1,\r\n2]}","turns":[{"role":"user","tags":["x"]},{"role":null,"tags":null}],"map":[{"key":"k","value":1}],"fixed":[{"role":"r","tags":["y"]}]}`,
		`{"f32":2.5,"json":"no JSON\n\"at all","turns":[]}`, `{}`,
	} {
		if err := b.UnmarshalJSON([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range fields {
		if f, ok := b.Field(i).(*array.Float64Builder); ok {
			f.Append(math.Inf(-1))
		} else {
			b.Field(i).AppendNull()
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	b.Release()
	enc, err := NewEncoder(s)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := NewDecoder(Written(s), mem)
	if err != nil {
		t.Fatal(err)
	}
	dec.AllowSpecials()
	defer dec.Release()
	again, err := NewEncoder(Written(s))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range int(rec.NumRows()) {
		line, err := enc.Append(nil, rec, i)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(string(line), "\n\r") {
			t.Errorf("more than one line: %q", line)
		}
		if err := dec.Append(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, string(line))
	}
	back := dec.Record()
	defer back.Release()
	for i, want := range lines {
		if got, err := again.Append(nil, back, i); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if want := `{"a":  [1,  2]}`; !strings.Contains(lines[0], want) {
		t.Errorf("%s has no %s", lines[0], want)
	}
	if want := `"no JSON\n\"at all"`; !strings.Contains(lines[1], want) {
		t.Errorf("%s has no %s", lines[1], want)
	}
	plain, err := NewDecoder(Written(s), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Release()
	if err := plain.Append([]byte(`{"f64": "NaN"}`)); err == nil {
		t.Error("a text was taken for a number")
	}
}

func TestEncodeRefuses(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.ListOf(arrow.BinaryTypes.String)}, JSONField("j")}, nil)
	for i, field := range []string{`column "a"`, `column "j"`} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		texts := [2]string{"a", "1"}
		texts[i] = "\xff"
		l := b.Field(0).(*array.ListBuilder)
		l.Append(true)
		l.ValueBuilder().(*array.StringBuilder).Append(texts[0])
		b.Field(1).(*array.StringBuilder).Append(texts[1])
		rec := b.NewRecord()
		b.Release()
		enc, err := NewEncoder(s)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := enc.Append(nil, rec, 0); err == nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), "not UTF-8") {
			t.Errorf("%q, %v", line, err)
		}
		rec.Release()
	}
}
