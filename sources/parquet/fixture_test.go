package parquet

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// fixtures are a few small files of matrix.py with what expect.py made of them, for tests with Go alone.
func fixtures(t testing.TB) []string {
	t.Helper()
	fs, err := filepath.Glob("testdata/fixtures/*.parquet")
	if err != nil || len(fs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	return fs
}

func expected(t testing.TB, fixture string) []string {
	t.Helper()
	rows, _, err := readStream(fixture + ".arrow")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestFixtures(t *testing.T) {
	for _, f := range fixtures(t) {
		want := expected(t, f)
		for _, batch := range []int{1, 7, 2048} {
			rows, err := readFile(t, f, batch)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, f, rows, want)
		}
	}
}

// TestSchemaIsPyarrows compares the types as well, which cell leaves out.
func TestSchemaIsPyarrows(t *testing.T) {
	for _, f := range fixtures(t) {
		s, err := New(context.Background(), Config{Paths: []string{f}})
		if err != nil {
			t.Fatal(err)
		}
		_, want, err := readStream(f + ".arrow")
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range s.Schema().Fields() {
			w := want.Field(i)
			got, exp := g.Type.String(), w.Type.String()
			if n := strings.NewReplacer("item:", "element:"); g.Name != w.Name || g.Nullable != w.Nullable || got != n.Replace(exp) {
				t.Errorf("%s: %s %s, nullable %t; want %s %s, nullable %t", f, g.Name, got, g.Nullable, w.Name, exp, w.Nullable)
			}
		}
	}
}

// TestReopen opens a file at every row, and continues as if it had been read from the start.
func TestReopen(t *testing.T) {
	for _, f := range fixtures(t) {
		want := expected(t, f)
		for _, cfg := range []Config{{BatchRows: 4}, {BatchBytes: 3000}} {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			cfg.Paths, cfg.Mem = []string{f}, mem
			s, err := New(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := s.Plan(context.Background())
			if err != nil || len(parts) != 1 {
				t.Fatalf("%d partitions, %v", len(parts), err)
			}
			p := parts[0]
			_, all, err := readAll(s, p, p.First)
			if err != nil {
				t.Fatal(err)
			}
			step := int64(1)
			if testing.Short() { // the race detector makes each ten times as slow
				step = 5
			}
			for from := p.First; from <= p.End; from += step {
				rows, ends, err := readAll(s, p, from)
				if err != nil {
					t.Fatalf("%s from %d: %v", f, from, err)
				}
				sameRows(t, f, rows, want[from:])
				if i := slices.Index(all, from); i >= 0 && !slices.Equal(ends, all[i+1:]) {
					t.Errorf("%s from %d: batches end at %v instead of %v", f, from, ends, all[i+1:])
				}
			}
			mem.AssertSize(t, 0)
		}
	}
}

// TestPartOfARange reads rows that begin and end within row groups.
func TestPartOfARange(t *testing.T) {
	f := fixtures(t)[0]
	want := expected(t, f)
	s, err := New(context.Background(), Config{Paths: []string{f}, BatchRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	for first := range int64(len(want)) {
		for end := first; end <= int64(len(want)); end += 3 {
			rows, _, err := readAll(s, pipeline.Partition{ID: "p", Path: f, First: first, End: end}, first)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, f, rows, want[first:end])
		}
	}
}

// TestArrowSchemaRefines reads a file whose Arrow schema says more than Parquet can.
func TestArrowSchemaRefines(t *testing.T) {
	s, err := New(context.Background(), Config{Paths: []string{small}})
	if err != nil {
		t.Fatal(err)
	}
	want := `s large_utf8, t timestamp[us, tz=Europe/Berlin], d duration[s], ` +
		`l large_list<element: fixed_size_list<element: int8, nullable>[2], nullable>, ` +
		`m map<utf8, struct<x: bool>, items_nullable>, j utf8, n decimal256(10, 2)`
	var got []string
	for _, f := range s.Schema().Fields() {
		got = append(got, f.Name+" "+f.Type.String())
	}
	if g := strings.Join(got, ", "); g != want {
		t.Errorf("%s\nwant %s", g, want)
	}
	if n := s.Schema().Metadata().Len(); n != 0 {
		t.Errorf("%d entries of the file's metadata were kept", n)
	}
	if v, _ := s.Schema().Field(5).Metadata.GetValue("ARROW:extension:name"); v != "arrow.json" {
		t.Errorf("the extension name is %q", v)
	}
	rows, err := readFile(t, small, 100)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, small, rows, []string{
		`s="a";t=1usEurope/Berlin;d=1s;l=[[1,2,],];m=<"k"={"x":true,},>;j="1";n=100e-2;`,
		`s=null;t=2usEurope/Berlin;d=null;l=null;m=<>;j="{}";n=200e-2;`,
	})
}
