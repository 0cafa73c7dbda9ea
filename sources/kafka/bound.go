package kafka

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"inoculate/sources/kafka/fetch"
)

type boundKind uint8

const (
	unset boundKind = iota
	earliest
	latest
	moment
	offsets
	never
)

// A Bound is where reading starts or stops, in each partition. The zero value is the default of its place.
type Bound struct {
	kind    boundKind
	at      time.Time
	offsets map[string]map[int]int64
}

// Earliest is the first record that the brokers still have.
func Earliest() Bound { return Bound{kind: earliest} }

// Latest is behind the last record that can be read when the run begins.
func Latest() Bound { return Bound{kind: latest} }

// At is the first record with a timestamp of t or later; the latest where there is none.
func At(t time.Time) Bound { return Bound{kind: moment, at: t} }

// Offsets is an offset by topic and partition, for every partition. The brokers must have it; a stop is behind the last record.
func Offsets(m map[string]map[int]int64) Bound { return Bound{kind: offsets, offsets: m} }

// Never is a stop that does not come.
func Never() Bound { return Bound{kind: never} }

// extent is what is read of a partition: offsets from first to before end; without an end where end is less than first.
type extent struct {
	topic      string
	partition  int32
	first, end int64
}

// parallel is how many partitions are asked at once.
const parallel = 8

// resolve makes offsets of the bounds, once.
func (s *Source) resolve(ctx context.Context) ([]extent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ranges != nil {
		return s.ranges, nil
	}
	var out []extent
	for _, topic := range s.cfg.Topics {
		for p := range s.counts[topic] {
			out = append(out, extent{topic: topic, partition: int32(p)})
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range out {
		group.Go(func() error { return s.resolveOne(ctx, &out[i]) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	s.ranges = out
	return out, nil
}

func (s *Source) resolveOne(ctx context.Context, x *extent) error {
	start, err := s.fetch.Offset(ctx, x.topic, x.partition, fetch.Earliest)
	if err != nil {
		return partitionError(x.topic, x.partition, err, "")
	}
	end, err := s.fetch.Offset(ctx, x.topic, x.partition, fetch.Latest)
	if err != nil {
		return partitionError(x.topic, x.partition, err, "")
	}
	if x.first, err = s.boundary(ctx, s.cfg.Start, x, start, start, end); err != nil {
		return err
	}
	if s.cfg.Stop.kind == never {
		x.end = -1
		return nil
	}
	x.end, err = s.boundary(ctx, s.cfg.Stop, x, end, start, end)
	x.end = max(x.end, x.first)
	return err
}

// boundary is the offset of a bound in a partition that has the records from start to before end.
func (s *Source) boundary(ctx context.Context, b Bound, x *extent, zero, start, end int64) (int64, error) {
	switch b.kind {
	case earliest:
		return start, nil
	case latest:
		return end, nil
	case moment:
		at, err := s.fetch.Offset(ctx, x.topic, x.partition, b.at.UnixMilli())
		if err != nil {
			return 0, partitionError(x.topic, x.partition, err, "")
		}
		if at < 0 {
			return end, nil
		}
		return min(at, end), nil
	case offsets:
		at, ok := b.offsets[x.topic][int(x.partition)]
		switch {
		case !ok:
			return 0, partitionError(x.topic, x.partition, fmt.Errorf("no offset is given for this partition"), "give one for each, or earliest, latest or a time for all")
		case at > end || at < 0:
			return 0, partitionError(x.topic, x.partition, fmt.Errorf("offset %d is outside of the partition, which ends at %d", at, end), "")
		case at < start && s.cfg.OnLost == Fail:
			return 0, partitionError(x.topic, x.partition, fmt.Errorf("offset %d was deleted by retention; the partition begins at %d", at, start), "on_lost: record goes on behind the gap")
		}
		return at, nil
	}
	return zero, nil
}
