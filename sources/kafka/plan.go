package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"inoculate/pipeline"
	"inoculate/sources/kafka/fetch"
)

// Plan has one partition for each of a topic's, and leaves out those with nothing between start and stop. Positions are
// offsets. Without a stop, the end is -1.
func (s *Source) Plan(ctx context.Context) ([]pipeline.Partition, error) {
	ranges, err := s.resolve(ctx)
	if err != nil {
		return nil, err
	}
	var plan []pipeline.Partition
	for _, x := range ranges {
		if x.first != x.end {
			plan = append(plan, s.partition(x))
		}
	}
	return plan, nil
}

// guess is about how many bytes a record has; for progress only.
const guess = 1 << 10

func (s *Source) partition(x extent) pipeline.Partition {
	return pipeline.Partition{
		ID:     fmt.Sprintf("t%02d-p%04d", slices.Index(s.cfg.Topics, x.topic), x.partition),
		Source: name(x.topic, x.partition), Path: x.topic,
		First: x.first, End: x.end, Bytes: max(0, x.end-x.first) * guess, Fingerprint: s.fingerprint(x.topic),
	}
}

// extentOf finds out which partition of Kafka p is.
func (s *Source) extentOf(p pipeline.Partition) (extent, error) {
	number, ok := strings.CutPrefix(p.Source, p.Path+"/")
	n, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || !slices.Contains(s.cfg.Topics, p.Path) {
		return extent{}, &pipeline.InputError{Source: p.Source, Position: -1, Err: fmt.Errorf("it is no partition of the topics %v", s.cfg.Topics)}
	}
	return extent{topic: p.Path, partition: int32(n), first: p.First, end: p.End}, nil
}

// known says whether the topic of p is the one that p was planned for.
func (s *Source) known(p pipeline.Partition) error {
	if got := s.fingerprint(p.Path); p.Fingerprint != got {
		return &pipeline.InputError{Source: p.Source, Position: -1,
			Err:  fmt.Errorf("the run was planned for cluster and topic id %s, and these are %s", p.Fingerprint, got),
			Hint: "another cluster, or a topic that was deleted and made anew, has other records: start a new run"}
	}
	return nil
}

// Check holds the plan of an earlier start against the brokers. First is where reading goes on: the caller puts the committed
// position there. Another cluster, a topic that is gone or made anew, records that are gone and ends that never were are
// each a *pipeline.InputError.
func (s *Source) Check(ctx context.Context, plan []pipeline.Partition) error {
	for _, p := range plan {
		x, err := s.extentOf(p)
		if err != nil {
			return err
		}
		if err := s.known(p); err != nil {
			return err
		}
		if int(x.partition) >= s.counts[x.topic] {
			return partitionError(x.topic, x.partition, fmt.Errorf("the topic has %d partitions", s.counts[x.topic]), "")
		}
	}
	lags, err := s.Lag(ctx, plan)
	if err != nil {
		return err
	}
	for i, l := range lags {
		p := plan[i]
		end := l.High
		if s.cfg.Isolation == ReadCommitted {
			end = l.Stable
		}
		switch {
		case p.First == p.End:
		case l.Start > p.First && s.cfg.OnLost == Fail:
			return &pipeline.InputError{Source: p.Source, Position: p.First, Hint: "on_lost: record goes on behind the gap",
				Err: fmt.Errorf("offsets %d-%d were deleted by retention", p.First, l.Start-1)}
		case max(p.First, p.End) > end:
			return &pipeline.InputError{Source: p.Source, Position: p.First,
				Err: fmt.Errorf("the partition ends at offset %d, and the run reads to %d", end, max(p.First, p.End))}
		}
	}
	return nil
}

// Partitions lists the partitions that have come since a plan without a stop was made, from their first record on. A plan
// with a stop has all of its partitions.
func (s *Source) Partitions(ctx context.Context, plan []pipeline.Partition) ([]pipeline.Partition, error) {
	if s.cfg.Stop.kind != never {
		return nil, nil
	}
	m, err := s.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: s.cfg.Topics})
	if err != nil {
		return nil, s.inputError(err, "")
	}
	counts := map[string]int{}
	for _, t := range m.Topics {
		counts[t.Name] = len(t.Partitions)
	}
	var out []pipeline.Partition
	for _, topic := range s.cfg.Topics {
		for n := range counts[topic] {
			p := s.partition(extent{topic: topic, partition: int32(n), end: -1})
			if !slices.ContainsFunc(plan, func(q pipeline.Partition) bool { return q.ID == p.ID }) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// Lag is where a partition begins and ends at the brokers.
type Lag struct {
	Partition string // id
	Start     int64  // of the first record that is not deleted
	High      int64  // behind the last record that all replicas have
	Stable    int64  // at the first open transaction; High without one
}

// Lag asks where the partitions of a plan begin and end.
func (s *Source) Lag(ctx context.Context, plan []pipeline.Partition) ([]Lag, error) {
	out := make([]Lag, len(plan))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, p := range plan {
		group.Go(func() error {
			x, err := s.extentOf(p)
			if err != nil {
				return err
			}
			out[i], err = s.lag(ctx, x)
			if out[i].Partition = p.ID; err != nil {
				return partitionError(x.topic, x.partition, err, "")
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Source) lag(ctx context.Context, x extent) (l Lag, err error) {
	if l.Start, err = s.fetch.Offset(ctx, x.topic, x.partition, fetch.Earliest); err != nil {
		return l, err
	}
	if l.Stable, err = s.fetch.Offset(ctx, x.topic, x.partition, fetch.Latest); err != nil {
		return l, err
	}
	l.High, err = s.fetch.HighWatermark(ctx, x.topic, x.partition)
	return l, err
}

// Ack leaves next as the offset of Config.Group, for tools that show lag. Nothing is ever read from there.
func (s *Source) Ack(ctx context.Context, p pipeline.Partition, next int64) error {
	if s.cfg.Group == "" {
		return nil
	}
	x, err := s.extentOf(p)
	if err != nil {
		return err
	}
	res, err := s.client.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{GroupID: s.cfg.Group, GenerationID: -1,
		Topics: map[string][]kafkago.OffsetCommit{x.topic: {{Partition: int(x.partition), Offset: next}}}})
	if err == nil {
		for _, c := range res.Topics[x.topic] {
			err = c.Error
		}
	}
	if err != nil {
		return fmt.Errorf("committing offset %d of %s to group %s: %w", next, p.Source, s.cfg.Group, err)
	}
	return nil
}
