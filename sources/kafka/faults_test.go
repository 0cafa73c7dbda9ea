package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"inoculate/pipeline"
)

func TestLost(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	for i := range 20 {
		send(t, client, "a", 0, objects(i, i+1)...)
	}
	cfg := Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}}
	s := open(t, cfg)
	p := plan(t, s)
	cfg.OnLost = Record
	lenient := open(t, cfg)
	if err := cluster.DeleteRecords("a", 0, 8); err != nil {
		t.Fatal(err)
	}
	g := read(t, s, p[0], 0)
	inputError(t, g.err, "offsets 0-7 were deleted by retention")
	inputError(t, s.Check(t.Context(), p), "offsets 0-7 were deleted by retention")
	g = ended(t, read(t, lenient, p[0], 3))
	if len(g.rows) != 12 || strings.Join(g.rejects, ",") != "3 lost offsets 3-7 were deleted by retention" || g.next != 20 {
		t.Errorf("%+v", g)
	}
	p[0].First = 8
	if err := s.Check(t.Context(), p); err != nil {
		t.Error(err)
	}
	if err := cluster.DeleteRecords("a", 0, -1); err != nil {
		t.Fatal(err)
	}
	g = ended(t, read(t, lenient, p[0], 12))
	if g.rows != nil || strings.Join(g.rejects, ",") != "12 lost offsets 12-19 were deleted by retention" || g.next != 20 {
		t.Errorf("all gone: %+v", g)
	}
}

func TestTopicMadeAnew(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 20)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	p := plan(t, s)
	if err := s.Check(t.Context(), p); err != nil {
		t.Error(err)
	}
	r, err := s.Open(t.Context(), p[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := cluster.DeleteTopic("a"); err != nil {
		t.Fatal(err)
	}
	_, err = New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	inputError(t, err, "never created")
	time.AfterFunc(700*time.Millisecond, func() { _ = cluster.CreateTopic("a", 1, nil) })
	_, err = r.Next(t.Context())
	inputError(t, err, "made anew")
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 5)...)
	later := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	inputError(t, later.Check(t.Context(), p), "made anew")
	_, err = later.Open(t.Context(), p[0], 0)
	inputError(t, err, "made anew")
	p[0].Fingerprint = plan(t, later)[0].Fingerprint
	inputError(t, later.Check(t.Context(), p), "ends at offset 5, and the run reads to 20")
	p[0].Path = "b"
	inputError(t, later.Check(t.Context(), p), "no partition of the topics")
}

// poison is a record batch of 3 offsets with a right checksum around the given body. The base offset is the broker's affair.
func poison(codec uint16, body []byte) []byte {
	be := binary.BigEndian
	b := make([]byte, 61, 61+len(body))
	b = append(b, body...)
	be.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	be.PutUint16(b[21:], codec)
	be.PutUint32(b[23:], 2) // last offset delta
	be.PutUint64(b[43:], ^uint64(0))
	be.PutUint16(b[51:], 0xffff)
	be.PutUint32(b[53:], 0xffffffff)
	be.PutUint32(b[57:], 3)
	be.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func sendRaw(t *testing.T, addrs []string, batch []byte) {
	t.Helper()
	raw := append(binary.BigEndian.AppendUint32(nil, uint32(len(batch))), batch...)
	client := kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport(t)}
	res, err := client.RawProduce(t.Context(), &kafkago.RawProduceRequest{Topic: "a", RequiredAcks: kafkago.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: strings.NewReader(string(raw))}})
	if err != nil || res.Error != nil {
		t.Fatal(err, res)
	}
}

func TestPoison(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	send(t, client, "a", 0, objects(0, 10)...)
	sendRaw(t, cluster.ListenAddrs(), poison(4, []byte("no zstd")))
	send(t, client, "a", 0, objects(13, 20)...)
	sendRaw(t, cluster.ListenAddrs(), poison(4, w.EncodeAll(make([]byte, 4<<20), nil)))
	sendRaw(t, cluster.ListenAddrs(), poison(0, []byte("\x02xx")))
	send(t, client, "a", 0, objects(26, 30)...)
	for _, size := range []int64{100, 1 << 20} {
		s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, MaxBatch: 1 << 20, BatchBytes: size})
		g := ended(t, read(t, s, plan(t, s)[0], 0))
		if len(g.rows) != 21 || len(g.rejects) != 3 || g.next != 30 {
			t.Fatalf("%+v", g)
		}
		for i, want := range []string{"10 corrupt_batch offsets 10-12: decompressing (zstd)", "20 corrupt_batch offsets 20-22: decompressing (zstd): more than 1048576 bytes", "23 corrupt_batch offsets 23-25: "} {
			if !strings.HasPrefix(g.rejects[i], want) {
				t.Errorf("%s, want %s", g.rejects[i], want)
			}
		}
		if g = ended(t, read(t, s, plan(t, s)[0], 22)); len(g.rows) != 4 || len(g.rejects) != 2 {
			t.Errorf("from the middle of one: %+v", g)
		}
	}
	strict := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, MaxBatch: 1 << 20, OnCorrupt: Fail})
	g := read(t, strict, plan(t, strict)[0], 0)
	inputError(t, g.err, "record batch of offsets 10-12")
}

