package compact

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// foldAt is how many records of commits and merges may gather before one is put in their place.
const foldAt = 64

// Apart keeps the folds and merges of a process apart where they concern the same partition: a fold would undo the merge that is
// being made. The zero value is ready.
type Apart struct{ parts sync.Map }

func (a *Apart) of(p pipeline.Partition) *sync.Mutex {
	mu, _ := a.parts.LoadOrStore(p.ID, new(sync.Mutex))
	return mu.(*sync.Mutex)
}

// Fold puts one record in the place of the records of commits and merges of each partition without an end, which else would be
// more and more. It leaves out those of which files are being merged, where a Job folds itself. Other processes may do the same at
// once: one of them gives way.
func (a *Apart) Fold(ctx context.Context, log *commitlog.Log) error {
	parts, err := log.Partitions(ctx)
	if err != nil {
		return err
	}
	for _, p := range parts {
		mu := a.of(p)
		if !mu.TryLock() {
			continue
		}
		err := fold(ctx, log, p)
		mu.Unlock()
		if err != nil {
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
