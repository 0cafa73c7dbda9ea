package parquetfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// drift makes 150,000 rows whose columns have few values at first, and do or do not have many in the end.
func drift(mem memory.Allocator) arrow.Record {
	list := arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.BinaryTypes.String, Nullable: true})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "same", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "texts", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "numbers", Type: arrow.PrimitiveTypes.Int64},
		{Name: "lists", Type: list, Nullable: true},
		{Name: "different", Type: arrow.PrimitiveTypes.Int32},
		{Name: "late", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	same := strings.Repeat("one text, over and over; ", 6)
	lists := b.Field(3).(*array.ListBuilder)
	for i := range 150_000 {
		if i%1000 == 0 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(same)
		}
		text, number, n := fmt.Sprintf("text %d", i%5), int64(i%10), i%3
		if i > 140_000 {
			text = fmt.Sprintf("%0200d", i)
		}
		if i > 20_000 {
			number = int64(i)
		}
		b.Field(1).(*array.StringBuilder).Append(text)
		b.Field(2).(*array.Int64Builder).Append(number)
		if lists.Append(n > 0); i == 149_000 {
			n = 70_000
		}
		for k := range n * n {
			lists.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprint(k % 70_000))
			if k > 140_000 {
				break
			}
		}
		b.Field(4).(*array.Int32Builder).Append(int32(i))
		if i < 149_900 {
			b.Field(5).AppendNull()
		} else {
			b.Field(5).(*array.Float64Builder).Append(float64(i % 3))
		}
	}
	return b.NewRecord()
}

// TestDictionaryIsGivenUp finds a dictionary where it pays off, none where it does not, and both kinds of pages where
// values become different in the middle of a chunk.
func TestDictionaryIsGivenUp(t *testing.T) {
	mem := checked(t)
	rec := drift(mem)
	defer rec.Release()
	file := write(t, rec.Schema(), Options{Mem: mem}, rec)
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]bool{"same": {true, false}, "texts": {true, true}, "numbers": {true, true}, "lists": {true, true}, "different": {false, true}, "late": {true, true}}
	for _, c := range f.Metadata().RowGroups[0].Columns {
		has := [2]bool{}
		for _, s := range c.MetaData.EncodingStats {
			if s.PageType == format.DataPage {
				has[0] = has[0] || s.Encoding == format.RLEDictionary && s.Count > 0
				has[1] = has[1] || s.Encoding == format.Plain && s.Count > 0
			}
		}
		if name := c.MetaData.PathInSchema[0]; has != want[name] || (c.MetaData.DictionaryPageOffset > 0) != has[0] {
			t.Errorf("%s: pages with a dictionary and without: %v, want %v", name, has, want[name])
		}
		if has[0] != slices.Contains(c.MetaData.Encoding, format.RLEDictionary) {
			t.Errorf("%s: %v", c.MetaData.PathInSchema, c.MetaData.Encoding)
		}
		if n := c.MetaData.TotalCompressedSize; c.MetaData.PathInSchema[0] == "same" && n > 4000 {
			t.Errorf("150,000 times the same text in %d bytes", n)
		}
	}
	got, _ := readBack(t, file)
	sameColumns(t, got, expected(rec))
}
