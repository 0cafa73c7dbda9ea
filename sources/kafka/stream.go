package kafka

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"inoculate/pipeline"
	"inoculate/sources/kafka/fetch"
)

// Extents tells where the partitions begin and end now: at the first record that is kept, and behind the last one that may be
// read.
func (s *Source) Extents(ctx context.Context, parts []pipeline.Partition) ([]pipeline.Extent, error) {
	lags, err := s.Lag(ctx, parts)
	if err != nil {
		return nil, err
	}
	out := make([]pipeline.Extent, len(lags))
	for i, l := range lags {
		out[i] = pipeline.Extent{First: l.Start, End: l.High}
		if s.cfg.Isolation == ReadCommitted {
			out[i].End = l.Stable
		}
	}
	return out, nil
}

// Dates returns the timestamp of the first record from each offset on.
func (s *Source) Dates(ctx context.Context, parts []pipeline.Partition, from []int64) ([]time.Time, error) {
	out := make([]time.Time, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, p := range parts {
		group.Go(func() error {
			x, err := s.extentOf(p)
			if err != nil {
				return err
			}
			end, err := s.fetch.Offset(ctx, x.topic, x.partition, fetch.Latest)
			if err != nil || from[i] >= end {
				return err
			}
			stream := s.glance.Stream(x.topic, x.partition, from[i])
			defer stream.Close()
			stream.StopAt(end)
			rec, err := stream.Next(ctx)
			for _, ok := passable(err); ok; _, ok = passable(err) {
				rec, err = stream.Next(ctx)
			}
			switch {
			case errors.Is(err, fetch.ErrNothing):
				return nil
			case err != nil:
				return partitionError(x.topic, x.partition, err, "")
			}
			out[i] = time.UnixMilli(rec.Time)
			return nil
		})
	}
	return out, group.Wait()
}

// Grown lists the partitions that were added to the topics since, from their first record on.
func (s *Source) Grown(ctx context.Context, known []pipeline.Partition) ([]pipeline.Partition, error) {
	return s.Partitions(ctx, known)
}
