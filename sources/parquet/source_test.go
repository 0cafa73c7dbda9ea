package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"inoculate/pipeline"
	"inoculate/pipeline/pool"
	"inoculate/sources/files"
)

func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// threeGroups is a file with row groups of 2, 0, 3 and 1 rows of one INT32 column.
func threeGroups(t *testing.T) []byte {
	c := craft(format.Int32, 0)
	c.meta.RowGroups = nil
	v := uint32(0)
	for _, n := range []int{2, 0, 3, 1} {
		var body []byte
		for range n {
			body = append(body, int32s(v)...)
			v++
		}
		page := dataPage(t, int32(n), format.Plain, body, nil)
		c.meta.RowGroups = append(c.meta.RowGroups, format.RowGroup{NumRows: int64(n), Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{
			Type: format.Int32, NumValues: int64(n), DataPageOffset: int64(4 + len(c.pages)), TotalCompressedSize: int64(len(page)), TotalUncompressedSize: 100 * int64(n)}}}})
		c.pages = append(c.pages, page...)
	}
	c.meta.NumRows = 6
	return c.bytes(t)
}

func TestPlan(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, dir, "a.parquet", threeGroups(t)), write(t, dir, "b.parquet", threeGroups(t))
	empty := craft(format.Int32, 0)
	empty.meta.RowGroups = []format.RowGroup{}
	write(t, dir, "c.parquet", empty.bytes(t))
	for _, c := range []struct {
		size int64
		want string
	}{
		{1, "p00000 0-2 p00001 2-5 p00002 5-6 p00003 0-2 p00004 2-5 p00005 5-6"},
		{400, "p00000 0-2 p00001 2-6 p00002 0-2 p00003 2-6"},
		{500, "p00000 0-5 p00001 5-6 p00002 0-5 p00003 5-6"},
		{0, "p00000 0-6 p00001 0-6"},
	} {
		s, err := New(t.Context(), Config{Paths: []string{dir}, PartitionBytes: c.size})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		rows := 0
		for i, p := range parts {
			got = append(got, fmt.Sprintf("%s %d-%d", p.ID, p.First, p.End))
			path := a
			if i >= len(parts)/2 {
				path = b
			}
			print, err := files.Fingerprint(path)
			if p.Path != path || p.Source != fmt.Sprintf("%s rows %d-%d", path, p.First, p.End-1) || p.Bytes != 100*(p.End-p.First) || p.Fingerprint != print || err != nil {
				t.Errorf("%+v", p)
			}
			r, _, err := readAll(s, p, p.First)
			if err != nil {
				t.Error(err)
			}
			rows += len(r)
		}
		if s := strings.Join(got, " "); s != c.want || rows != 12 {
			t.Errorf("%d: %s, %d rows", c.size, s, rows)
		}
		again, err := s.Plan(t.Context())
		if err != nil || !slices.Equal(parts, again) {
			t.Errorf("another plan: %v, %v", again, err)
		}
	}
}

func TestEmptyInput(t *testing.T) {
	c := craft(format.Int32, 0)
	c.meta.RowGroups = []format.RowGroup{}
	s, err := New(t.Context(), Config{Paths: []string{write(t, t.TempDir(), "e.parquet", c.bytes(t))}})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Plan(t.Context())
	if err != nil || len(parts) != 0 || s.Schema().NumFields() != 1 {
		t.Errorf("%v, %v, %v", parts, err, s.Schema())
	}
}

