package compact

import (
	"context"
	"errors"
	"fmt"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// foldAt is how many records of commits and merges may gather before one is put in their place.
const foldAt = 64

// Fold puts one record in the place of the records of commits and merges of each partition without an end, which else would be
// more and more. Others may do the same at once: one of them gives way.
func Fold(ctx context.Context, log *commitlog.Log) error {
	parts, err := log.Partitions(ctx)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := fold(ctx, log, p); err != nil {
			return err
		}
	}
	return nil
}

func fold(ctx context.Context, log *commitlog.Log, p pipeline.Partition) error {
	if !p.Endless() {
		return nil
	}
	if _, err := log.Fold(ctx, p, foldAt); err != nil && !errors.Is(err, commitlog.ErrFenced) {
		return fmt.Errorf("folding the records of %s: %w", p.Source, err)
	}
	return nil
}
