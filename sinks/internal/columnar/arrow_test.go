package columnar

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// dirty is an allocator whose memory is never clear, as the recycling one's is.
type dirty struct{ memory.Allocator }

func (d dirty) Allocate(n int) []byte {
	return bytes.Repeat([]byte{0xa5}, n)
}

func (d dirty) Reallocate(n int, b []byte) []byte {
	out := d.Allocate(n)
	copy(out, b)
	return out
}

// TestNullsStayNull writes columns that hold nulls alone with memory that is not clear, twice: the nulls are
// there when the Arrow stream is read back, and the bytes are the same.
func TestNullsStayNull(t *testing.T) {
	mem := dirty{memory.DefaultAllocator}
	text := arrow.BinaryTypes.String
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "text", Type: text, Nullable: true}, {Name: "int", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "bool", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "list", Type: arrow.ListOf(text), Nullable: true}, {Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "x", Type: text, Nullable: true}), Nullable: true},
		{Name: "fixed", Type: arrow.FixedSizeListOf(2, text), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	const rows = 70
	for range rows {
		for i := range schema.NumFields() {
			b.Field(i).AppendNull()
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	root := t.TempDir()
	fsys, err := commitlog.OpenOS(root)
	if err != nil {
		t.Fatal(err)
	}
	log, err := commitlog.Start(context.Background(), fsys, commitlog.Run{ID: "0123abcd"})
	if err != nil {
		t.Fatal(err)
	}
	sink := &Sink{Staging: log.Staging(), Split: "train", Phase: "train", Formats: []string{Arrow}, Mem: mem}
	var digests []string
	for first := range int64(2) {
		w, err := sink.Begin(context.Background(), pipeline.Segment{Run: log.Run().ID, Partition: "p", First: first}, schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(context.Background(), pipeline.Rows{Record: rec, N: rows}); err != nil {
			t.Fatal(err)
		}
		files, err := w.Close(context.Background())
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		digests = append(digests, files[0].SHA256)
	}
	if digests[0] != digests[1] {
		t.Error("the same rows gave different bytes")
	}
	names, err := filepath.Glob(filepath.Join(root, ".staging", "*.arrow"))
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	f, err := os.Open(names[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	for i, c := range r.Record().Columns() {
		for k := range rows {
			if c.IsValid(k) {
				t.Errorf("%s: row %d is %s", schema.Field(i).Name, k, c.ValueStr(k))
				break
			}
		}
	}
}
