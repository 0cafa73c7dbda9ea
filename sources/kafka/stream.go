package kafka

import (
	"context"

	"inoculate/pipeline"
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

// Grown lists the partitions that were added to the topics since, from their first record on.
func (s *Source) Grown(ctx context.Context, known []pipeline.Partition) ([]pipeline.Partition, error) {
	return s.Partitions(ctx, known)
}
