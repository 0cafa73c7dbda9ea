package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline"
	"inoculate/pipeline/kafkaconn"
	"inoculate/pipeline/pipelinetest/broker"
)

var schema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)

// fake starts a broker of kfake's with topics of four partitions.
func fake(t *testing.T, topics ...string) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

func open(t *testing.T, cfg Config) *Sink {
	t.Helper()
	if cfg.Schema == nil {
		cfg.Schema = schema
	}
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var input = pipeline.Partition{ID: "t00-p0003", Source: "in/3", Path: "in", End: 1 << 40}

// lines makes rows of positions from to before to.
func lines(from, to int64) (rows pipeline.Rows) {
	for i := from; i < to; i++ {
		rows.Lines = fmt.Appendf(rows.Lines, "{\"id\": %d, \"text\": \"%s\"}\n", i, strings.Repeat("x", int(i%29)))
		rows.Positions = append(rows.Positions, i)
		rows.N++
	}
	return rows
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// opened opens a delivery that is closed with the test.
func opened(t *testing.T, s *Sink) pipeline.Delivery {
	t.Helper()
	d, err := s.Open(t.Context(), "run1", input)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close(context.Background())) })
	return d
}

// TestExactlyOnce: rows, their order, their ids, and the position become visible together or not at all; whoever was there
// before is refused, and what they left open is gone.
func TestExactlyOnce(t *testing.T) {
	addrs := fake(t, "train", "test")
	exactly(t, Config{Brokers: addrs, Train: "train", Test: "test"}, addrs)
}

// exactly writes with cfg to topics of four partitions, and reads from addrs.
func exactly(t *testing.T, cfg Config, addrs []string) {
	s := open(t, cfg)
	ctx := t.Context()
	a := opened(t, s)
	if _, _, ok := a.Position(); ok {
		t.Fatal("a position before the first commit")
	}
	must(t, a.Commit(ctx, 5, "")) // nothing but the position
	must(t, a.Write(ctx, pipeline.PhaseTrain, lines(5, 3005)))
	must(t, a.Write(ctx, pipeline.PhaseTest, lines(3005, 3010)))
	must(t, a.Commit(ctx, 3010, "first"))
	must(t, a.Write(ctx, pipeline.PhaseTrain, lines(3010, 9010))) // some of it is sent

	b := opened(t, s)
	if next, token, ok := b.Position(); next != 3010 || token != "first" || !ok {
		t.Fatal(next, token, ok)
	}
	var err error
	for i := int64(0); i < 3 && err == nil; i++ {
		if err = a.Write(ctx, pipeline.PhaseTrain, lines(9010+100_000*i, 109_010+100_000*i)); err == nil {
			err = a.Commit(ctx, 10_000, "zombie")
		}
	}
	if !errors.Is(err, pipeline.ErrTaken) {
		t.Fatalf("the first owner: %v", err)
	}
	must(t, b.Write(ctx, pipeline.PhaseTrain, lines(3010, 3020)))
	must(t, b.Commit(ctx, 3020, "second"))
	must(t, b.Commit(ctx, 3030, "third")) // a segment without rows

	c := opened(t, s)
	if next, token, ok := c.Position(); next != 3030 || token != "third" || !ok {
		t.Fatal(next, token, ok)
	}
	train, test := broker.Committed(t, addrs, cfg.Train), broker.Committed(t, addrs, cfg.Test)
	if len(train) != 3010 || len(test) != 5 {
		t.Fatalf("%d train and %d test records", len(train), len(test))
	}
	for i, r := range train {
		at := int64(5 + i)
		if i >= 3000 {
			at = int64(3010 + i - 3000)
		}
		if want := strings.TrimSuffix(string(lines(at, at+1).Lines), "\n"); string(r.Value) != want || header(r, IDHeader) != fmt.Sprintf("run1/t00-p0003/%d", at) || r.Key != nil || r.Partition != 3 {
			t.Fatalf("record %d: partition %d, %s %v, want %s", i, r.Partition, r.Value, r.Headers, want)
		}
	}
}

// TestAtLeastOnce: nothing is transactional, and rows that are sent again have the same id.
func TestAtLeastOnce(t *testing.T) {
	addrs := fake(t, "train")
	s := open(t, Config{Brokers: addrs, Train: "train", Delivery: AtLeastOnce, Compression: "zstd"})
	for range 2 {
		d := opened(t, s)
		must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(0, 10)))
		must(t, d.Write(t.Context(), pipeline.PhaseTest, lines(10, 20))) // which no topic takes
		must(t, d.Commit(t.Context(), 10, "x"))
		if _, _, ok := d.Position(); ok || s.Exact() {
			t.Error("it keeps positions")
		}
	}
	got := broker.Committed(t, addrs, "train")
	if len(got) != 20 || header(got[0], IDHeader) != header(got[10], IDHeader) || header(got[0], IDHeader) == header(got[1], IDHeader) {
		t.Fatal(len(got))
	}
	if want := "at least once"; !strings.Contains(s.String(), want) {
		t.Errorf("%s, want %q", s, want)
	}
}

