package parquetfile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"inoculate/pipeline/pipelinetest/require"
)

// TestPyarrowReadsTheSame writes all types, with and without nulls, dictionaries and slices, in pages and row groups of
// several sizes; pyarrow compares the values of each file with those of an Arrow stream, and bounds with what it computes.
func TestPyarrowReadsTheSame(t *testing.T) {
	python := require.Python(t, "pyarrow==26.0.1")
	dir := t.TempDir()
	files := 24
	if testing.Short() {
		files = 3
	}
	for k := range files {
		rng := rand.New(rand.NewPCG(uint64(k), 1))
		nulls := []float64{0.2, 0, 0.9}[k%3]
		f := &filler{Rand: rng, nulls: nulls, few: k/3%2 == 0, many: 5}
		types := append(leafTypes(), nestedTypes(k%4 != 1)...)
		schema := schemaOf(k%4 != 1, types...)
		o := Options{PageBytes: []int64{1, 700, 20_000, 0}[k/6%4], RowGroupBytes: []int64{0, 200_000, 30_000}[k/2%3], Mem: checked(t)}
		rows := []int{800, 200}[k%2]
		rec := f.record(o.Mem, schema, rows)
		part := rec.NewSlice(int64(k%7), int64(rows-k%5))
		rec.Release()
		parts := split(part, 1, 400, 33)
		save(t, filepath.Join(dir, fmt.Sprintf("%02d", k)), schema, o, parts...)
		release(append(parts, part))
	}
	mem := checked(t)
	rec := drift(mem)
	save(t, filepath.Join(dir, "drift"), rec.Schema(), Options{Mem: mem, RowGroupBytes: 4 << 20}, rec)
	rec.Release()
	if out, err := exec.Command(python, "testdata/compare.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// save writes name.parquet and name.arrow.
func save(t *testing.T, name string, schema *arrow.Schema, o Options, recs ...arrow.Record) {
	t.Helper()
	b := write(t, schema, o, recs...)
	if err := os.WriteFile(name+".parquet", b, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name + ".arrow")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := ipc.NewWriter(f, ipc.WithSchema(schema), ipc.WithAllocator(o.Mem))
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// split cuts a record into records of the given lengths, over and over.
func split(rec arrow.Record, lengths ...int64) (recs []arrow.Record) {
	for at, i := int64(0), 0; at < rec.NumRows(); i++ {
		end := min(rec.NumRows(), at+lengths[i%len(lengths)])
		recs = append(recs, rec.NewSlice(at, end))
		at = end
	}
	return recs
}

func release(recs []arrow.Record) {
	for _, r := range recs {
		r.Release()
	}
}

// TestDuckDBReadsTheSame compares values and filters.
func TestDuckDBReadsTheSame(t *testing.T) {
	python := require.Python(t, "pyarrow==26.0.1", "duckdb==2.0.1")
	mem := checked(t)
	recs := chat(mem, 1000, 4<<20)
	name := filepath.Join(t.TempDir(), "chat")
	save(t, name, chatSchema, Options{PageBytes: 50_000, RowGroupBytes: 1 << 20, Mem: mem}, recs...)
	release(recs)
	if out, err := exec.Command(python, "testdata/duck.py", name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
