package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest/broker"
)

// TestApacheKafka is one broker for all that kfake does not do as Apache Kafka does.
func TestApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker")
	}
	cluster := broker.Start(t, 1)
	t.Run("transactions", func(t *testing.T) {
		cluster.Topic("a", 1)
		mixed(t, cluster.Bootstrap)
		checkMixed(t, cluster.Bootstrap)
	})
	t.Run("codecs", func(t *testing.T) { codecs(t, cluster) })
	t.Run("large", func(t *testing.T) { large(t, cluster) })
	t.Run("tombstones", func(t *testing.T) { compacted(t, cluster) })
	t.Run("flipped", func(t *testing.T) { flipped(t, cluster) }) // stops the broker
}

func codecs(t *testing.T, cluster *broker.Cluster) {
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		cluster.Topic("codec-"+name, 1)
		client := producer(t, cluster.Bootstrap, kgo.ProducerBatchCompression(codec))
		for i := range 10 {
			send(t, client, "codec-"+name, 0, objects(100*i, 100*i+100)...)
		}
		s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"codec-" + name}, BatchBytes: 10_000})
		g := ended(t, read(t, s, plan(t, s)[0], 0))
		if len(g.rows) != 1000 || len(g.rejects) > 0 {
			t.Errorf("%s: %d rows, rejects %v", name, len(g.rows), g.rejects)
		}
		for i, r := range g.rows {
			if !strings.HasSuffix(r, string(objects(i, i+1)[0])) {
				t.Fatalf("%s: row %d: %s", name, i, r)
			}
		}
	}
	cluster.Topic("codec-xerial", 1) // kafka-go's writer frames snappy as Java's does
	w := &kafkago.Writer{Addr: kafkago.TCP(cluster.Bootstrap...), Topic: "codec-xerial", Compression: kafkago.Snappy, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, Transport: transport(t)}
	var messages []kafkago.Message
	for _, v := range objects(0, 100) {
		messages = append(messages, kafkago.Message{Value: v})
	}
	if err := errors.Join(w.WriteMessages(t.Context(), messages...), w.Close()); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"codec-xerial"}})
	if g := ended(t, read(t, s, plan(t, s)[0], 0)); len(g.rows) != 100 {
		t.Errorf("xerial: %+v", g)
	}
}

func large(t *testing.T, cluster *broker.Cluster) {
	const size = 50 << 20
	cluster.Topic("large", 1, fmt.Sprintf("max.message.bytes=%d", size+1<<20))
	value := append(append([]byte(`{"text": "`), bytes.Repeat([]byte("x"), size)...), `"}`...)
	client := producer(t, cluster.Bootstrap, kgo.ProducerBatchMaxBytes(size+1<<20), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.BrokerMaxWriteBytes(size+2<<20), kgo.MaxBufferedBytes(2*size))
	send(t, client, "large", 0, []byte(`{"text": "before"}`))
	send(t, client, "large", 0, value)
	send(t, client, "large", 0, []byte(`{"text": "behind"}`))
	s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"large"}})
	g := ended(t, read(t, s, plan(t, s)[0], 0))
	if len(g.rows) != 3 || !strings.HasSuffix(g.rows[1], string(value)) || !strings.HasSuffix(g.rows[2], `{"text": "behind"}`) {
		t.Errorf("%d rows, rejects %d", len(g.rows), len(g.rejects))
	}
	small := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"large"}, MaxRecord: 1 << 20})
	g = ended(t, read(t, small, plan(t, small)[0], 0))
	if len(g.rows) != 2 || len(g.rejects) != 1 || !strings.HasPrefix(g.rejects[0], "1 too_large") {
		t.Errorf("%d rows, rejects %v", len(g.rows), g.rejects)
	}
}