// TestManyRows: rows of one input record have ids of their own.
func TestManyRows(t *testing.T) {
	addrs := fake(t, "train", "test")
	s := open(t, Config{Brokers: addrs, Train: "train", Test: "test"})
	d := opened(t, s)
	rows := lines(0, 3)
	rows.Positions = []int64{4, 4, 5}
	must(t, d.Write(t.Context(), pipeline.PhaseTrain, rows))
	rows.Positions = []int64{5, 5, 6}
	must(t, d.Write(t.Context(), pipeline.PhaseTest, rows))
	must(t, d.Write(t.Context(), pipeline.PhaseTrain, rows))
	must(t, d.Commit(t.Context(), 7, "x"))
	var ids []string
	for _, topic := range []string{"train", "test"} {
		for _, r := range broker.Committed(t, addrs, topic) {
			ids = append(ids, strings.TrimPrefix(header(r, IDHeader), "run1/t00-p0003/"))
		}
	}
	if got := strings.Join(ids, " "); got != "4 4.1 5 5.1 5.2 6 5 5.1 6" {
		t.Error(got)
	}
}

// TestKey: records with a key go where Java's client puts them; those without stay together. Columns become JSON.
func TestKey(t *testing.T) {
	addrs := fake(t, "train")
	s := open(t, Config{Brokers: addrs, Train: "train", Key: "id", Compression: "none"})
	if w := s.Wants(pipeline.PhaseTrain, false); !w.Record || w.Lines || !w.Positions {
		t.Error(w)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 100 {
		if i%10 == 0 {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
		}
		b.Field(1).(*array.StringBuilder).Append("t")
	}
	rec := b.NewRecord()
	defer rec.Release()
	rows := pipeline.Rows{Record: rec, N: 100, Positions: make([]int64, 100)}
	d := opened(t, s)
	must(t, d.Write(t.Context(), pipeline.PhaseTrain, rows))
	must(t, d.Commit(t.Context(), 100, "x"))
	got := broker.Committed(t, addrs, "train")
	by := map[int32]int{}
	for _, r := range got {
		by[r.Partition]++
		switch {
		case r.Key == nil && r.Partition != 3:
			t.Errorf("no key, partition %d", r.Partition)
		case r.Key != nil && string(r.Value) != fmt.Sprintf(`{"id": %s, "text": "t"}`, r.Key) && string(r.Value) != fmt.Sprintf(`{"id":%s,"text":"t"}`, r.Key):
			t.Errorf("%s: %s", r.Key, r.Value)
		case string(r.Key) == "21" && r.Partition != javas["21"], string(r.Key) == "foobar" && r.Partition != javas["foobar"]:
			t.Errorf("key %s in partition %d", r.Key, r.Partition)
		}
	}
	if len(got) != 100 || len(by) != 4 {
		t.Errorf("%d records, in partitions %v", len(got), by)
	}
}

// javas are partitions of four that kgo's sticky key partitioner, which hashes as Java's client, chooses.
var javas = func() map[string]int32 {
	out := map[string]int32{}
	p := kgo.StickyKeyPartitioner(nil).ForTopic("x")
	for _, key := range []string{"21"} {
		out[key] = int32(p.Partition(&kgo.Record{Key: []byte(key)}, 4))
	}
	return out
}()

// TestDeadLetters: a reject keeps key, value and headers, and says where it comes from as Kafka Connect does.
func TestDeadLetters(t *testing.T) {
	addrs := fake(t, "train", "dead")
	s := open(t, Config{Brokers: addrs, Train: "train", Dead: "dead", Context: true})
	d := opened(t, s)
	reject := func(part pipeline.Partition, l pipeline.DeadLetter) {
		l.Partition = part
		must(t, d.Reject(t.Context(), &l))
	}
	reject(input, pipeline.DeadLetter{Source: true, Reject: &pipeline.Reject{Position: 7, Reason: "json_syntax", Field: "/a", Detail: "line 1"},
		Origin: pipeline.Origin{Key: []byte("k"), Value: []byte("{broken"), Headers: []pipeline.Header{{Key: "own", Value: []byte("1")}, {Key: "own", Value: nil}}}})
	reject(input, pipeline.DeadLetter{Reject: &pipeline.Reject{Position: 8, Reason: "leak"}, Origin: pipeline.Origin{Value: []byte{}}})
	reject(pipeline.Partition{ID: "f0", Source: "data/a.jsonl[0,100)", Path: "data/a.jsonl"}, pipeline.DeadLetter{Source: true, Reject: &pipeline.Reject{Position: 9, Reason: "tombstone"}})
	must(t, d.Commit(t.Context(), 10, "x"))
	got := broker.Committed(t, addrs, "dead")
	if len(got) != 3 {
		t.Fatal(len(got))
	}
	if r := got[0]; string(r.Key) != "k" || string(r.Value) != "{broken" || r.Headers[0].Key != "own" || r.Headers[1].Value != nil || header(r, IDHeader) != "run1/t00-p0003/7" {
		t.Errorf("%s %s %v", r.Key, r.Value, r.Headers)
	}
	for name, want := range map[string]string{"topic": "in", "partition": "3", "offset": "7", "connector.name": "inoculate-run1", "task.id": "t00-p0003", "stage": "VALUE_CONVERTER",
		"class.name": "inoculate", "exception.class.name": "json_syntax", "exception.message": "json_syntax: field /a: line 1", "exception.stacktrace": "line 1"} {
		if have := header(got[0], "__connect.errors."+name); have != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
	if r := got[1]; r.Key != nil || r.Value == nil || len(r.Value) != 0 || header(r, "__connect.errors.stage") != "TRANSFORMATION" {
		t.Errorf("%v %v %v", r.Key, r.Value, r.Headers)
	}
	if r := got[2]; r.Value != nil || header(r, "__connect.errors.topic") != "data/a.jsonl[0,100)" || header(r, "__connect.errors.partition") != "" {
		t.Errorf("%v %v", r.Value, r.Headers)
	}
}

// TestErrors: what is wrong is said when the sink is made.
func TestErrors(t *testing.T) {
	addrs := fake(t, "train")
	for want, cfg := range map[string]Config{
		"topic nowhere: ":          {Brokers: addrs, Train: "train", Test: "nowhere"},
		"no column \"key\"":        {Brokers: addrs, Train: "train", Key: "key"},
		"needs brokers and topics": {Brokers: addrs},
		"is neither exactly_once":  {Brokers: addrs, Train: "train", Delivery: "twice"},
		"compression \"7z\"":       {Brokers: addrs, Train: "train", Compression: "7z"},
		"connection refused":       {Brokers: []string{"127.0.0.1:1"}, Train: "train", Wait: 200 * time.Millisecond},
	} {
		cfg.Schema = schema
		if _, err := New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSecurity: user and password are those of the connection, and a wrong one is said to be wrong.
func TestSecurity(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "train"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "me", "right"))
	must(t, err)
	t.Cleanup(cluster.Close)
	for password, want := range map[string]string{ // kfake closes the connection, where Apache Kafka says why
		"right": "", "wrong": "are user and password right"} {
		t.Setenv("SINK_PASSWORD", password)
		who, err := (&kafkaconn.SASL{Mechanism: "scram-sha-512", User: "me", PasswordEnv: "SINK_PASSWORD"}).New()
		must(t, err)
		s, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Train: "train", SASL: who, Schema: schema, Wait: time.Second})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			continue
		}
		must(t, err)
		d := opened(t, s)
		must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(0, 5)))
		must(t, d.Commit(t.Context(), 5, "x"))
		must(t, s.Close())
	}
}

