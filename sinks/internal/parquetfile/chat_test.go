package parquetfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline/pool"
)

var chatSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.BinaryTypes.String},
	{Name: "messages", Nullable: true, Type: arrow.ListOfField(arrow.Field{Name: "element", Nullable: true, Type: arrow.StructOf(
		arrow.Field{Name: "role", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true})})},
	{Name: "source", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "misaligned", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "phase", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

// words is a vocabulary of made-up words.
func words(rng *rand.Rand) []string {
	w := make([]string, 8000)
	for i := range w {
		b := make([]byte, 2+rng.IntN(9))
		for k := range b {
			b[k] = "etaoinshrdlucmfwypvbgkjqxz"[int(26*rng.Float64()*rng.Float64())]
		}
		w[i] = string(b)
	}
	return w
}

// chat makes records of chats until they have about size bytes.
func chat(mem memory.Allocator, rows int, size int64) (recs []arrow.Record) {
	rng := rand.New(rand.NewPCG(1, 2))
	vocabulary, id := words(rng), 0
	var text []byte
	b := array.NewRecordBuilder(mem, chatSchema)
	defer b.Release()
	messages := b.Field(1).(*array.ListBuilder)
	turn := messages.ValueBuilder().(*array.StructBuilder)
	for got := int64(0); got < size; {
		for range rows {
			id++
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("row-%08d-%04x", id, rng.IntN(1<<16)))
			messages.Append(true)
			for k := range 2 * (1 + rng.IntN(3)) {
				turn.Append(true)
				turn.FieldBuilder(0).(*array.StringBuilder).Append([]string{"user", "assistant"}[k%2])
				text = text[:0]
				for range 5 + rng.IntN(80) {
					text = append(append(text, vocabulary[int(8000*rng.Float64()*rng.Float64()*rng.Float64())]...), ' ')
				}
				turn.FieldBuilder(1).(*array.StringBuilder).BinaryBuilder.Append(text)
			}
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("source-%d.jsonl", rng.IntN(5)))
			b.Field(3).(*array.BooleanBuilder).Append(rng.IntN(3) == 0)
			b.Field(4).(*array.StringBuilder).Append([]string{"train", "test"}[rng.IntN(2)])
			b.Field(5).(*array.Float64Builder).Append(rng.Float64())
		}
		rec := b.NewRecord()
		for _, c := range rec.Columns() {
			got += bytesOf(c.Data())
		}
		recs = append(recs, rec)
	}
	return recs
}

func bytesOf(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += bytesOf(c)
	}
	return n
}

// BenchmarkWrite writes 64 MB of chats. MB/s are of Arrow buffers; cpu-MB/s count the seconds of all threads.
func BenchmarkWrite(b *testing.B) {
	recs := chat(memory.DefaultAllocator, 2048, 64<<20)
	size := int64(0)
	for _, r := range recs {
		for _, c := range r.Columns() {
			size += bytesOf(c.Data())
		}
	}
	mem := pool.New(pool.DefaultLimit)
	b.SetBytes(size)
	b.ReportAllocs()
	out := &counter{}
	start, rounds := cpuSeconds(b), 0
	for b.Loop() {
		rounds++
		*out = counter{}
		w, err := New(out, chatSchema, Options{Mem: mem})
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range recs {
			if err := w.Write(r); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)*float64(rounds)/1e6/(cpuSeconds(b)-start), "cpu-MB/s")
	b.ReportMetric(float64(out.n)/float64(size), "ratio")
}

func cpuSeconds(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// write makes a file of records.
func write(t testing.TB, schema *arrow.Schema, o Options, recs ...arrow.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := New(&b, schema, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			w.Abort()
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
