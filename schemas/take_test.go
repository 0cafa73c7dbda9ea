package schemas

import (
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"
)

// TestTake holds Take against picking values one by one, over arrays of nested types, slices and empty ones too.
func TestTake(t *testing.T) {
	text, large := arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString
	pair := arrow.StructOf(arrow.Field{Name: "a", Type: text, Nullable: true}, arrow.Field{Name: "b", Type: arrow.ListOf(large), Nullable: true})
	types := []arrow.DataType{text, large, pair, arrow.FixedSizeListOf(3, text), arrow.FixedSizeListOf(3, pair), arrow.FixedSizeListOf(3, arrow.FixedSizeListOf(3, large)),
		arrow.LargeListOf(arrow.FixedSizeListOf(3, arrow.FixedWidthTypes.Boolean)), arrow.MapOf(text, arrow.PrimitiveTypes.Uint8)}
	rapid.Check(t, func(t *rapid.T) {
		checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
		mem := dirty{checked}
		b := array.NewBuilder(mem, rapid.SampledFrom(types).Draw(t, "type"))
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			fill(t, b)
		}
		whole := b.NewArray()
		b.Release()
		lo := rapid.IntRange(0, whole.Len()).Draw(t, "lo")
		a := array.NewSlice(whole, int64(lo), int64(rapid.IntRange(lo, whole.Len()).Draw(t, "hi")))
		whole.Release()
		var runs []Run
		var want []any
		for range rapid.IntRange(0, 4).Draw(t, "runs") {
			r := Run{Start: -1, N: rapid.IntRange(1, 3).Draw(t, "nulls")}
			if rapid.Bool().Draw(t, "values") {
				r.Start = rapid.IntRange(0, a.Len()).Draw(t, "start")
				r.N = rapid.IntRange(0, a.Len()-r.Start).Draw(t, "len")
			}
			runs = append(runs, r)
			for i := range r.N {
				if r.Start < 0 {
					want = append(want, nil)
				} else {
					want = append(want, plain(a, r.Start+i))
				}
			}
		}
		d, err := Take(mem, a.Data(), runs)
		if err != nil {
			t.Fatal(err)
		}
		taken := array.MakeFromData(d)
		d.Release()
		var got []any
		for i := range taken.Len() {
			got = append(got, plain(taken, i))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v of %v:\n got %v\nwant %v", runs, a, got, want)
		}
		taken.Release()
		a.Release()
		checked.AssertSize(fatalf{t}, 0)
	})
}
