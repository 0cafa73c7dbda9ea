package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Committed reads the committed records of a topic up to where it ends now, by partition and offset.
func Committed(t testing.TB, bootstrap []string, topic string) (out []*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ends := committedEnds(ctx, t, bootstrap, topic)
	// Control records tell how far it has read where the last ones are of transactions.
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("topic %s: %d records read, not yet up to %v: %v", topic, len(out), ends, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, open := ends[r.Partition]; open && r.Offset >= end-1 {
				delete(ends, r.Partition)
			}
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
		})
	}
	slices.SortFunc(out, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	return out
}

// committedEnds gives the last stable offset of each partition that is not empty.
func committedEnds(ctx context.Context, t testing.TB, bootstrap []string, topic string) map[int32]int64 {
	t.Helper()
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(bootstrap...), Transport: transport}
	for {
		ends, err := lastStable(ctx, client, topic)
		if err == nil {
			return ends
		}
		if time.Sleep(200 * time.Millisecond); ctx.Err() != nil { // on a loaded machine a broker takes its time
			t.Fatalf("the ends of topic %s: %v", topic, err)
		}
	}
}

func lastStable(ctx context.Context, client *kafka.Client, topic string) (map[int32]int64, error) {
	m, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err == nil && len(m.Topics) == 1 {
		err = m.Topics[0].Error
	}
	if err != nil {
		return nil, err
	}
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}, IsolationLevel: kafka.ReadCommitted}
	for _, p := range m.Topics[0].Partitions {
		req.Topics[topic] = append(req.Topics[topic], kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	res, err := client.ListOffsets(ctx, req)
	if err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		if p.LastOffset > p.FirstOffset {
			ends[int32(p.Partition)] = p.LastOffset
		}
	}
	return ends, nil
}
