package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest"
)

// fake starts brokers of kfake's.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// producer writes to the partitions that records name.
func producer(t *testing.T, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// send produces values to one partition, all in one batch where they fit; nil is null.
func send(t *testing.T, client *kgo.Client, topic string, partition int32, values ...[]byte) {
	t.Helper()
	var recs []*kgo.Record
	for _, v := range values {
		recs = append(recs, &kgo.Record{Topic: topic, Partition: partition, Value: v})
	}
	if err := client.ProduceSync(context.Background(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func objects(from, to int) (out [][]byte) {
	for i := from; i < to; i++ {
		out = append(out, fmt.Appendf(nil, `{"id": %d,  "text": "%s"}`, i, strings.Repeat("x", i%37)))
	}
	return out
}

// got is what a reader gave, as text.
type got struct {
	rows, rejects []string
	next          int64
	err           error // that ended it: io.EOF, pipeline.ErrIdle
}

// read reads one partition up to its end, or until it is idle.
func read(t *testing.T, s *Source, p pipeline.Partition, from int64) (g got) {
	t.Helper()
	r, err := s.Open(t.Context(), p, from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.(*Reader).tail = 300 * time.Millisecond
	for {
		b, err := r.Next(t.Context())
		if err != nil {
			g.err = err
			return g
		}
		g.next = b.Next
		for i := range b.NumRows() {
			line := fmt.Sprint(b.Position(i))
			for c := range b.Record.Columns() {
				line += " " + b.Record.Column(c).ValueStr(i)
			}
			if b.Lines != nil {
				line += " " + string(b.Lines.Row(i))
			}
			g.rows = append(g.rows, line)
		}
		for _, x := range b.Rejects {
			g.rejects = append(g.rejects, fmt.Sprintf("%d %s %s", x.Position, x.Reason, x.Detail))
		}
		b.Release()
	}
}

// open makes a source whose memory is checked when the test ends.
func open(t *testing.T, cfg Config) *Source {
	t.Helper()
	mem := pipelinetest.NewDirty()
	cfg.Mem = mem
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 100 * time.Millisecond
	}
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		mem.AssertSize(t, 0)
	})
	return s
}

func plan(t *testing.T, s *Source) []pipeline.Partition {
	t.Helper()
	p, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inputError checks that err is one, and says want.
func inputError(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*pipeline.InputError](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an input error with %q", err, want)
	}
}

// ended checks that all was read.
func ended(t *testing.T, g got) got {
	t.Helper()
	if !errors.Is(g.err, io.EOF) {
		t.Fatal(g.err)
	}
	return g
}

// grow gives a topic more partitions.
func grow(t *testing.T, addrs []string, topic string, n int32) {
	t.Helper()
	client := kafkago.Client{Addr: kafkago.TCP(addrs...), Transport: transport(t)}
	res, err := client.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: topic, Count: n}}})
	if err != nil || res.Errors[topic] != nil {
		t.Fatal(err, res)
	}
}

func transport(t *testing.T) *kafkago.Transport {
	tr := &kafkago.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func recordOf(value []byte, key string) *kgo.Record {
	return &kgo.Record{Topic: "a", Key: []byte(key), Value: value}
}
