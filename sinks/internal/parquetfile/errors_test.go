package parquetfile

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error %v, want one that says %q", err, p)
		}
	}
}

func TestTypesThatParquetLacks(t *testing.T) {
	str := arrow.BinaryTypes.String
	for _, typ := range []arrow.DataType{
		arrow.SparseUnionOf([]arrow.Field{{Name: "x", Type: str}}, []arrow.UnionTypeCode{0}),
		arrow.DenseUnionOf([]arrow.Field{{Name: "x", Type: str}}, []arrow.UnionTypeCode{0}),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, str), arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView,
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: str}, arrow.ListViewOf(str), arrow.LargeListViewOf(str),
		arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		arrow.StructOf(), &arrow.FixedSizeBinaryType{}, &arrow.Decimal128Type{Precision: 5, Scale: -1}, &arrow.Decimal128Type{Precision: 39},
	} {
		_, err := New(io.Discard, arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "b", Type: typ}))}}, nil), Options{})
		wantError(t, err, "column a.element.b: ")
	}
	deep := arrow.PrimitiveTypes.Int8
	for range 200 {
		deep = arrow.ListOf(deep)
	}
	_, err := New(io.Discard, arrow.NewSchema([]arrow.Field{{Name: "a", Type: deep}}, nil), Options{})
	wantError(t, err, "column a.", "deeper")
	_, err = New(io.Discard, arrow.NewSchema(nil, nil), Options{})
	wantError(t, err, "without columns")
}

// oneColumn makes a record of one column.
func oneColumn(nullable bool, a arrow.Array) arrow.Record {
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: a.DataType(), Nullable: nullable}}, nil)
	return array.NewRecord(s, []arrow.Array{a}, int64(a.Len()))
}

// writeOne writes an array as column c, and returns the error.
func writeOne(t *testing.T, mem memory.Allocator, d arrow.ArrayData, nullable bool) error {
	t.Helper()
	w, err := New(io.Discard, arrow.NewSchema([]arrow.Field{{Name: "c", Type: d.DataType(), Nullable: nullable}}, nil), Options{Mem: mem})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Write(newLone(d))
	if cerr := w.Close(); cerr != err {
		t.Errorf("Close gives %v after %v", cerr, err)
	}
	w.Abort()
	return err
}

// data makes an array without checking it.
func data(typ arrow.DataType, n int, children []arrow.ArrayData, buffers ...[]byte) arrow.ArrayData {
	var bs []*memory.Buffer
	for _, b := range buffers {
		if b == nil {
			bs = append(bs, nil)
		} else {
			bs = append(bs, memory.NewBufferBytes(b))
		}
	}
	return array.NewData(typ, n, bs, children, -1, 0)
}

// A lone record has one column, whatever that is.
type lone struct {
	arrow.Record
	column loneArray
}

type loneArray struct {
	arrow.Array
	data arrow.ArrayData
}

func newLone(d arrow.ArrayData) arrow.Record { return lone{column: loneArray{data: d}} }

func (r lone) NumCols() int64                { return 1 }
func (r lone) NumRows() int64                { return int64(r.column.Len()) }
func (r lone) Column(int) arrow.Array        { return r.column }
func (r lone) Schema() *arrow.Schema         { return nil }
func (a loneArray) Data() arrow.ArrayData    { return a.data }
func (a loneArray) DataType() arrow.DataType { return a.data.DataType() }
func (a loneArray) Len() int                 { return a.data.Len() }

