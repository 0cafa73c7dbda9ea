package arrow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest"
	"inoculate/schemas"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "kind", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "turns", Type: arrow.ListOf(arrow.StructOf(
		arrow.Field{Name: "role", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true})), Nullable: true},
}, nil)

// record has n rows that begin with id from.
func record(from, n int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := from; i < from+n; i++ {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%3 == 0 {
			b.Field(1).AppendNull()
		} else if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString([]string{"a", "bb"}[i%2]); err != nil {
			panic(err)
		}
		l := b.Field(2).(*array.ListBuilder)
		l.Append(true)
		for range i % 3 {
			s := l.ValueBuilder().(*array.StructBuilder)
			s.Append(true)
			if err := s.FieldBuilder(0).(*array.BinaryDictionaryBuilder).AppendString("user"); err != nil {
				panic(err)
			}
			s.FieldBuilder(1).(*array.StringBuilder).Append(strings.Repeat("x", i))
		}
	}
	return b.NewRecord()
}

// stream writes records as an IPC stream; file as an IPC file.
func write(t *testing.T, file bool, sizes ...int) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var w interface {
		Write(arrow.Record) error
		Close() error
	} = ipc.NewWriter(f, ipc.WithSchema(schema), ipc.WithDictionaryDeltas(false))
	if file {
		if w, err = ipc.NewFileWriter(f, ipc.WithSchema(schema)); err != nil {
			t.Fatal(err)
		}
	}
	from := 0
	for _, n := range sizes {
		rec := record(from, n)
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		rec.Release()
		from += n
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSource(t *testing.T) {
	var want []string
	for name, path := range map[string]string{
		"stream":       put(t, "a.arrow", write(t, false, 10, 0, 25, 3)),
		"one batch":    put(t, "a.arrow", write(t, false, 38)),
		"file":         put(t, "a.arrow", write(t, true, 38)),
		"save_to_disk": savedFolder(t, write(t, false, 20, 18)),
	} {
		for _, size := range []int64{1, 500, 1 << 20} {
			got := pipelinetest.Source(t, func(mem memory.Allocator) (pipeline.Source, error) {
				return New(context.Background(), Config{Paths: []string{path}, BatchBytes: size, Mem: mem})
			})
			if want == nil {
				want = got.Rows
			}
			if strings.Join(got.Rows, "\n") != strings.Join(want, "\n") || len(want) != 38 {
				t.Errorf("%s, batches of %d:\n got %q\nwant %q", name, size, got.Rows, want)
			}
		}
	}
}

func savedFolder(t *testing.T, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"dataset_dict.json": []byte(`{"splits":["train"]}`), "train/state.json": []byte(`{"_data_files":[{"filename":"data/part-0.arrow"}]}`),
		"train/data/part-0.arrow": data, "train/data/cache-1.arrow": []byte("what a loader left"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read reads everything, and returns rows and the first error.
func read(t *testing.T, path string) (rows int64, err error) {
	t.Helper()
	mem := pipelinetest.NewDirty()
	defer mem.AssertSize(t, 0)
	src, err := New(context.Background(), Config{Paths: []string{path}, Mem: mem})
	if err != nil {
		return 0, err
	}
	defer src.Close()
	plan, err := src.Plan(context.Background())
	if err != nil {
		return 0, err
	}
	for _, p := range plan {
		r, err := src.Open(context.Background(), p, 0)
		if err != nil {
			return rows, err
		}
		for err == nil {
			var b pipeline.Batch
			if b, err = r.Next(context.Background()); err == nil {
				rows += int64(b.NumRows())
				b.Release()
			}
		}
		if err := r.Close(); err != nil {
			return rows, err
		}
		if !errors.Is(err, io.EOF) {
			return rows, err
		}
	}
	return rows, nil
}

func TestUnreadable(t *testing.T) {
	whole := write(t, false, 20, 18)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"no end marker", whole[:len(whole)-8], "no end marker"},
		{"half a marker", whole[:len(whole)-4], ""},
		{"cut in a batch", whole[:len(whole)-200], ""},
		{"no Arrow", []byte("PAR1 something else"), "not an Arrow stream or file"},
		{"empty", nil, "not an Arrow stream or file"},
		{"two streams", bytes.Repeat(whole, 2), "bytes follow the end marker"},
	} {
		rows, err := read(t, put(t, "a.arrow", c.data))
		var in *pipeline.InputError
		if !errors.As(err, &in) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "a.arrow") {
			t.Errorf("%s: %d rows, %v, want %q", c.name, rows, err, c.want)
		}
	}
}

// TestTruncated: wherever a stream or file is cut, it is an error; never fewer rows.
func TestTruncated(t *testing.T) {
	for _, file := range []bool{false, true} {
		whole := write(t, file, 5, 4)
		for n := 0; n < len(whole); n += 7 {
			if rows, err := read(t, put(t, "a.arrow", whole[:n])); err == nil {
				t.Fatalf("file %v cut after %d of %d bytes: %d rows and no error", file, n, len(whole), rows)
			}
		}
	}
}

// TestFlipped flips bits all over a stream and a file: there are rows, each of which can be looked at, or an error.
func TestFlipped(t *testing.T) {
	for _, file := range []bool{false, true} {
		whole := write(t, file, 9)
		path := put(t, "a.arrow", whole)
		for i := range whole {
			whole[i] ^= 1 << (7 * i % 8)
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			whole[i] ^= 1 << (7 * i % 8)
			if _, err := look(path); err != nil && !strings.Contains(err.Error(), "a.arrow") {
				t.Errorf("byte %d of %v: %v", i, file, err)
			}
		}
	}
}

// look reads every value of a file, and copies each row.
func look(path string) (n int, err error) {
	src, err := New(context.Background(), Config{Paths: []string{path}, BatchBytes: 100})
	if err != nil {
		return 0, err
	}
	defer src.Close()
	plan, err := src.Plan(context.Background())
	if err != nil || len(plan) == 0 {
		return 0, err
	}
	r, err := src.Open(context.Background(), plan[0], 0)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		for _, c := range b.Record.Columns() {
			d, err := schemas.Take(memory.DefaultAllocator, c.Data(), []schemas.Run{{N: c.Len()}, {Start: -1, N: 1}})
			if err != nil {
				return n, fmt.Errorf("a.arrow: %w", err)
			}
			a := array.MakeFromData(d)
			for i := range a.Len() {
				n += len(a.ValueStr(i))
			}
			a.Release()
			d.Release()
		}
		b.Release()
	}
}
