package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

const (
	// streamBytes is how much input all segments in flight of a stream may hold together: each partition has one.
	streamBytes = 128 << 20
	// minSegment is the least that a segment of a stream is cut at, however many partitions there are.
	minSegment = 1 << 20
	// growEvery is how often a stream looks for partitions that came up.
	growEvery = 10 * time.Second
	// doneEvery is how often a process that has nothing to do looks whether the others are done.
	doneEvery = time.Second
)

// stream works on the partitions that this process has, all at once, until drain is done; or, where they have ends, until
// every partition of the plan has reached its own.
func (j *Job) stream(ctx, drain context.Context, stats *Stats) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var commits atomic.Int64
	told := j.Committed
	job := *j
	job.Committed = func(p pipeline.Partition, c commitlog.Commit, sequence int) {
		commits.Add(1)
		if told != nil {
			told(p, c, sequence)
		}
	}
	var tending sync.WaitGroup
	tendCtx, stopTending := context.WithCancel(ctx)
	tend := func(f func(context.Context, *atomic.Int64) error) {
		tending.Go(func() {
			if err := f(tendCtx, &commits); err != nil {
				cancel(err)
			}
		})
	}
	if j.SealEvery > 0 && j.Seal != nil {
		tend(job.sealNowAndThen)
	}
	if j.SealEvery > 0 && j.Fold != nil {
		tend(job.foldNowAndThen)
	}
	err := job.assign(ctx, drain, stats)
	stopTending()
	tending.Wait()
	if cause := context.Cause(ctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause
	}
	return err
}

// assign serves the partitions of this process: those that the source assigns to it, or its fixed share.
func (j *Job) assign(ctx, drain context.Context, stats *Stats) error {
	known, err := j.Log.Partitions(ctx)
	if err != nil {
		return err
	}
	if a, ok := j.Source.(pipeline.Assigner); ok {
		// The source's context ends with drain, so that the group learns of it; work goes on with ctx until it is cut.
		err := a.Assign(drain, known, func(mine context.Context, parts []pipeline.Partition) error {
			for _, p := range parts {
				if p.Endless() { // it may have come up since
					if err := j.Log.Adopt(ctx, p); err != nil {
						return err
					}
				}
			}
			err := j.serve(ctx, mine, parts, stats)
			if err == nil {
				err = j.othersDone(mine)
			}
			if mine.Err() != nil && errors.Is(err, ErrDrained) {
				return nil // handed over
			}
			return err
		})
		if drain.Err() != nil && (err == nil || errors.Is(err, drain.Err())) {
			return ErrDrained
		}
		return err
	}
	if j.Owns != nil {
		known = slices.DeleteFunc(known, func(p pipeline.Partition) bool { return !j.Owns(p) })
	}
	return j.serve(ctx, drain, known, stats)
}

// othersDone waits until every partition has reached its end, whoever works on it.
func (j *Job) othersDone(ctx context.Context) error {
	for {
		progress, err := j.Log.Progress(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(progress, func(p commitlog.Progress) bool { return !p.Done }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ErrDrained
		case <-time.After(doneEvery):
		}
	}
}

// serve works on partitions until drain is done, or all are at their ends. Those that came up meanwhile are adopted.
func (j *Job) serve(ctx, drain context.Context, parts []pipeline.Partition, stats *Stats) error {
	segment := max(minSegment, min(j.SegmentBytes, streamBytes/int64(max(1, len(parts)))))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	fail := func(err error) {
		if err == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if errs = append(errs, err); !errors.Is(err, ErrDrained) {
			cancel(err)
		}
	}
	started := map[string]bool{}
	work := func(p pipeline.Partition) {
		if started[p.ID] {
			return
		}
		started[p.ID] = true
		j.event("assigned", p)
		wg.Go(func() {
			fail(j.work(ctx, drain, []pipeline.Partition{p}, 1, segment, stats))
			j.event("released", p)
		})
	}
	for _, p := range parts {
		work(p)
	}
	if grower, ok := j.Source.(pipeline.Grower); ok && slices.ContainsFunc(j.Log.Run().Plan, pipeline.Partition.Endless) {
		wg.Go(func() { fail(j.grow(ctx, drain, grower, work)) })
	}
	wg.Wait()
	return first(errs)
}

// grow adopts partitions that come up, until drain is done, and works on them. Where the source assigns, it assigns them too.
func (j *Job) grow(ctx, drain context.Context, grower pipeline.Grower, work func(pipeline.Partition)) error {
	_, assigned := j.Source.(pipeline.Assigner)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-drain.Done():
			return ErrDrained
		case <-time.After(growEvery):
		}
		known, err := j.Log.Partitions(ctx)
		if err != nil {
			return err
		}
		grown, err := grower.Grown(ctx, known)
		if err != nil {
			j.Logger.Warn("looking for partitions that came up", "error", err) // the next look may succeed
			continue
		}
		for _, p := range grown {
			if err := j.Log.Adopt(ctx, p); err != nil {
				return err
			}
			j.event("adopted", p)
		}
		for _, p := range append(known, grown...) { // some may be adopted by others
			if !assigned && (j.Owns == nil || j.Owns(p)) {
				work(p)
			}
		}
	}
}

// sealNowAndThen seals what was committed, until ctx is done. The time to the next seal is at least what the last one took; where
// more is to be merged, it goes into that.
func (j *Job) sealNowAndThen(ctx context.Context, commits *atomic.Int64) error {
	last, took := time.Now(), time.Duration(0)
	more := false
	for sealed := int64(0); ; {
		wait := j.SealEvery
		if more {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		n := commits.Load()
		if !more && (n == sealed || time.Since(last) < took) {
			continue
		}
		if j.Merge != nil {
			var err error
			if more, err = j.Merge(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		began := time.Now()
		if err := j.Seal(ctx); err != nil && ctx.Err() == nil { // the run's last seal comes after its end
			return err
		}
		last, took, sealed = time.Now(), time.Since(began), n
	}
}

// foldNowAndThen keeps the commit log short, until ctx is done, however long a seal or a merge takes meanwhile.
func (j *Job) foldNowAndThen(ctx context.Context, commits *atomic.Int64) error {
	for folded := int64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(j.SealEvery):
		}
		n := commits.Load()
		if n == folded {
			continue
		}
		if err := j.Fold(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		folded = n
	}
}
