package jsonl

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest"
)

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gz(t *testing.T, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id": %d,  "text": "%s"}`+"\n", i, strings.Repeat("x", i%37))
		if i%10 == 3 {
			b.WriteString("  \r\n\n")
		}
	}
	return b.String()
}

func TestSource(t *testing.T) {
	zw, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := lines(200)
	var want []string
	for name, path := range map[string]string{
		"plain": write(t, "a.jsonl", []byte(text)),
		"gz":    write(t, "a.jsonl.gz", gz(t, text)),
		"zst":   write(t, "a.jsonl.zst", zw.EncodeAll([]byte(text), nil)),
		"crlf":  write(t, "a.jsonl", []byte(strings.ReplaceAll(text, "\n", "\r\n"))),
		"bom":   write(t, "a.jsonl", []byte("\xef\xbb\xbf"+strings.TrimSuffix(text, "\n"))),
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int64{64, 1000, 1 << 20} {
				got := pipelinetest.Source(t, func(mem memory.Allocator) (pipeline.Source, error) {
					return New(context.Background(), Config{Paths: []string{path}, BatchBytes: size, PartitionBytes: 3 * size, Mem: mem})
				})
				var rows []string
				for _, r := range got.Rows {
					_, row, _ := strings.Cut(r, " ")
					rows = append(rows, strings.TrimSuffix(row, "\r"))
				}
				if len(got.Rejects) > 0 || len(rows) != 200 {
					t.Fatalf("%d rows, rejects %v", len(rows), got.Rejects)
				}
				if want == nil {
					want = rows
				}
				for i := range rows {
					if rows[i] != want[i] {
						t.Fatalf("row %d: %s, want %s", i, rows[i], want[i])
					}
				}
			}
		})
	}
}

func TestRejects(t *testing.T) {
	path := write(t, "a.jsonl", []byte(`{"id": 1}
not json
{"id": 2, "id": 3}
{"id": "x"}
{"id": 4}
{"id": 5, "new": 1}
{"id": 6`))
	got := pipelinetest.Source(t, func(mem memory.Allocator) (pipeline.Source, error) {
		return New(context.Background(), Config{Paths: []string{path}, Sample: 1, Mem: mem})
	})
	want := []string{
		`p00000:10 json_syntax  "not json"`, `p00000:19 duplicate_key  "{\"id\": 2, \"id\": 3}"`, `p00000:38 type_mismatch id "{\"id\": \"x\"}"`,
		`p00000:60 unknown_key new "{\"id\": 5, \"new\": 1}"`, `p00000:80 json_syntax  "{\"id\": 6"`,
	}
	if strings.Join(got.Rejects, "\n") != strings.Join(want, "\n") || len(got.Rows) != 2 {
		t.Errorf("%d rows, rejects\n%s\nwant\n%s", len(got.Rows), strings.Join(got.Rejects, "\n"), strings.Join(want, "\n"))
	}
}

// read reads everything, and returns the first error.
func read(cfg Config) error {
	src, err := New(context.Background(), cfg)
	if err != nil {
		return err
	}
	defer src.Close()
	plan, err := src.Plan(context.Background())
	if err != nil {
		return err
	}
	for _, p := range plan {
		r, err := src.Open(context.Background(), p, p.First)
		if err != nil {
			return err
		}
		for err == nil {
			var b pipeline.Batch
			if b, err = r.Next(context.Background()); err == nil {
				b.Release()
			}
		}
		if err := r.Close(); err != nil {
			return err
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

func TestUnreadable(t *testing.T) {
	whole := gz(t, lines(5000))
	for _, c := range []struct{ name, path, want string }{
		{"none", filepath.Join(t.TempDir(), "no.jsonl"), "no file matches"},
		{"truncated gzip", write(t, "a.jsonl.gz", whole[:len(whole)/2]), "unexpected EOF"},
		{"long line", write(t, "a.jsonl", []byte(`{"a":"`+strings.Repeat("x", 5000)+`"}`)), "longer than 4000 bytes (source: {max_record"},
		{"long line among others", write(t, "a.jsonl", []byte(lines(50)+`{"id":"`+strings.Repeat("x", 5000)+`"}`)), "longer than 4000 bytes"},
		{"no record", write(t, "a.jsonl", []byte("hello\n[1]\n")), "no line is a JSON object"},
		{"empty", write(t, "a.jsonl", nil), "no line is a JSON object"},
	} {
		err := read(Config{Paths: []string{c.path}, MaxRecord: 4000, Sample: 10})
		var in *pipeline.InputError
		if !errors.As(err, &in) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Base(c.path)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestCutWhileReading cuts a file after the plan was made: what it lost must not pass for the end of the partition.
func TestCutWhileReading(t *testing.T) {
	path := write(t, "a.jsonl", []byte(lines(100)))
	src, err := New(context.Background(), Config{Paths: []string{path}, BatchBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	plan, err := src.Plan(context.Background())
	if err != nil || len(plan) != 1 {
		t.Fatal(len(plan), err)
	}
	for _, size := range []int64{plan[0].End - 1, plan[0].End / 2, 0} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		r, err := src.Open(context.Background(), plan[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		next := int64(0)
		for err == nil {
			var b pipeline.Batch
			if b, err = r.Next(context.Background()); err == nil {
				next = b.Next
				b.Release()
			}
		}
		if in, ok := errors.AsType[*pipeline.InputError](err); !ok || !strings.Contains(in.Error(), "longer when the run began") || next > size {
			t.Errorf("cut to %d: read to %d, %v", size, next, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