func TestCompacted(t *testing.T) {
	cluster := fake(t)
	if err := cluster.CreateTopic("a", 1, map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime", "segment.bytes": "500",
		"min.cleanable.dirty.ratio": "0", "delete.retention.ms": "0", "min.compaction.lag.ms": "0"}); err != nil {
		t.Fatal(err)
	}
	client := producer(t, cluster.ListenAddrs())
	for i := range 30 {
		rec := recordOf(objects(i, i+1)[0], fmt.Sprint(i%3))
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Compact()
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Keep: []string{"timestamp"}})
	p := plan(t, s)[0]
	g := ended(t, read(t, s, p, p.First))
	if len(g.rows) >= 30 || len(g.rows) < 3 || g.next != 30 {
		t.Errorf("%d rows to %d", len(g.rows), g.next)
	}
	if !strings.Contains(g.rows[0], time.Now().UTC().Format("2006-01-02")) {
		t.Errorf("the time of the broker: %s", g.rows[0])
	}
}

// TestEmptyTail has a broker that gives nothing for the last offsets before the end.
func TestEmptyTail(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 10)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	p := plan(t, s)[0]
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		part := kmsg.NewFetchResponseTopicPartition()
		part.HighWatermark, part.LastStableOffset = 10, 10
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = req.Topics[0].Topic
		topic.Partitions = append(topic.Partitions, part)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	r, err := s.Open(t.Context(), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	began := time.Now()
	r.(*Reader).tail = 300 * time.Millisecond
	if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) || time.Since(began) < 300*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestFaults(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 200)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, BatchBytes: 100})
	p := plan(t, s)[0]
	n := 0
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if n++; n%2 == 1 {
			return nil, errors.New("the connection breaks"), true
		}
		return nil, nil, false
	})
	go func() {
		for i := range int32(3) {
			_ = cluster.MoveTopicPartition("a", 0, i)
		}
	}()
	if g := ended(t, read(t, s, p, 0)); len(g.rows) != 200 || len(g.rejects) > 0 {
		t.Errorf("%+v", g)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	r, err := s.Open(ctx, p, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stop := errors.New("enough")
	cancel(stop)
	if _, err := r.Next(ctx); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestAck(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 5)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Group: "inoculate-x"})
	p := plan(t, s)[0]
	var err error
	for range 50 { // a coordinator that is still loading answers so
		if err = s.Ack(t.Context(), p, 3); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.OffsetFetch(t.Context(), &kafkago.OffsetFetchRequest{GroupID: "inoculate-x", Topics: map[string][]int{"a": {0}}})
	if err != nil || res.Topics["a"][0].CommittedOffset != 3 {
		t.Errorf("%+v %v", res, err)
	}
	none := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	if err := none.Ack(t.Context(), pipeline.Partition{}, 3); err != nil {
		t.Error(err)
	}
}

func TestDates(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	for i := range 3 {
		rec := recordOf(objects(i, i+1)[0], "k")
		rec.Timestamp = time.UnixMilli(int64(1000 * (i + 1)))
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}})
	p := plan(t, s)[0]
	for from, want := range map[int64]time.Time{0: time.UnixMilli(1000), 2: time.UnixMilli(3000), 3: {}} {
		got, err := s.Dates(t.Context(), []pipeline.Partition{p}, []int64{from})
		if err != nil || !got[0].Equal(want) {
			t.Errorf("from %d: %v %v", from, got, err)
		}
	}
	if err := cluster.DeleteRecords("a", 0, 2); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Dates(t.Context(), []pipeline.Partition{p}, []int64{0}); err != nil || !got[0].Equal(time.UnixMilli(3000)) {
		t.Errorf("behind what was deleted: %v %v", got, err)
	}
}
