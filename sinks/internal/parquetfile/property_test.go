package parquetfile

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"
)

// drawType draws a type of at most depth levels.
func drawType(t *rapid.T, depth int) arrow.DataType {
	p := arrow.PrimitiveTypes
	leaves := []arrow.DataType{p.Int32, p.Int64, p.Int8, p.Uint16, arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String,
		arrow.BinaryTypes.LargeString, p.Float64, &arrow.FixedSizeBinaryType{ByteWidth: 3}}
	if depth == 0 {
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	field := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: drawType(t, depth-1), Nullable: rapid.Bool().Draw(t, "nullable")}
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return arrow.ListOfField(field("element"))
	case 1:
		return arrow.StructOf(field("a"), field("b"))
	case 2:
		return arrow.FixedSizeListOfField(int32(rapid.IntRange(1, 3).Draw(t, "length")), field("element"))
	case 3:
		return arrow.LargeListOfField(field("element"))
	case 4:
		m := arrow.MapOf(arrow.BinaryTypes.String, drawType(t, depth-1))
		m.SetItemNullable(rapid.Bool().Draw(t, "nullable"))
		return m
	}
	return drawType(t, 0)
}

// drawSchema draws a schema, and how its rows are filled.
func drawSchema(t *rapid.T) (*arrow.Schema, *filler) {
	var fields []arrow.Field
	for range rapid.IntRange(1, 3).Draw(t, "columns") {
		fields = append(fields, arrow.Field{Name: "c", Type: drawType(t, rapid.IntRange(0, 3).Draw(t, "depth")), Nullable: rapid.Bool().Draw(t, "nullable")})
	}
	return arrow.NewSchema(fields, nil), &filler{Rand: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)),
		nulls: rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "nulls"), few: rapid.Bool().Draw(t, "few"), many: rapid.IntRange(1, 6).Draw(t, "many")}
}

// TestAnySchema writes records of any nested schema, cut from longer ones, in any pages, row groups and records: the file
// has the levels and values that a walk over the rows finds, and the same bytes however the rows come.
func TestAnySchema(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		schema, f := drawSchema(t)
		rows := rapid.IntRange(1, 120).Draw(t, "rows")
		from := rapid.IntRange(0, rows).Draw(t, "from")
		all := f.record(mem, schema, rows)
		rec := all.NewSlice(int64(from), int64(rapid.IntRange(from, rows).Draw(t, "to")))
		o := Options{PageBytes: rapid.Int64Range(1, 600).Draw(t, "page"), RowGroupBytes: rapid.Int64Range(1, 10_000).Draw(t, "group"), Mem: mem}

		file := writeSplit(t, schema, o, rec, int64(rapid.IntRange(1, 50).Draw(t, "a")), int64(rapid.IntRange(1, 50).Draw(t, "b")))
		if whole := writeSplit(t, schema, o, rec, 1000); !bytes.Equal(file, whole) {
			t.Fatalf("the file depends on the records that bring the rows")
		}
		if rec.NumRows() > 0 {
			got, n := readBack(t, file)
			if n != int(rec.NumRows()) {
				t.Fatalf("%d rows instead of %d", n, rec.NumRows())
			}
			sameColumns(t, got, expected(rec))
		}
		rec.Release()
		all.Release()
		if n := mem.CurrentAlloc(); n != 0 {
			t.Fatalf("%d bytes are not given back", n)
		}
	})
}

func writeSplit(t failer, schema *arrow.Schema, o Options, rec arrow.Record, lengths ...int64) []byte {
	var b bytes.Buffer
	w, err := New(&b, schema, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	recs := split(rec, lengths...)
	defer release(recs)
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

// TestBytesDependOnRowsAlone does the same with all types and with dictionaries that are given up.
func TestBytesDependOnRowsAlone(t *testing.T) {
	mem := checked(t)
	drifting := drift(mem)
	defer drifting.Release()
	many := (&filler{Rand: rand.New(rand.NewPCG(5, 5)), nulls: 0.1, few: true, many: 6}).record(mem, schemaOf(true, append(leafTypes(), nestedTypes(true)...)...), 3000)
	defer many.Release()
	for _, c := range []struct {
		rec arrow.Record
		o   Options
	}{
		{drifting, Options{}}, {drifting, Options{PageBytes: 5000}}, {drifting, Options{RowGroupBytes: 3_000_000}},
		{many, Options{}}, {many, Options{PageBytes: 3000, RowGroupBytes: 700_000}},
	} {
		c.o.Mem = mem
		want := writeSplit(t, c.rec.Schema(), c.o, c.rec, c.rec.NumRows())
		splits := [][]int64{{1, 2000, 7}, {1000}, {1024, 1023}, {513, 40_000}}
		if testing.Short() { // the race detector makes each ten times as slow
			splits = splits[:1]
		}
		for _, lengths := range splits {
			if !bytes.Equal(writeSplit(t, c.rec.Schema(), c.o, c.rec, lengths...), want) {
				t.Errorf("%d columns, %+v: records of %d rows change the file", c.rec.NumCols(), c.o, lengths)
			}
		}
	}
}
