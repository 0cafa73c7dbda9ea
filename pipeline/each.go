package pipeline

import (
	"context"
	"errors"
	"io"
)

// EachBatch calls f for every batch of a partition, in order, and releases each behind it.
func EachBatch(ctx context.Context, src Source, p Partition, f func(*Batch) error) (err error) {
	in, err := src.Open(ctx, p, p.First)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		b, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = f(&b)
		b.Release()
		if err != nil {
			return err
		}
	}
}