// compacted reads a topic with tombstones whose old records were cleaned away.
func compacted(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("compacted", 1, "cleanup.policy=compact", "segment.bytes=1048576", "message.timestamp.type=LogAppendTime")
	client := producer(t, cluster.Bootstrap)
	for i := range 5 {
		rec := recordOf(nil, fmt.Sprint(i%2))
		if rec.Topic = "compacted"; i < 4 {
			rec.Value = objects(i, i+1)[0]
		}
		rec.Timestamp = time.UnixMilli(1000)
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"compacted"}, Keep: []string{"timestamp", "key"}})
	g := ended(t, read(t, s, plan(t, s)[0], 0))
	if len(g.rows) != 4 || len(g.rejects) != 1 || !strings.HasPrefix(g.rejects[0], "4 tombstone") || strings.Contains(g.rows[0], "1970") {
		t.Errorf("%+v", g)
	}
}

// flipped changes one bit of a batch on the broker's disk.
func flipped(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("flipped", 1)
	client := producer(t, cluster.Bootstrap, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	for i := range 10 {
		send(t, client, "flipped", 0, objects(100*i, 100*i+100)...)
	}
	client.Close()
	cluster.Stop()
	logs, err := filepath.Glob(filepath.Join(cluster.Dir, "node1", "flipped-0", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(b); at += 12 + int(binary.BigEndian.Uint32(b[at+8:])) {
		if binary.BigEndian.Uint64(b[at:]) == 500 {
			b[at+100] ^= 1
		}
	}
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	cluster.Restart(1)
	s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"flipped"}})
	g := ended(t, read(t, s, plan(t, s)[0], 0))
	if len(g.rows) != 900 || len(g.rejects) != 1 || !strings.HasPrefix(g.rejects[0], "500 corrupt_batch offsets 500-599: its checksum") {
		t.Errorf("%d rows, rejects %v", len(g.rows), g.rejects)
	}
}

// TestApacheKafkaFailover kills the leader of a partition that is being written and read.
func TestApacheKafkaFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("starts brokers")
	}
	cluster := broker.Start(t, 3, "broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500")
	cluster.Topic("a", 1, "min.insync.replicas=2")
	const n = 20_000
	client := producer(t, cluster.Bootstrap, kgo.ProducerBatchMaxBytes(16<<10), kgo.ProducerLinger(5*time.Millisecond))
	var failed atomic.Int64
	written := make(chan struct{})
	go func() {
		defer close(written)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := range n {
			client.Produce(context.Background(), &kgo.Record{Topic: "a", Value: fmt.Appendf(nil, `{"id": %d}`, i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Add(1)
				}
			})
			if i%4 == 0 {
				<-tick.C
			}
		}
		_ = client.Flush(context.Background())
	}()
	s := open(t, Config{Brokers: cluster.Bootstrap, Topics: []string{"a"}, Stop: Never()})
	r, err := s.Open(t.Context(), plan(t, s)[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	seen, killed := 0, 0
	began, last, longest := time.Now(), time.Now(), time.Duration(0)
	for seen < n {
		b, err := r.Next(t.Context())
		if errors.Is(err, pipeline.ErrIdle) && time.Since(began) < 80*time.Second {
			continue
		}
		if err != nil {
			t.Fatalf("after %d records: %v", seen, err)
		}
		for i := range b.NumRows() {
			if want := fmt.Sprintf(`{"id": %d}`, seen); string(b.Lines.Row(i)) != want {
				t.Fatalf("offset %d: %s, want %s", b.Position(i), b.Lines.Row(i), want)
			}
			seen++
		}
		b.Release()
		longest, last = max(longest, time.Since(last)), time.Now()
		if killed == 0 && seen > n/4 {
			killed = leader(t, cluster.Bootstrap)
			cluster.Kill9(killed)
		}
	}
	<-written
	t.Logf("%d records in %s, leader %d killed, the longest wait %s", seen, time.Since(began), killed, longest)
	if failed.Load() > 0 || killed == 0 {
		t.Errorf("%d records were not written, node %d killed", failed.Load(), killed)
	}
}

func leader(t *testing.T, addrs []string) int {
	t.Helper()
	client := kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport(t)}
	m, err := client.Metadata(t.Context(), &kafkago.MetadataRequest{Topics: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	return m.Topics[0].Partitions[0].Leader.ID
}
