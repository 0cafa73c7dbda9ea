package fetch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func fake(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.SeedTopics(1, "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	return cluster, New(Config{Transport: transport, Addr: kafka.TCP(cluster.ListenAddrs()...), MaxWait: 100 * time.Millisecond, Patience: 5 * time.Second, Committed: true})
}

func produce(t *testing.T, addrs []string, from, to int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := from; i < to; i++ {
		if err := client.ProduceSync(context.Background(), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// take reads n records and checks that they are those from first on.
func take(t *testing.T, s *Stream, first, n int) {
	t.Helper()
	for i := range n {
		rec, err := s.Next(t.Context())
		for errors.Is(err, ErrNothing) {
			rec, err = s.Next(t.Context())
		}
		if want := fmt.Sprint(first + i); err != nil || string(rec.Value) != want || rec.Offset != int64(first+i) {
			t.Fatalf("record %s: %d %q, %v", want, rec.Offset, rec.Value, err)
		}
	}
}

func TestStreamSurvivesFaults(t *testing.T) {
	cluster, c := fake(t)
	produce(t, cluster.ListenAddrs(), 0, 20)
	recovered := 0
	c.cfg.Recovered = func(context.Context, string) error { recovered++; return nil }
	s := c.Stream("t", 0, 0)
	defer s.Close()
	take(t, s, 0, 20)
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrNothing) {
		t.Fatalf("at the end: %v", err)
	}
	calls := 0
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if calls++; calls < 3 {
			return nil, errors.New("the connection breaks"), true
		}
		return nil, nil, false
	})
	produce(t, cluster.ListenAddrs(), 20, 30)
	take(t, s, 20, 10)
	if recovered == 0 {
		t.Error("nobody heard of the recovery")
	}
	for node := int32(0); node < 3; node++ {
		if err := cluster.MoveTopicPartition("t", 0, node); err != nil {
			t.Fatal(err)
		}
		produce(t, cluster.ListenAddrs(), 30+int(node)*10, 40+int(node)*10)
		take(t, s, 30+int(node)*10, 10)
	}
}

// TestStreamYields: a stream that yields comes back while brokers break connections, lead nothing or keep silent, says nothing of it
// but ErrNothing, and has every record afterwards.
func TestStreamYields(t *testing.T) {
	notLeading := func(r *kmsg.FetchRequest) kmsg.Response {
		res := r.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = r.Topics[0].Topic
		part := kmsg.NewFetchResponseTopicPartition()
		part.ErrorCode = kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, part)
		res.Topics = append(res.Topics, topic)
		return res
	}
	for name, fault := range map[string]func(r *kmsg.FetchRequest, over chan struct{}) (kmsg.Response, error, bool){
		"broken": func(*kmsg.FetchRequest, chan struct{}) (kmsg.Response, error, bool) {
			return nil, errors.New("broken"), true
		},
		"homeless": func(r *kmsg.FetchRequest, _ chan struct{}) (kmsg.Response, error, bool) {
			return notLeading(r), nil, true
		},
		"silent": func(_ *kmsg.FetchRequest, over chan struct{}) (kmsg.Response, error, bool) {
			<-over
			return nil, nil, false
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := fake(t)
			produce(t, cluster.ListenAddrs(), 0, 10)
			recovered := 0
			c.cfg.Recovered = func(context.Context, string) error { recovered++; return nil }
			s := c.Stream("t", 0, 0)
			defer s.Close()
			s.Yield()
			take(t, s, 0, 10)
			produce(t, cluster.ListenAddrs(), 10, 20)
			over := make(chan struct{})
			cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
				select {
				case <-over:
					return nil, nil, false
				default:
					cluster.KeepControl()
					return fault(r.(*kmsg.FetchRequest), over)
				}
			})
			for range 5 {
				began := time.Now()
				if _, err := s.Next(t.Context()); !errors.Is(err, ErrNothing) {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 3*time.Second { // a retry waits for a second at most
					t.Errorf("it came back after %s", took)
				}
			}
			close(over)
			take(t, s, 10, 10)
			if want := map[bool]int{true: 0, false: 1}[name == "silent"]; recovered != want { // silence is no error yet
				t.Errorf("it recovered %d times", recovered)
			}
		})
	}
}

// TestStreamYieldsAndGivesUp: patience is that for the outage, however often the stream comes back meanwhile; and a stream that is
// closed while it is owed an answer leaves nothing behind.
func TestStreamYieldsAndGivesUp(t *testing.T) {
	cluster, c := fake(t)
	c.cfg.Patience = time.Second
	part := kmsg.NewFetchResponseTopicPartition()
	part.ErrorCode = kerr.NotLeaderForPartition.Code
	answer(cluster, &part)
	s := c.Stream("t", 0, 0)
	s.Yield()
	times := 0
	_, err := s.Next(t.Context())
	for ; errors.Is(err, ErrNothing); times++ {
		_, err = s.Next(t.Context())
	}
	if e, ok := errors.AsType[*UnreachableError](err); !ok || times < 2 || e.For < c.cfg.Patience {
		t.Errorf("after %d times: %v", times, err)
	}
	s.Close()

	cluster, c = fake(t)
	over := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		<-over
		return nil, nil, false
	})
	s = c.Stream("t", 0, 0)
	s.Yield()
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrNothing) || s.pending == nil {
		t.Error(err)
	}
	s.Close()
	done := make(chan struct{})
	go func() { c.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("the request goes on without anybody")
	}
	close(over)
}

