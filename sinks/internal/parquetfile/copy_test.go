package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"inoculate/pipeline/pipelinetest/require"
)

// joined writes records into one file, each of them, by turns, as they come and through a file of its own that is copied.
func joined(t failer, schema *arrow.Schema, o Options, copied func(part int) bool, recs ...arrow.Record) []byte {
	var b bytes.Buffer
	w, err := New(&b, schema, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	for i, r := range recs {
		if !copied(i) || r.NumRows() == 0 {
			if err := w.Write(r); err != nil {
				t.Fatalf("%v", err)
			}
			continue
		}
		part := writeSplit(t, schema, o, r, 40)
		if n, err := w.Copy(bytes.NewReader(part), int64(len(part))); n != r.NumRows() || err != nil {
			t.Fatalf("part %d: %d of %d rows are copied: %v", i, n, r.NumRows(), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

// TestCopyAnySchema: rows that are copied stand in the file as those that are written, and a file that is only copied is the
// same file.
func TestCopyAnySchema(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		schema, f := drawSchema(t)
		rec := f.record(mem, schema, rapid.IntRange(1, 120).Draw(t, "rows"))
		o := Options{PageBytes: rapid.Int64Range(1, 600).Draw(t, "page"), RowGroupBytes: rapid.Int64Range(1, 60).Draw(t, "group"), Mem: mem}
		parts := split(rec, int64(rapid.IntRange(1, 50).Draw(t, "a")), int64(rapid.IntRange(1, 50).Draw(t, "b")))
		turn := rapid.IntRange(0, 1).Draw(t, "turn")

		got, n := readBack(t, joined(t, schema, o, func(i int) bool { return i%2 == turn }, parts...))
		if n != int(rec.NumRows()) {
			t.Fatalf("%d rows instead of %d", n, rec.NumRows())
		}
		sameColumns(t, got, expected(rec))
		if whole := writeSplit(t, schema, o, rec, 1000); !bytes.Equal(joined(t, schema, o, func(int) bool { return true }, rec), whole) {
			t.Fatalf("a copy is another file")
		}
		release(append(parts, rec))
		if n := mem.CurrentAlloc(); n != 0 {
			t.Fatalf("%d bytes are not given back", n)
		}
	})
}

// TestPyarrowReadsCopies: pyarrow reads files of copied row groups, and finds the bounds that it computes.
func TestPyarrowReadsCopies(t *testing.T) {
	python := require.Python(t, "pyarrow==26.0.1")
	dir, files := t.TempDir(), 4
	if testing.Short() { // the race detector makes each ten times as slow
		files = 2
	}
	for k := range files {
		f := &filler{Rand: rand.New(rand.NewPCG(uint64(k), 7)), nulls: 0.2, few: k%2 == 0, many: 5}
		schema := schemaOf(true, append(leafTypes(), nestedTypes(true)...)...)
		o := Options{PageBytes: 700, RowGroupBytes: 30_000, Mem: checked(t)}
		rec := f.record(o.Mem, schema, 600)
		parts := split(rec, 100, 33)
		name := filepath.Join(dir, fmt.Sprint(k))
		save(t, name, schema, o, parts...)
		if err := os.WriteFile(name+".parquet", joined(t, schema, o, func(i int) bool { return i%3 > 0 }, parts...), 0o644); err != nil {
			t.Fatal(err)
		}
		release(append(parts, rec))
	}
	if out, err := exec.Command(python, "testdata/compare.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestCopyLeaves: what is left to Write, and changes nothing.
func TestCopyLeaves(t *testing.T) {
	mem := checked(t)
	recs := chat(mem, 1000, 1<<20)
	defer release(recs)
	o := Options{RowGroupBytes: 100_000, Mem: mem}
	good := write(t, chatSchema, o, recs...)
	other := arrow.NewSchema(append(slices.Clone(chatSchema.Fields()), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int8, Nullable: true}), nil)
	for name, c := range map[string]struct {
		file   []byte
		schema *arrow.Schema
		o      Options
	}{
		"empty":            {nil, chatSchema, o},
		"magic alone":      {[]byte("PAR1PAR1"), chatSchema, o},
		"cut":              {good[:len(good)-1], chatSchema, o},
		"footer too long":  {append(slices.Clone(good[:len(good)-8]), 0xff, 0xff, 0xff, 0xff, 'P', 'A', 'R', '1'), chatSchema, o},
		"other schema":     {good, other, o},
		"without rows":     {write(t, chatSchema, o), chatSchema, o},
		"small row groups": {good, chatSchema, Options{RowGroupBytes: 100_000 * copyShare * 3, Mem: mem}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := New(&b, c.schema, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := w.Copy(bytes.NewReader(c.file), int64(len(c.file))); n > 0 || err != nil {
				t.Fatalf("%d rows are copied: %v", n, err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if want := write(t, c.schema, c.o); !bytes.Equal(b.Bytes(), want) {
				t.Error("the file is not empty")
			}
		})
	}
}

// torn fails behind some bytes.
type torn struct {
	*bytes.Reader
	behind int64
}

var errTorn = errors.New("torn")

func (f torn) ReadAt(b []byte, at int64) (int, error) {
	if at < f.behind && at+int64(len(b)) > f.behind {
		return 0, errTorn
	}
	return f.Reader.ReadAt(b, at)
}

// TestCopyFails: an error within a copy ends the file.
func TestCopyFails(t *testing.T) {
	mem := checked(t)
	recs := chat(mem, 1000, 1<<20)
	defer release(recs)
	o := Options{RowGroupBytes: 100_000, Mem: mem}
	good := write(t, chatSchema, o, recs...)
	for _, behind := range []int64{1000, int64(len(good)) - 4, int64(len(good)) - 100} {
		w, err := New(&bytes.Buffer{}, chatSchema, o)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.Copy(torn{bytes.NewReader(good), behind}, int64(len(good))); n > 0 || !errors.Is(err, errTorn) {
			t.Errorf("torn at %d: %d rows are copied: %v", behind, n, err)
		}
		if _, err := w.Copy(bytes.NewReader(good), int64(len(good))); !errors.Is(err, errTorn) {
			t.Errorf("it goes on: %v", err)
		}
		if err := w.Close(); !errors.Is(err, errTorn) {
			t.Errorf("it closes: %v", err)
		}
	}
}

// FuzzCopy: whatever a file says, Copy leaves it or copies it, without a panic.
func FuzzCopy(f *testing.F) {
	recs := chat(memory.DefaultAllocator, 20, 1<<14)
	o := Options{RowGroupBytes: 3000}
	var b bytes.Buffer
	w, err := New(&b, chatSchema, o)
	for _, r := range recs {
		err = errors.Join(err, w.Write(r))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		f.Fatal(err)
	}
	good := b.Bytes()
	for at := len(good) - 1; at > 0; at -= 97 {
		f.Add(uint32(at), []byte{0xff})
		f.Add(uint32(at), []byte{0x00, 0x15, 0x7f})
	}
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		file := slices.Clone(good)
		copy(file[int(at)%len(file):], change)
		w, err := New(&bytes.Buffer{}, chatSchema, o)
		if err != nil {
			t.Fatal(err)
		}
		n, err := w.Copy(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("nothing failed but %v", err)
		}
		if bytes.Equal(file, good) && n == 0 {
			t.Fatal("a good file is left")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