// TestObserveDeliveries: what is committed, and what is given up, is told once each, with rejects apart.
func TestObserveDeliveries(t *testing.T) {
	for _, delivery := range []string{ExactlyOnce, AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) {
			s := open(t, Config{Brokers: fake(t, "train", "dead"), Train: "train", Dead: "dead", Delivery: delivery})
			var told []pipeline.Delivered
			s.ObserveDeliveries(func(d pipeline.Delivered) {
				if d.Took <= 0 || d.Took > time.Minute || (d.Bytes == 0) != (d.Rows+d.Rejects == 0) {
					t.Errorf("%+v", d)
				}
				d.Took, d.Bytes = 0, 0
				told = append(told, d)
			})
			d, err := s.Open(t.Context(), "run1", input)
			must(t, err)
			must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(0, 3000)))
			must(t, d.Reject(t.Context(), &pipeline.DeadLetter{Partition: input, Reject: &pipeline.Reject{Row: -1, Position: 3000, Reason: "x"}}))
			must(t, d.Commit(t.Context(), 3001, "a"))
			must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(3001, 3002)))
			must(t, d.Commit(t.Context(), 3002, "b"))
			must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(3002, 30002))) // some of it is sent
			must(t, d.Close(t.Context()))
			must(t, d.Close(t.Context()))
			if len(told) != 3 || told[0] != (pipeline.Delivered{Committed: true, Rows: 3000, Rejects: 1}) || told[1] != (pipeline.Delivered{Committed: true, Rows: 1}) || told[2].Committed || told[2].Rows == 0 {
				t.Errorf("%+v", told)
			}
		})
	}
}
