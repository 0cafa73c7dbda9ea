package kafka

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest"
)

func TestSource(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(3, "a", "b"))
	client := producer(t, cluster.ListenAddrs())
	for i := range 20 {
		send(t, client, "a", 0, objects(10*i, 10*i+10)...)
		send(t, client, "b", 2, objects(i, i+1)...)
	}
	send(t, client, "a", 2, []byte(`{"id": 1, "id": 2}`), nil, []byte{}, []byte("{\"id\": 7,\n\r\n \"text\": \"\\n\"}"), []byte("\x00\x00\x00\x00\x01{}"), []byte(strings.Repeat(" ", 300)))
	for _, size := range []int64{200, 3000, 1 << 20} {
		got := pipelinetest.Source(t, func(mem memory.Allocator) (pipeline.Source, error) {
			return New(context.Background(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"b", "a", "b"}, BatchBytes: size, MaxRecord: 250, Mem: mem})
		})
		want := []string{`t00-p0002:0 duplicate_key  "{\"id\": 1, \"id\": 2}"`, `t00-p0002:1 tombstone  ""`, `t00-p0002:2 empty_value  ""`,
			`t00-p0002:4 registry_framing  "\x00\x00\x00\x00\x01{}"`, `t00-p0002:5 too_large  "` + strings.Repeat(" ", 300) + `"`}
		if len(got.Rows) != 221 || !reflect.DeepEqual(got.Rejects, want) {
			t.Errorf("%d rows, rejects\n%s", len(got.Rows), strings.Join(got.Rejects, "\n"))
		}
		if len(got.Ends) != 3 || got.Rows[11] != `t00-p0000:11 11 xxxxxxxxxxx {"id": 11,  "text": "xxxxxxxxxxx"}` || got.Rows[200] != `t00-p0002:3 7 `+"\n"+` {"id": 7,    "text": "\n"}` {
			t.Errorf("%v\n%q\n%q", got.Ends, got.Rows[11], got.Rows[200])
		}
	}
}

func TestTransactions(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	mixed(t, cluster.ListenAddrs())
	checkMixed(t, cluster.ListenAddrs())
}

// mixed writes 40 transactions of which every other one is aborted, and leaves one open.
func mixed(t *testing.T, addrs []string) {
	t.Helper()
	client := producer(t, addrs, kgo.TransactionalID("x"))
	for i := range 41 {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		send(t, client, "a", 0, objects(3*i, 3*i+3)...)
		if i == 40 {
			t.Cleanup(func() { _ = client.EndTransaction(context.Background(), kgo.TryAbort) })
			break
		}
		if err := client.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
}

func checkMixed(t *testing.T, addrs []string) {
	t.Helper()
	var want []string
	for i := 0; i < 40; i += 2 {
		for k := range 3 {
			want = append(want, fmt.Sprint(3*i+k))
		}
	}
	ids := func(g got) (out []string) {
		for _, r := range g.rows {
			out = append(out, strings.Fields(r)[1])
		}
		return out
	}
	for _, size := range []int64{100, 1 << 20} {
		s := open(t, Config{Brokers: addrs, Topics: []string{"a"}, BatchBytes: size})
		p := plan(t, s)[0]
		g := ended(t, read(t, s, p, p.First))
		if !reflect.DeepEqual(ids(g), want) || len(g.rejects) > 0 || p.End != 160 {
			t.Errorf("committed: %v, rejects %v, end %d", ids(g), g.rejects, p.End)
		}
	}
	s := open(t, Config{Brokers: addrs, Topics: []string{"a"}, Isolation: ReadUncommitted})
	p := plan(t, s)[0]
	if g := ended(t, read(t, s, p, p.First)); len(g.rows) != 123 || p.End != 163 {
		t.Errorf("uncommitted: %d rows, end %d", len(g.rows), p.End)
	}
	lags, err := s.Lag(t.Context(), plan(t, s))
	if err != nil || lags[0].Start != 0 || lags[0].High != 163 {
		t.Errorf("%+v, %v", lags, err)
	}
}

func TestKeep(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	at := time.UnixMilli(1_700_000_000_123)
	for _, r := range []*kgo.Record{
		{Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: nil}, {Key: "\xff", Value: []byte{}}}},
		{Key: []byte{}},
		{Key: nil},
	} {
		r.Topic, r.Timestamp, r.Value = "a", at, []byte(`{"id": 1}`)
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Keep: KeepNames})
	want := []string{
		`0 1 aw== [{"key":"h","value":"MQ=="},{"key":"h","value":null},{"key":"` + "\uFFFD" + `","value":""}] 2023-11-14 22:13:20.123Z a 0 0`,
		`1 1  [] 2023-11-14 22:13:20.123Z a 0 1`,
		`2 1 (null) [] 2023-11-14 22:13:20.123Z a 0 2`,
	}
	if g := ended(t, read(t, s, plan(t, s)[0], 0)); !reflect.DeepEqual(g.rows, want) {
		t.Errorf("\n%s", strings.Join(g.rows, "\n"))
	}
	again := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Keep: KeepNames, Schema: s.Schema()})
	if g := ended(t, read(t, again, plan(t, again)[0], 0)); !reflect.DeepEqual(g.rows, want) {
		t.Errorf("with its schema given:\n%s", strings.Join(g.rows, "\n"))
	}
	send(t, client, "a", 0, []byte(`{"kafka_offset": 1}`))
	_, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Keep: []string{"offset"}})
	inputError(t, err, "kafka_offset is there already")
}