func TestStreamSaysWhatIsLost(t *testing.T) {
	cluster, c := fake(t)
	produce(t, cluster.ListenAddrs(), 0, 20)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = "t"
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Offset = 8
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	if _, err := client.Request(t.Context(), &req); err != nil {
		t.Fatal(err)
	}
	s := c.Stream("t", 0, 3)
	defer s.Close()
	_, err = s.Next(t.Context())
	if e, ok := errors.AsType[*LostError](err); !ok || e.From != 3 || e.To != 8 {
		t.Fatal(err)
	}
	take(t, s, 8, 12)
	beyond := c.Stream("t", 0, 21)
	defer beyond.Close()
	_, err = beyond.Next(t.Context())
	if e, ok := errors.AsType[*BeyondError](err); !ok || e.Offset != 21 || e.End != 20 {
		t.Fatal(err)
	}
}

func TestStreamGivesUp(t *testing.T) {
	cluster, c := fake(t)
	produce(t, cluster.ListenAddrs(), 0, 1)
	c.cfg.Patience = 300 * time.Millisecond
	part := kmsg.NewFetchResponseTopicPartition()
	part.ErrorCode = kerr.NotLeaderForPartition.Code
	answer(cluster, &part)
	s := c.Stream("t", 0, 0)
	_, err := s.Next(t.Context())
	if e, ok := errors.AsType[*UnreachableError](err); !ok || !errors.Is(e, kafka.NotLeaderForPartition) {
		t.Error(err)
	}
	part.ErrorCode = kerr.TopicAuthorizationFailed.Code
	if _, err := s.Next(t.Context()); !errors.Is(err, kafka.TopicAuthorizationFailed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	cancel(stop)
	if _, err := s.Next(ctx); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// answer has the brokers answer every fetch with part.
func answer(cluster *kfake.Cluster, part *kmsg.FetchResponseTopicPartition) {
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = req.Topics[0].Topic
		topic.Partitions = append(topic.Partitions, *part)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
}

func TestStreamSeesWhatIsLostInResponses(t *testing.T) {
	cluster, c := fake(t)
	part := kmsg.NewFetchResponseTopicPartition()
	part.HighWatermark, part.LastStableOffset, part.LogStartOffset = 20, 20, 12
	part.RecordBatches = craft(t, 12, 0, 0, -1, sample...)
	answer(cluster, &part)
	s := c.Stream("t", 0, 5)
	defer s.Close()
	_, err := s.Next(t.Context())
	if e, ok := errors.AsType[*LostError](err); !ok || e.From != 5 || e.To != 12 {
		t.Fatal(err)
	}
	if rec, err := s.Next(t.Context()); err != nil || rec.Offset != 12 || s.Start() != 12 || s.End() != 20 || !s.Buffered() {
		t.Error(rec, err)
	}
	part.RecordBatches = part.RecordBatches[:90] // the first batch is to come whole
	cut := c.Stream("t", 0, 12)
	defer cut.Close()
	_, err = cut.Next(t.Context())
	if _, ok := errors.AsType[*FormatError](err); !ok {
		t.Error(err)
	}
}

func TestTopicIDs(t *testing.T) {
	_, c := fake(t)
	ids, err := c.TopicIDs(t.Context(), []string{"t", "absent"})
	if err != nil || len(ids) != 1 || len(ids["t"]) != 32 {
		t.Fatalf("%v %v", ids, err)
	}
	end, err := c.Offset(t.Context(), "t", 0, Latest)
	if err != nil || end != 0 {
		t.Error(end, err)
	}
}

// TestStreamAheadOfTheEnd: a broker notes the end of a partition before it reads. What was added in between comes with an end
// that is too early, and is no damage; what is ahead of the end for good is.
func TestStreamAheadOfTheEnd(t *testing.T) {
	for name, fresh := range map[string]int{"soon": 2, "never": 1000} {
		t.Run(name, func(t *testing.T) {
			cluster, c := fake(t)
			part := kmsg.NewFetchResponseTopicPartition()
			part.LastStableOffset, part.RecordBatches = 20, craft(t, 12, 0, 0, -1, sample...)
			asked := 0
			cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				part.HighWatermark = 12 // of the batch that is there
				if asked++; asked > fresh {
					part.HighWatermark = 20
				}
				res := r.(*kmsg.FetchRequest).ResponseKind().(*kmsg.FetchResponse)
				topic := kmsg.NewFetchResponseTopic()
				topic.Topic, topic.Partitions = "t", []kmsg.FetchResponseTopicPartition{part}
				res.Topics = append(res.Topics, topic)
				return res, nil, true
			})
			s := c.Stream("t", 0, 12)
			defer s.Close()
			rec, err := s.Next(t.Context())
			if _, damaged := errors.AsType[*FormatError](err); damaged != (name == "never") || !damaged && (err != nil || rec.Offset != 12) {
				t.Errorf("%v %v after %d responses", rec, err, asked)
			}
		})
	}
}

func TestShareBytes(t *testing.T) {
	for partitions, want := range map[int]int32{0: 8 << 20, 4: 8 << 20, 16: 4 << 20, 64: 1 << 20, 5000: 256 << 10} {
		c := New(Config{})
		if c.ShareBytes(64<<20, partitions); c.cfg.MaxBytes != want {
			t.Errorf("%d partitions: %d bytes, want %d", partitions, c.cfg.MaxBytes, want)
		}
	}
}
