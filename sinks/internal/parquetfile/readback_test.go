package parquetfile

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go"
)

// An entry is a value with its levels; "null" where there is none.
type entry struct {
	rep, def int
	value    string
}

// readBack reads every column of a file with parquet-go, which checks the page CRCs, row group by row group.
func readBack(t failer, file []byte) (columns [][]entry, rows int) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	columns = make([][]entry, len(f.RowGroups()))
	for g, group := range f.RowGroups() {
		if g == 0 {
			columns = make([][]entry, len(group.ColumnChunks()))
		}
		rows += int(group.NumRows())
		for i, chunk := range group.ColumnChunks() {
			pages, n := chunk.Pages(), 0
			for {
				p, err := pages.ReadPage()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("row group %d, column %d: %v", g, i, err)
				}
				vs := make([]parquet.Value, p.NumValues())
				if k, err := p.Values().ReadValues(vs); k != len(vs) || err != nil && err != io.EOF {
					t.Fatalf("row group %d, column %d: %d of %d values: %v", g, i, k, len(vs), err)
				}
				if len(vs) > 0 && vs[0].RepetitionLevel() != 0 {
					t.Fatalf("row group %d, column %d: a page begins within a row", g, i)
				}
				for _, v := range vs {
					columns[i] = append(columns[i], entry{v.RepetitionLevel(), v.DefinitionLevel(), valueText(v)})
				}
				n++
				parquet.Release(p)
			}
			if ix, err := chunk.OffsetIndex(); err != nil || ix.NumPages() != n {
				t.Fatalf("row group %d, column %d: an index of other than %d pages: %v", g, i, n, err)
			}
			pages.Close()
		}
	}
	return columns, rows
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Fatalf(format string, args ...any)
}

func valueText(v parquet.Value) string {
	switch {
	case v.IsNull():
		return "null"
	case v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray:
		return `"` + string(v.ByteArray()) + `"` // no null looks like that
	}
	return v.String()
}

// expected is what the columns of records hold, found row by row.
func expected(recs ...arrow.Record) (columns [][]entry) {
	for _, rec := range recs {
		var walkers []*leafWalker
		for i, f := range rec.Schema().Fields() {
			walkers = append(walkers, walkersOf(f, rec.Column(i).DataType(), nil)...)
			for _, w := range walkers {
				if w.column < 0 {
					w.column = i
				}
			}
		}
		if columns == nil {
			columns = make([][]entry, len(walkers))
		}
		for k, w := range walkers {
			for row := range int(rec.NumRows()) {
				w.walk(rec.Column(w.column), row, 0, 0, 0, 0, func(e entry) { columns[k] = append(columns[k], e) })
			}
		}
	}
	return columns
}

// A leafWalker follows the path to one leaf.
type leafWalker struct {
	column int
	steps  []step
}

type step struct {
	nullable bool
	child    int // member of a struct
}

func walkersOf(f arrow.Field, t arrow.DataType, steps []step) (ws []*leafWalker) {
	with := func(child int) []step { return append(slices.Clone(steps), step{f.Nullable, child}) }
	switch t := t.(type) {
	case *arrow.StructType:
		for i, c := range t.Fields() {
			ws = append(ws, walkersOf(c, c.Type, with(i))...)
		}
	case *arrow.MapType:
		ws = append(ws, walkersOf(arrow.Field{}, t.Elem(), with(0))...)
	case interface{ ElemField() arrow.Field }:
		ws = append(ws, walkersOf(t.ElemField(), t.ElemField().Type, with(0))...)
	default:
		return []*leafWalker{{-1, with(0)}}
	}
	return ws
}

func (w *leafWalker) walk(a arrow.Array, i, at, rep, depth, def int, emit func(entry)) {
	s := w.steps[at]
	if s.nullable {
		if a.IsNull(i) {
			emit(entry{rep, def, "null"})
			return
		}
		def++
	}
	switch a := a.(type) {
	case *array.Struct:
		w.walk(a.Field(s.child), i, at+1, rep, depth, def, emit)
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		if from == to {
			emit(entry{rep, def, "null"})
		}
		for k := from; k < to; k++ {
			if k > from {
				rep = depth + 1
			}
			w.walk(a.ListValues(), int(k), at+1, rep, depth+1, def+1, emit)
		}
	default:
		emit(entry{rep, def, cell(a, i)})
	}
}

func cell(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.String:
		return `"` + a.Value(i) + `"`
	case *array.LargeString:
		return `"` + a.Value(i) + `"`
	case *array.FixedSizeBinary:
		return `"` + string(a.Value(i)) + `"`
	case *array.Float64:
		return parquet.DoubleValue(a.Value(i)).String()
	}
	return a.ValueStr(i)
}

func sameColumns(t failer, got, want [][]entry) {
	if len(got) != len(want) {
		t.Fatalf("%d columns instead of %d", len(got), len(want))
	}
	for i := range want {
		for k := range max(len(got[i]), len(want[i])) {
			if k >= len(got[i]) || k >= len(want[i]) || got[i][k] != want[i][k] {
				t.Fatalf("column %d, entry %d: %v instead of %v", i, k, got[i][k:min(k+1, len(got[i]))], want[i][k:min(k+1, len(want[i]))])
			}
		}
	}
}

// TestReadBack reads with parquet-go what was written, so that Go alone tests the package.
func TestReadBack(t *testing.T) {
	mem := checked(t)
	recs := chat(mem, 500, 1<<20)
	defer release(recs)
	for _, o := range []Options{{}, {PageBytes: 1}, {PageBytes: 10_000, RowGroupBytes: 100_000}, {RowGroupBytes: 1}} {
		o.Mem = mem
		file := write(t, chatSchema, o, recs...)
		got, rows := readBack(t, file)
		if want := 500 * len(recs); rows != want {
			t.Errorf("%d rows instead of %d", rows, want)
		}
		sameColumns(t, got, expected(recs...))
	}
}

func TestNoRows(t *testing.T) {
	mem := checked(t)
	f := &filler{}
	rec := f.record(mem, chatSchema, 0)
	defer rec.Release()
	for _, recs := range [][]arrow.Record{nil, {rec}} {
		if _, rows := readBack(t, write(t, chatSchema, Options{Mem: mem}, recs...)); rows != 0 {
			t.Errorf("%d rows", rows)
		}
	}
}
