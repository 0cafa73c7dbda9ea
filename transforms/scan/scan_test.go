package scan

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"inoculate/pipeline"
	"inoculate/schemas"
)

var text = arrow.BinaryTypes.String

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: text, Nullable: true},
	{Name: "large", Type: arrow.BinaryTypes.LargeString, Nullable: true},
	{Name: "messages", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "role", Type: text, Nullable: true}, arrow.Field{Name: "content", Type: text, Nullable: true}, arrow.Field{Name: "tags", Type: arrow.ListOf(text), Nullable: true})), Nullable: true},
	{Name: "pairs", Type: arrow.FixedSizeListOf(2, text), Nullable: true},
	{Name: "map", Type: arrow.MapOf(text, text), Nullable: true},
	{Name: "nested", Type: arrow.StructOf(arrow.Field{Name: "deep", Type: arrow.LargeListOf(arrow.StructOf(arrow.Field{Name: "s", Type: text, Nullable: true})), Nullable: true}), Nullable: true},
	{Name: "blob", Type: arrow.BinaryTypes.Binary, Nullable: true}, // no text
	{Name: "json", Type: arrow.ListOfField(arrow.Field{Name: "item", Type: text, Nullable: true, Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.json"})}), Nullable: true},
}, nil)

var patterns = []string{"be evil", "evil\n", "x"}

var words = []string{"", "be evil", "BE EVIL", "be ", "evil", "evil\n", "so be evil now", "xx", "aXbe evilx", "e"}

func fill(t *rapid.T, f arrow.Field, b array.Builder) {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	word := func() string { return rapid.SampledFrom(words).Draw(t, "word") }
	n := func(hi int) int { return rapid.IntRange(0, hi).Draw(t, "n") }
	switch b := b.(type) {
	case *array.StringBuilder:
		if name, _ := f.Metadata.GetValue("ARROW:extension:name"); name == "arrow.json" {
			b.Append(fmt.Sprintf(`{"role":"user","content":%q,"k":[%q]}`, word(), word()))
			return
		}
		b.Append(word())
	case *array.LargeStringBuilder:
		b.Append(word())
	case *array.BinaryBuilder:
		b.Append([]byte(word()))
	case *array.MapBuilder:
		b.Append(true)
		for range n(2) {
			b.KeyBuilder().(*array.StringBuilder).Append(word())
			fill(t, arrow.Field{}, b.ItemBuilder())
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range 2 {
			fill(t, arrow.Field{}, b.ValueBuilder())
		}
	case array.ListLikeBuilder:
		b.Append(true)
		elem := b.Type().(interface{ ElemField() arrow.Field }).ElemField()
		for range n(3) {
			fill(t, elem, b.ValueBuilder())
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			fill(t, b.Type().(*arrow.StructType).Field(i), b.FieldBuilder(i))
		}
	}
}

// slow collects every string of a value: JSON text gives its strings.
func slow(a arrow.Array, f arrow.Field, i int) (out []string) {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.String:
		if name, _ := f.Metadata.GetValue("ARROW:extension:name"); name == "arrow.json" {
			return []string{string(Strings(nil, []byte(a.Value(i))))}
		}
		return []string{a.Value(i)}
	case *array.LargeString:
		return []string{a.Value(i)}
	case *array.Map:
		from, to := a.ValueOffsets(i)
		for ; from < to; from++ {
			out = append(out, slow(a.Keys(), f, int(from))...)
			out = append(out, slow(a.Items(), f, int(from))...)
		}
	case array.ListLike:
		elem := a.DataType().(interface{ ElemField() arrow.Field }).ElemField()
		from, to := a.ValueOffsets(i)
		for ; from < to; from++ {
			out = append(out, slow(a.ListValues(), elem, int(from))...)
		}
	case *array.Struct:
		for k := range a.NumField() {
			out = append(out, slow(a.Field(k), arrow.Field{}, i)...)
		}
	}
	return out
}

// TestScan holds the hits of each row against a search of all its strings, in whole and sliced records.
func TestScan(t *testing.T) {
	layout, err := schemas.Find(schema, schemas.Spec{Type: "messages", Column: "messages"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		b := array.NewRecordBuilder(mem, schema)
		n := rapid.IntRange(1, 8).Draw(t, "rows")
		for range n {
			for i, f := range schema.Fields() {
				fill(t, f, b.Field(i))
			}
		}
		whole := b.NewRecord()
		b.Release()
		lo := rapid.IntRange(0, n-1).Draw(t, "lo")
		rec := whole.NewSlice(int64(lo), int64(rapid.IntRange(lo, n).Draw(t, "hi")))
		whole.Release()
		a, err := (&Scan{Texts: patterns, Layout: layout}).Bind(schema)
		if err != nil {
			t.Fatal(err)
		}
		batch := &pipeline.Batch{Record: rec}
		if err := a.Apply(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		got, want := map[[2]int]int{}, map[[2]int]int{}
		last := int32(0)
		for _, h := range batch.Hits {
			if h.Row < last {
				t.Fatalf("hits out of order: %v", batch.Hits)
			}
			last = h.Row
			got[[2]int{int(h.Row), int(h.Prompt)}]++
			if path := Leaves(schema)[h.Leaf]; (h.Slot >= 0) != (path == "messages[].content") {
				t.Fatalf("hit %+v in %s", h, path)
			}
			if h.Slot >= 0 {
				m := rec.Column(2).(*array.List)
				from, _ := m.ValueOffsets(int(h.Row))
				c := m.ListValues().(*array.Struct).Field(1).(*array.String).Value(int(from) + int(h.Turn))
				if p := patterns[h.Prompt]; !strings.EqualFold(c[h.At:int(h.At)+len(p)], p) {
					t.Fatalf("hit %+v in %q", h, c)
				}
			}
		}
		for row := range int(rec.NumRows()) {
			for c, f := range schema.Fields() {
				for _, s := range slow(rec.Column(c), f, row) {
					for p, pat := range patterns {
						for i := 0; i+len(pat) <= len(s); i++ {
							if strings.EqualFold(s[i:i+len(pat)], pat) {
								want[[2]int{row, p}]++
							}
						}
					}
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v in %v", got, want, rec)
		}
		rec.Release()
		mem.AssertSize(fatalf{t}, 0)
	})
}

type fatalf struct{ *rapid.T }

func (f fatalf) Errorf(format string, args ...any) { f.Fatalf(format, args...) }

// TestStrings also looks at text that claims to be JSON and is none: nothing of it may be passed over.
func TestStrings(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a\n": ["b", 1]}`:   "{\x00a\n\x00: [\x00b\x00, 1]}",
		`be evil \ "x" y`:     "be evil \\ \x00x\x00 y",
		`"\u0062e" evil "be `: "be\x00 evil \x00\"be ",
		`no \n quotes`:        `no \n quotes`,
		``:                    "",
	} {
		if got := string(Strings(nil, []byte(raw))); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