func TestValues(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "framed", "text", "empty"))
	client := producer(t, cluster.ListenAddrs())
	send(t, client, "framed", 0, []byte("\x00\x00\x00\x00\x09{\"id\": 1}"), []byte(`{"id": 2}`))
	send(t, client, "text", 0, []byte("one\ntwo"), []byte("\xff"), nil)
	addrs := cluster.ListenAddrs()
	s := open(t, Config{Brokers: addrs, Topics: []string{"framed"}, Value: ValueJSONSchema})
	g := ended(t, read(t, s, plan(t, s)[0], 0))
	if fmt.Sprint(g.rows) != `[0 1 {"id": 1}]` || len(g.rejects) != 1 || !strings.HasPrefix(g.rejects[0], "1 no_registry_framing") {
		t.Errorf("%+v", g)
	}
	s = open(t, Config{Brokers: addrs, Topics: []string{"text"}, Value: ValueText})
	g = ended(t, read(t, s, plan(t, s)[0], 0))
	if fmt.Sprint(g.rows) != "[0 one\ntwo]" || len(g.rejects) != 2 || !strings.HasPrefix(g.rejects[0], "1 invalid_utf8") {
		t.Errorf("%+v", g)
	}
	_, err := New(t.Context(), Config{Brokers: addrs, Topics: []string{"text"}})
	inputError(t, err, "no record is a JSON object")
	_, err = New(t.Context(), Config{Brokers: addrs, Topics: []string{"empty"}})
	inputError(t, err, "no record is a JSON object")
	send(t, client, "empty", 0, []byte("\x00\x00\x00\x00\x09{\"id\": 1}"))
	_, err = New(t.Context(), Config{Brokers: addrs, Topics: []string{"empty"}})
	inputError(t, err, "json-schema")
	for _, bad := range []Config{{}, {Brokers: addrs, Topics: []string{"a"}, Value: "avro"}, {Brokers: addrs, Topics: []string{"a"}, Keep: []string{"size"}}, {Brokers: addrs, Topics: []string{"a"}, Start: Never()}} {
		if _, err := New(t.Context(), bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestBounds(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(2, "a"))
	client := producer(t, cluster.ListenAddrs())
	for i := range 10 {
		rec := &kgo.Record{Topic: "a", Timestamp: time.UnixMilli(int64(1000 + 100*i)), Value: objects(i, i+1)[0]}
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	both := func(n int64) Bound { return Offsets(map[string]map[int]int64{"a": {0: n, 1: 0}}) }
	for _, c := range []struct {
		start, stop Bound
		first, end  int64
		err         string
	}{
		{Bound{}, Bound{}, 0, 10, ""},
		{Earliest(), Latest(), 0, 10, ""},
		{At(time.UnixMilli(1250)), At(time.UnixMilli(1700)), 3, 7, ""},
		{At(time.UnixMilli(1250)), At(time.UnixMilli(9000)), 3, 10, ""},
		{both(2), both(5), 2, 5, ""},
		{both(2), both(11), 0, 0, "outside of the partition, which ends at 10"},
		{Offsets(nil), Bound{}, 0, 0, "no offset is given"},
		{both(4), both(4), 0, 0, "no record"},
	} {
		s, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Start: c.start, Stop: c.stop})
		if c.err != "" {
			inputError(t, err, c.err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		p := plan(t, s)
		if len(p) != 1 || p[0].First != c.first || p[0].End != c.end {
			t.Errorf("%+v", p)
		} else if g := ended(t, read(t, s, p[0], c.first)); int64(len(g.rows)) != c.end-c.first || g.next != c.end {
			t.Errorf("%+v", g)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownTopicIsNotCreated(t *testing.T) {
	cluster := fake(t, kfake.AllowAutoTopicCreation())
	_, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"mistyped"}})
	inputError(t, err, "never created")
	client := producer(t, cluster.ListenAddrs())
	if topics := client.GetConsumeTopics(); len(topics) > 0 {
		t.Error(topics)
	}
	if info := cluster.TopicInfo("mistyped"); info != nil {
		t.Error("the topic was created")
	}
}

func TestNever(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(2, "a"))
	client := producer(t, cluster.ListenAddrs())
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := New(short, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Stop: Never()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no record: %v", err)
	}
	go func() {
		time.AfterFunc(200*time.Millisecond, func() {
			client.Produce(context.Background(), &kgo.Record{Topic: "a", Partition: 1, Value: []byte(`{"id": 0, "text": ""}`)}, nil)
		})
	}()
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Stop: Never()})
	p := plan(t, s)
	if len(p) != 2 || p[0].End != -1 || p[1].First != 0 {
		t.Fatalf("%+v", p)
	}
	if g := read(t, s, p[0], 0); !errors.Is(g.err, pipeline.ErrIdle) || g.rows != nil {
		t.Errorf("%+v", g)
	}
	if g := read(t, s, p[1], 0); !errors.Is(g.err, pipeline.ErrIdle) || len(g.rows) != 1 || g.next != 1 {
		t.Errorf("%+v", g)
	}
	if more, err := s.Partitions(t.Context(), p); err != nil || more != nil {
		t.Errorf("%v %v", more, err)
	}
	grow(t, cluster.ListenAddrs(), "a", 4)
	var more []pipeline.Partition
	for len(more) == 0 && t.Context().Err() == nil {
		var err error
		if more, err = s.Partitions(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if len(more) != 2 || more[0].ID != "t00-p0002" || more[1].First != 0 || more[1].End != -1 {
		t.Errorf("%+v", more)
	}
	fresh := producer(t, cluster.ListenAddrs())
	send(t, fresh, "a", 3, objects(0, 5)...)
	if g := read(t, s, more[1], 0); len(g.rows) != 5 {
		t.Errorf("%+v", g)
	}
}
