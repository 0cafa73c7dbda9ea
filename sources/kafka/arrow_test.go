package kafka

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
)

// stream makes an Arrow stream of rows, in batches of the given sizes. In it, roles are a dictionary.
func stream(t *testing.T, from int, schema *arrow.Schema, sizes ...int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	for _, n := range sizes {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for range n {
			b.Field(0).(*array.Int64Builder).Append(int64(from))
			if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("role", from%2)); err != nil {
				t.Fatal(err)
			}
			l := b.Field(2).(*array.ListBuilder)
			l.Append(from%5 != 4)
			for range from % 3 {
				l.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("x", from%7))
			}
			from++
		}
		rec := b.NewRecord()
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		rec.Release()
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var streamSchema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "role", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "texts", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}}, nil)

// TestArrowValues: each row of a value is a record with the offset of the value; a value that is damaged, cut off, empty, or of
// another schema is one reject, whichever byte it is that is wrong.
func TestArrowValues(t *testing.T) {
	cluster := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	other := arrow.NewSchema(append(streamSchema.Fields(), arrow.Field{Name: "more", Type: arrow.PrimitiveTypes.Int8, Nullable: true}), nil)
	whole := stream(t, 100, streamSchema, 2)
	send(t, client, "a", 0, []byte("no stream"), stream(t, 0, streamSchema, 3, 0, 2), stream(t, 5, streamSchema, 1), stream(t, 6, streamSchema), stream(t, 6, streamSchema, 0),
		whole[:len(whole)-8], append(bytes.Clone(whole), 1), stream(t, 6, other), nil, []byte{}, stream(t, 6, streamSchema, 4))
	for _, size := range []int64{1, 1 << 20} {
		s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Value: ValueArrow, BatchBytes: size, Keep: []string{"offset"}})
		if got := s.Schema().String(); !strings.Contains(got, "role: type=utf8, nullable") || !strings.Contains(got, "kafka_offset") {
			t.Error(got)
		}
		g := ended(t, read(t, s, plan(t, s)[0], 0))
		if len(g.rows) != 10 {
			t.Fatalf("%d rows: %v", len(g.rows), g.rows)
		}
		for i, row := range g.rows {
			offset := []int{1, 1, 1, 1, 1, 2, 10, 10, 10, 10}[i]
			if want := fmt.Sprintf("%d %d role%d ", offset, i, i%2); !strings.HasPrefix(row, want) || !strings.HasSuffix(row, fmt.Sprint(" ", offset)) {
				t.Errorf("row %d: %s, want %s", i, row, want)
			}
		}
		want := []string{"0 arrow_stream", "3 no_rows", "4 no_rows", "5 arrow_stream", "6 arrow_stream", "7 schema_mismatch", "8 tombstone", "9 empty_value"}
		if len(g.rejects) != len(want) {
			t.Fatalf("%v", g.rejects)
		}
		for i, w := range want {
			if !strings.HasPrefix(g.rejects[i], w+" ") {
				t.Errorf("%s, want %s", g.rejects[i], w)
			}
		}
	}
	if _, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Value: ValueArrow, Stop: Offsets(map[string]map[int]int64{"a": {0: 1}})}); err == nil || !strings.Contains(err.Error(), "no record is an Arrow stream") {
		t.Error(err)
	}

	var flipped [][]byte
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x41
		flipped = append(flipped, bad)
	}
	cluster2 := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster2.ListenAddrs()), "a", 0, append([][]byte{whole}, flipped...)...)
	s := open(t, Config{Brokers: cluster2.ListenAddrs(), Topics: []string{"a"}, Value: ValueArrow})
	g := ended(t, read(t, s, plan(t, s)[0], 0))
	if seen := len(g.rejects) + len(g.rows)/2; seen > len(whole)+1 || len(g.rejects) < len(whole)/4 {
		t.Errorf("%d rows and %d rejects of %d values", len(g.rows), len(g.rejects), len(whole)+1)
	}
}