func TestSchemasThatDiffer(t *testing.T) {
	dir := t.TempDir()
	base := func() *crafted { return craft(format.Int32, 1, dataPage(t, 1, format.Plain, int32s(1), nil)) }
	a := write(t, dir, "a.parquet", base().bytes(t))
	for name, change := range map[string]func(*crafted){
		"a is int32, nullable: false here": nil,
		"a is date32 here and int32 there": func(c *crafted) { c.leaf().LogicalType.Value = &format.DateType{} },
		"a is nullable: true here and false there": func(c *crafted) {
			c.leaf().RepetitionType = opt(format.Optional)
		},
		"b stands where the other has a": func(c *crafted) { c.leaf().Name = "b" },
		"a is list<element: int32> here": func(c *crafted) { c.leaf().RepetitionType = opt(format.Repeated) },
		"b is missing there": func(c *crafted) {
			c.meta.Schema[0].NumChildren.V++
			c.meta.Schema = append(c.meta.Schema, format.SchemaElement{Name: "b", Type: opt(format.Int32), RepetitionType: opt(format.Required)})
			g := &c.meta.RowGroups[0]
			g.Columns = append(g.Columns, g.Columns[0])
		},
	} {
		c := base()
		if change != nil {
			change(c)
		}
		b := write(t, dir, "b.parquet", c.bytes(t))
		_, err := New(t.Context(), Config{Paths: []string{a, b}})
		if change == nil {
			if err != nil {
				t.Errorf("equal schemas: %v", err)
			}
			continue
		}
		ie, ok := errors.AsType[*pipeline.InputError](err)
		if !ok || ie.Source != b || !strings.Contains(err.Error(), a) || !strings.Contains(strings.ReplaceAll(err.Error(), ", nullable", ""), name) {
			t.Errorf("%v; want %q", err, name)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Paths: []string{"absent.parquet"}}, "no file matches"},
		{Config{Paths: []string{"-"}}, "read from its end"},
		{Config{Paths: []string{"/dev/null"}}, "not a regular file"},
		{Config{Paths: []string{"x"}, BatchRows: -1}, "-1 rows"},
		{Config{Paths: []string{"x"}, BatchBytes: 2 << 30}, "2147483648 bytes"},
	} {
		if _, err := New(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.cfg, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	path := write(t, t.TempDir(), "a.parquet", threeGroups(t))
	s, err := New(t.Context(), Config{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := parts[0]
	for _, from := range []int64{-1, 7} {
		if _, err := s.Open(t.Context(), p, from); err == nil {
			t.Errorf("opened at row %d", from)
		}
	}
	other := p
	other.Path = "b.parquet"
	if _, err := s.Open(t.Context(), other, 0); err == nil {
		t.Error("opened a file that is not in the source")
	}
	longer := p
	longer.End = 9
	if _, err := s.Open(t.Context(), longer, 0); err == nil || !strings.Contains(err.Error(), "ends at row 9, the file at row 6") {
		t.Errorf("%v", err)
	}
	write(t, filepath.Dir(path), "a.parquet", craft(format.Int32, 1, dataPage(t, 1, format.Plain, int32s(1), nil)).bytes(t))
	if _, err := s.Open(t.Context(), p, 0); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("%v", err)
	}
}

func TestCancelled(t *testing.T) {
	path := fixtures(t)[0]
	s, err := New(t.Context(), Config{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), parts[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := r.Next(ctx); err != why {
		t.Errorf("%v", err)
	}
	if _, err := s.Plan(ctx); err != why {
		t.Errorf("%v", err)
	}
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatalf("after a cancelled call: %v", err)
	}
	b.Release()
}

// TestBatchBytes reads rows of very different sizes.
func TestBatchBytes(t *testing.T) {
	const limit = 1000
	var body []byte
	sizes := []int{10, 10, 5000, 0, 0, 3, 900, 90, 90, 1001, 1, 1, 1, 1, 400, 400, 400, 400}
	for i, n := range sizes {
		body = append(body, int32s(uint32(n))...)
		body = append(body, strings.Repeat(string(rune('a'+i)), n)...)
	}
	path := write(t, t.TempDir(), "a.parquet", craft(format.ByteArray, int64(len(sizes)), dataPage(t, int32(len(sizes)), format.Plain, body, nil)).bytes(t))
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	s, err := New(t.Context(), Config{Paths: []string{path}, BatchBytes: limit, Mem: mem})
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Partition{Path: path, End: int64(len(sizes))}
	all, ends, err := readAll(s, p, 0)
	if err != nil || len(all) != len(sizes) {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	first := 0
	for _, end := range ends {
		size := 0
		for _, n := range sizes[first:end] {
			size += n + 5
		}
		if int(end)-first > 1 && size > limit {
			t.Errorf("rows %d to %d have %d bytes", first, end, size)
		}
		if int(end) < len(sizes) && size+sizes[end]+5 <= limit {
			t.Errorf("rows %d to %d have %d bytes and could have one more", first, end, size)
		}
		first = int(end)
	}
	for from := range sizes {
		rows, got, err := readAll(s, p, int64(from))
		if err != nil {
			t.Fatal(err)
		}
		sameRows(t, "from", rows, all[from:])
		if i := slices.Index(ends, int64(from)); i >= 0 && !slices.Equal(got, ends[i+1:]) {
			t.Errorf("from %d: %v instead of %v", from, got, ends[i+1:])
		}
	}
	mem.AssertSize(t, 0)
}

// TestConcurrentReaders reads one file many times at once from one pool.
func TestConcurrentReaders(t *testing.T) {
	f := fixtures(t)[0]
	want := expected(t, f)
	s, err := New(t.Context(), Config{Paths: []string{f}, BatchRows: 5, Mem: pool.New(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Partition{Path: f, End: int64(len(want))}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			rows, _, err := readAll(s, p, 0)
			if err != nil {
				t.Error(err)
			}
			sameRows(t, f, rows, want)
		})
	}
	wg.Wait()
}

// TestProgressAddsUp holds the bytes of the batches against those of the partition.
func TestProgressAddsUp(t *testing.T) {
	for _, f := range fixtures(t) {
		s, err := New(t.Context(), Config{Paths: []string{f}, BatchRows: 7})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), parts[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for {
			b, err := r.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			sum += b.Bytes
			b.Release()
		}
		if sum != parts[0].Bytes || sum == 0 {
			t.Errorf("%d bytes in batches, %d in the partition", sum, parts[0].Bytes)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Next(t.Context()); err == nil || err == io.EOF {
			t.Errorf("a closed reader reads: %v", err)
		}
	}
}