// TestBrokenArrays gives arrays whose buffers do not hold what the array says.
func TestBrokenArrays(t *testing.T) {
	mem := checked(t)
	i32, i64 := arrow.Int32Traits.CastToBytes, arrow.Int64Traits.CastToBytes
	text := func(n int, offsets []int32, values string) arrow.ArrayData {
		return data(arrow.BinaryTypes.String, n, nil, nil, i32(offsets), []byte(values))
	}
	small := data(arrow.PrimitiveTypes.Int32, 2, nil, nil, i32([]int32{1, 2}))
	list := func(offsets ...int32) arrow.ArrayData {
		return data(arrow.ListOfField(arrow.Field{Name: "element", Type: small.DataType()}), len(offsets)-1, []arrow.ArrayData{small}, nil, i32(offsets))
	}
	for name, d := range map[string]arrow.ArrayData{
		"few values":       data(arrow.PrimitiveTypes.Int32, 5, nil, nil, i32([]int32{1, 2})),
		"no values":        data(arrow.PrimitiveTypes.Int32, 5, nil, nil, nil),
		"few bits":         data(arrow.FixedWidthTypes.Boolean, 9, nil, nil, []byte{1}),
		"short validity":   data(arrow.PrimitiveTypes.Int32, 9, nil, []byte{1}, i32(make([]int32, 9))),
		"few offsets":      text(2, []int32{0, 1}, "abc"),
		"no offsets":       data(arrow.BinaryTypes.String, 2, nil, nil, nil, []byte("abc")),
		"long text":        text(2, []int32{0, 1, 4}, "abc"),
		"no text":          data(arrow.BinaryTypes.String, 1, nil, nil, i32([]int32{0, 1}), nil),
		"negative offset":  text(2, []int32{-1, 1, 2}, "abc"),
		"falling offsets":  text(3, []int32{0, 2, 1, 3}, "abc"),
		"large offsets":    data(arrow.BinaryTypes.LargeString, 2, nil, nil, i64([]int64{0, math.MinInt64, math.MaxInt64}), []byte("abc")),
		"long list":        list(0, 1, 3),
		"negative list":    list(-1, 1),
		"falling lists":    list(2, 1),
		"few lists":        data(list(0).DataType(), 3, []arrow.ArrayData{small}, nil, i32([]int32{0, 1})),
		"no children":      data(list(0).DataType(), 1, nil, nil, i32([]int32{0, 1})),
		"long fixed lists": data(arrow.FixedSizeListOfField(2, arrow.Field{Name: "element", Type: small.DataType()}), 2, []arrow.ArrayData{small}, nil),
		"short member":     data(arrow.StructOf(arrow.Field{Name: "x", Type: small.DataType()}), 3, []arrow.ArrayData{small}, nil),
		"no member":        data(arrow.StructOf(arrow.Field{Name: "x", Type: small.DataType()}), 1, nil, nil),
	} {
		err := writeOne(t, mem, d, true)
		if err == nil || !strings.HasPrefix(err.Error(), "column c") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesThatParquetLacks(t *testing.T) {
	mem := checked(t)
	i32, i64 := arrow.Int32Traits.CastToBytes, arrow.Int64Traits.CastToBytes
	fw := arrow.FixedWidthTypes
	element := arrow.Field{Name: "element", Type: arrow.PrimitiveTypes.Int32}
	withNull := data(element.Type, 3, nil, []byte{0b101}, i32([]int32{1, 2, 3}))
	for _, c := range []struct {
		d    arrow.ArrayData
		want string
	}{
		{withNull, "column c: a null"},
		{data(arrow.ListOfField(element), 1, []arrow.ArrayData{withNull}, nil, i32([]int32{0, 2})), "column c.element: a null"},
		{data(fw.Date64, 1, nil, nil, i64([]int64{1})), "column c: a date"},
		{data(fw.Timestamp_s, 1, nil, nil, i64([]int64{math.MaxInt64})), "column c: a timestamp"},
		{data(fw.Time32s, 1, nil, nil, i32([]int32{math.MinInt32})), "column c: a time"},
		{data(&arrow.Decimal128Type{Precision: 4}, 1, nil, nil, i64([]int64{0, 1})), "column c: a decimal"},
		{data(arrow.BinaryTypes.LargeString, 1, nil, nil, i64([]int64{0, 1 << 31}), []byte("abc")), "column c: a value of 2147483648 bytes"},
	} {
		wantError(t, writeOne(t, mem, c.d, false), c.want)
	}
	// What stands below a null or outside of a list is not there.
	below := data(arrow.ListOfField(element), 3, []arrow.ArrayData{withNull}, []byte{0b101}, i32([]int32{0, 1, 2, 3}))
	if err := writeOne(t, mem, below, true); err != nil {
		t.Error(err)
	}
	big := chunk{entries: entries{n: 1, live: 1, spans: []span{{0, 1}}}, rows: 1, width: math.MaxInt32, bytes: math.MaxInt32}
	c := &column{pageBytes: 1000, leafInfo: leafInfo{storage: int32s(asIs, 4)}}
	wantError(t, c.append(&big), "2 GiB")
}

func TestRecordsOfOtherSchemas(t *testing.T) {
	mem := checked(t)
	f := &filler{}
	for _, s := range []*arrow.Schema{schemaOf(true, arrow.PrimitiveTypes.Int32), schemaOf(true, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64),
		schemaOf(true, arrow.PrimitiveTypes.Int32, arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int8})))} {
		w, err := New(io.Discard, schemaOf(true, arrow.PrimitiveTypes.Int32, arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Uint8}))), Options{Mem: mem})
		if err != nil {
			t.Fatal(err)
		}
		rec := f.record(mem, s, 0)
		if err := w.Write(rec); err == nil {
			t.Errorf("%s is written", s)
		}
		rec.Release()
		w.Abort()
	}
}

// failing is a file that fails after so many writes.
type failing struct {
	left int
	bytes.Buffer
}

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return f.Buffer.Write(p)
}

// TestWriteErrors fails every write of a file in turn: the error comes out, sticks, and no memory stays behind.
func TestWriteErrors(t *testing.T) {
	mem := checked(t)
	recs := chat(mem, 20, 200<<10)
	defer release(recs)
	for n := 0; ; n++ {
		out := &failing{left: n}
		w, err := New(out, chatSchema, Options{RowGroupBytes: 70_000, Mem: mem})
		if err != nil {
			if n > 0 || !errors.Is(err, errFull) {
				t.Fatal(n, err)
			}
			continue
		}
		for _, r := range recs {
			if err = w.Write(r); err != nil {
				break
			}
		}
		cerr := w.Close()
		if err == nil && cerr == nil {
			if _, rows := readBack(t, out.Bytes()); rows == 0 || n < 10 {
				t.Errorf("%d rows after %d writes", rows, n)
			}
			return
		}
		if !errors.Is(cerr, errFull) {
			t.Fatal(n, err, cerr)
		}
	}
}

func TestAbort(t *testing.T) {
	mem := checked(t)
	recs := chat(mem, 200, 1<<20)
	defer release(recs)
	w, err := New(io.Discard, chatSchema, Options{Mem: mem})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(recs[0]); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if err := w.Write(recs[0]); err == nil {
		t.Error("an aborted file takes rows")
	}
	if err := w.Close(); err == nil {
		t.Error("an aborted file can be closed")
	}
}
