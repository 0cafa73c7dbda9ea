package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// many is a topic "t" of several partitions with n records in each, which are their numbers, a batch for every ten.
func many(t *testing.T, brokers, partitions, n int, pad string) (*kfake.Cluster, *Client) {
	t.Helper()
	cluster, c := fake(t, kfake.NumBrokers(brokers), kfake.SeedTopics(int32(partitions), "t"))
	fill(t, cluster.ListenAddrs(), partitions, 0, n, pad)
	return cluster, c
}

func fill(t *testing.T, addrs []string, partitions, from, to int, pad string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := from; i < to; i += 10 {
		var recs []*kgo.Record
		for p := range int32(partitions) {
			for j := i; j < min(i+10, to); j++ {
				recs = append(recs, &kgo.Record{Topic: "t", Partition: p, Value: fmt.Appendf(nil, "%d", j), Key: []byte(pad)})
			}
		}
		if err := client.ProduceSync(context.Background(), recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// watched notes the partitions of each Fetch request.
type watched struct {
	mu       sync.Mutex
	requests [][]int32
}

// see notes one.
func (w *watched) see(r kmsg.Request) (parts []int32) {
	for _, topic := range r.(*kmsg.FetchRequest).Topics {
		for _, p := range topic.Partitions {
			parts = append(parts, p.Partition)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, parts)
	return parts
}

func watch1(cluster *kfake.Cluster) *watched {
	w := &watched{}
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		w.see(r)
		return nil, nil, false
	})
	return w
}

// largest is the largest number of partitions in a request. None may be in one twice.
func (w *watched) largest(t *testing.T) (n int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, parts := range w.requests {
		seen := map[int32]bool{}
		for _, p := range parts {
			if seen[p] {
				t.Errorf("partition %d is in a request twice", p)
			}
			seen[p] = true
		}
		n = max(n, len(parts))
	}
	return n
}

// takeAll reads n records of each partition at once, whose values are the numbers from first on.
func takeAll(t *testing.T, streams []*Stream, first, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for _, s := range streams {
		wg.Go(func() {
			for i := range n {
				rec, err := s.Next(t.Context())
				for errors.Is(err, ErrNothing) {
					rec, err = s.Next(t.Context())
				}
				if want := fmt.Sprint(first + i); err != nil || string(rec.Value) != want || rec.Offset != int64(first+i) {
					t.Errorf("partition %d, record %s: %d %q, %v", s.partition, want, rec.Offset, rec.Value, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func streams(t *testing.T, c *Client, n int) (out []*Stream) {
	t.Helper()
	for p := range int32(n) {
		out = append(out, c.Stream("t", p, 0))
	}
	t.Cleanup(func() {
		for _, s := range out {
			s.Close()
		}
		c.Close()
	})
	return out
}

func TestSharedRequests(t *testing.T) {
	cluster, c := many(t, 1, 8, 200, "")
	w := watch1(cluster)
	c.cfg.MaxBytes = 400
	all := streams(t, c, 8)
	takeAll(t, all, 0, 200)
	if n := w.largest(t); n < 4 {
		t.Errorf("%d partitions in a request at most, of 8", n)
	}
	for range 3 { // at the end of all, they wait together
		before := len(w.requests)
		var wg sync.WaitGroup
		for _, s := range all {
			wg.Go(func() {
				if _, err := s.Next(t.Context()); !errors.Is(err, ErrNothing) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(w.requests) - before; n > 8 {
			t.Errorf("%d requests of 8 partitions to which nothing comes", n)
		}
	}
}

// TestSharedLeaders moves partitions between brokers while they are read.
func TestSharedLeaders(t *testing.T) {
	cluster, c := many(t, 3, 6, 10, "")
	w := watch1(cluster)
	all := streams(t, c, 6)
	takeAll(t, all, 0, 10)
	for node := range int32(3) {
		for p := range int32(6) {
			if err := cluster.MoveTopicPartition("t", p, (node+p/4)%3); err != nil {
				t.Fatal(err)
			}
		}
		from := 10 + 20*int(node)
		fill(t, cluster.ListenAddrs(), 6, from, from+20, "")
		takeAll(t, all, from, 20)
	}
	if n := w.largest(t); n < 3 {
		t.Errorf("%d partitions in a request at most, of 4 with one leader", n)
	}
}

// TestSharedErrors: what is wrong with one partition is told to that one.
func TestSharedErrors(t *testing.T) {
	cluster, c := many(t, 1, 4, 100, "")
	c.cfg.MaxBytes = 300
	all := streams(t, c, 4)
	w := &watched{}
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		parts := w.see(r)
		req := r.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		if !slices.Contains(parts, 2) {
			return nil, nil, false
		}
		for _, p := range parts { // the others have nothing at the moment
			part := kmsg.NewFetchResponseTopicPartition()
			part.Partition, part.HighWatermark, part.LastStableOffset, part.LogStartOffset = p, 100, 100, 0
			if p == 2 {
				part.ErrorCode = kerr.TopicAuthorizationFailed.Code
			}
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic, topic.Partitions = "t", append(topic.Partitions, part)
			res.Topics = append(res.Topics, topic)
		}
		return res, nil, true
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := all[2].Next(t.Context())
		if !errors.Is(err, kafka.TopicAuthorizationFailed) {
			t.Errorf("the partition that fails: %v", err)
		}
	})
	takeAll(t, append(all[:2:2], all[3]), 0, 100)
	wg.Wait()
}

// TestSharedSlow: a stream that does not read on is left out, and nobody waits for it.
func TestSharedSlow(t *testing.T) {
	cluster, c := many(t, 1, 4, 100, "")
	c.cfg.MaxBytes = 300
	all := streams(t, c, 4)
	takeAll(t, all[:1], 0, 1)
	w := watch1(cluster)
	takeAll(t, all[1:], 0, 100)
	for _, parts := range w.requests {
		for _, p := range parts {
			if p == 0 {
				t.Error("the partition that is not read was asked for")
			}
		}
	}
	takeAll(t, all[:1], 1, 99)
}

// TestSharedLong: brokers send a batch that is longer than allowed to the first partition of a request only.
func TestSharedLong(t *testing.T) {
	cluster, c := many(t, 1, 6, 50, strings.Repeat("x", 500))
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		if len(req.Topics[0].Partitions) == 1 {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.FetchResponse) // nothing but the end, for all
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = "t"
		for _, p := range req.Topics[0].Partitions {
			part := kmsg.NewFetchResponseTopicPartition()
			part.Partition, part.HighWatermark, part.LastStableOffset, part.LogStartOffset = p.Partition, 50, 50, 0
			topic.Partitions = append(topic.Partitions, part)
		}
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	c.cfg.MaxBytes = 1000
	began := time.Now()
	takeAll(t, streams(t, c, 6), 0, 50)
	if took := time.Since(began); took > 5*time.Second {
		t.Error(took)
	}
}

// TestSharedLate: a partition that comes while others wait for records does not wait for their request to end.
func TestSharedLate(t *testing.T) {
	cluster, c := many(t, 1, 4, 10, "")
	c.cfg.MaxWait = 4 * time.Second
	all := streams(t, c, 4)
	takeAll(t, all, 0, 10)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range all[1:] {
		wg.Go(func() {
			if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	for i := range 3 { // they are at the broker by then, and wait for nothing but their own records
		time.AfterFunc(50*time.Millisecond, func() { fill(t, cluster.ListenAddrs(), 1, 10*i+10, 10*i+20, "") })
		began := time.Now()
		takeAll(t, all[:1], 10*i+10, 10)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the records came after %s", took)
		}
	}
	stop()
	wg.Wait()
}

// TestSharedLeave: a stream that ends takes nothing from those it shares a request with.
func TestSharedLeave(t *testing.T) {
	cluster, c := many(t, 1, 3, 10, "")
	all := streams(t, c, 3)
	takeAll(t, all, 0, 10)
	for i := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Millisecond)
		_, err := all[0].Next(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrNothing) {
			t.Fatal(err)
		}
		fill(t, cluster.ListenAddrs(), 3, 10*i+10, 10*i+20, "")
		takeAll(t, all[1:], 10*i+10, 10)
	}
	at := int(all[0].Position())
	takeAll(t, all[:1], at, 110-at)
}
