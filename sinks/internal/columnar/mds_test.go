package columnar

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline"
)

// TestMDS reads shards back by what the format's description says, and wants the values that went in.
func TestMDS(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	text := arrow.BinaryTypes.String
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "text", Type: text, Nullable: true}, {Name: "a \"key\"", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "messages", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "role", Type: text, Nullable: true})), Nullable: true},
	}, nil)
	want := []string{
		`{"text":"x \u0000 é","a \"key\"":1234567890,"messages":[{"role":"user"}]}`,
		`{"text":null,"a \"key\"":null,"messages":null}`,
		`{"text":"","a \"key\"":-1,"messages":[]}`,
	}
	rec, _, err := array.RecordFromJSON(mem, schema, strings.NewReader("["+strings.Join(want, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	for _, compressed := range []bool{false, true} {
		for _, batches := range []int{0, 1, 3} {
			var b bytes.Buffer
			f, err := newMDS(&b, schema, compressed)
			if err != nil {
				t.Fatal(err)
			}
			for range batches {
				if err := f.write(pipeline.Rows{Record: rec, N: int(rec.NumRows())}); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.close(); err != nil {
				t.Fatal(err)
			}
			data := b.Bytes()
			if compressed {
				z, err := zstd.NewReader(nil)
				if err != nil {
					t.Fatal(err)
				}
				var h zstd.Header
				if err := h.Decode(data); err != nil || !h.HasFCS {
					t.Errorf("the header does not say the size (%v)", err)
				}
				if data, err = z.DecodeAll(data, nil); err != nil || uint64(len(data)) != h.FrameContentSize {
					t.Fatal(err)
				}
				z.Close()
			}
			rows := readMDS(t, data)
			if len(rows) != batches*len(want) {
				t.Fatalf("%d samples", len(rows))
			}
			for i, row := range rows {
				if got := compact(t, row); got != compact(t, want[i%len(want)]) {
					t.Errorf("sample %d: %s, want %s", i, got, want[i%len(want)])
				}
			}
		}
	}
}

// readMDS gives the samples of a shard as JSON objects.
func readMDS(t *testing.T, data []byte) (rows []string) {
	t.Helper()
	n := int(binary.LittleEndian.Uint32(data))
	at := func(i int) int { return int(binary.LittleEndian.Uint32(data[4+4*i:])) }
	var head MDSHead
	if err := json.Unmarshal(data[4+4*(n+1):at(0)], &head); err != nil {
		t.Fatal(err)
	}
	if at(n) != len(data) || head.Format != "mds" || head.Version != 2 {
		t.Fatalf("ends at %d of %d, %+v", at(n), len(data), head)
	}
	for i := range n {
		sample, members := data[at(i):at(i+1)], []string{}
		values := sample[4*len(head.Names):]
		for c, name := range head.Names {
			size := binary.LittleEndian.Uint32(sample[4*c:])
			members = append(members, fmt.Sprintf("%q:%s", name, values[:size]))
			values = values[size:]
		}
		if len(values) != 0 {
			t.Fatalf("sample %d has %d bytes too many", i, len(values))
		}
		rows = append(rows, "{"+strings.Join(members, ",")+"}")
	}
	return rows
}

// compact is JSON in one form, numbers as they are written.
func compact(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
