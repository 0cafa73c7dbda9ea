package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// ErrDrained says that a run was asked to stop, and stopped with everything it had begun committed.
var ErrDrained = errors.New("stopped on request; the same command goes on from here")

// A PartitionError says in which partition, and after which committed position, a run failed.
type PartitionError struct {
	Partition pipeline.Partition
	Next      int64 // committed up to here
	Stage     string
	Err       error
}

func (e *PartitionError) Error() string { return fmt.Sprintf("%s: %v", e.Stage, e.Err) }

func (e *PartitionError) Unwrap() error { return e.Err }

// A RejectsError says that more records were rejected than the config allows.
type RejectsError struct{ Rejects, Allowed int64 }

func (e *RejectsError) Error() string {
	return fmt.Sprintf("%d records rejected, %d allowed", e.Rejects, e.Allowed)
}

// Run processes every partition of the run's plan to its end, with as many workers as the job says. When drain is done,
// each worker finishes the segment it is in, and Run returns ErrDrained; when ctx is, work in flight is given up. Several
// processes may run one job at once: each takes what is left of a partition when it comes to it. Partitions without an end
// are worked on until drain.
func (j *Job) Run(ctx, drain context.Context, stats *Stats) error {
	plan := j.Log.Run().Plan
	_, shared := j.Source.(pipeline.Assigner)
	if shared || slices.ContainsFunc(plan, pipeline.Partition.Endless) {
		return j.stream(ctx, drain, stats)
	}
	if j.Owns != nil {
		plan = slices.DeleteFunc(slices.Clone(plan), func(p pipeline.Partition) bool { return !j.Owns(p) })
	}
	return j.work(ctx, drain, plan, j.Workers, j.SegmentBytes, stats)
}

// work processes partitions to their ends, some at a time.
func (j *Job) work(ctx, drain context.Context, plan []pipeline.Partition, workers int, segment int64, stats *Stats) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	start := 0
	if len(plan) > 1 {
		start = rand.IntN(len(plan)) // processes that start together begin at different places
	}
	var wg sync.WaitGroup
	errs := make([]error, max(1, workers))
	for w := range errs {
		wg.Go(func() {
			worker, err := j.newWorker(stats, segment)
			if err != nil {
				errs[w] = err
				cancel(err)
				return
			}
			defer worker.close()
			for {
				k := int(next.Add(1)) - 1
				if k >= len(plan) {
					return
				}
				if err := worker.partition(ctx, drain, plan[(start+k)%len(plan)]); err != nil {
					if errs[w] = err; !errors.Is(err, ErrDrained) {
						cancel(err)
					}
					return
				}
				stats.Partitions.Add(1)
			}
		})
	}
	wg.Wait()
	return first(errs)
}

// first is the error that stopped the run: not one that only says that another worker was stopped.
func first(errs []error) (out error) {
	for _, err := range errs {
		switch {
		case err == nil:
		case out == nil, errors.Is(out, context.Canceled) && !errors.Is(err, context.Canceled), errors.Is(out, ErrDrained):
			out = err
		}
	}
	return out
}

// partition works on one partition until its chain has reached the planned end.
func (w *worker) partition(ctx, drain context.Context, p pipeline.Partition) (err error) {
	chain, err := w.job.Log.Chain(ctx, p)
	if err != nil {
		return err
	}
	var reader pipeline.Reader
	defer func() {
		if reader != nil {
			err = errors.Join(err, reader.Close())
		}
		err = errors.Join(err, w.undeliver(ctx))
	}()
	for !chain.Done() {
		if drain.Err() != nil {
			return ErrDrained
		}
		if w.job.Outlet != nil && w.out == nil {
			if chain, err = w.deliver(ctx, p); errors.Is(err, pipeline.ErrTaken) {
				if err = w.undeliver(ctx); err == nil {
					chain, err = w.giveWay(ctx, drain, p)
				}
			}
			if err != nil {
				return err
			}
			continue
		}
		if reader == nil {
			if reader, err = w.open(ctx, p, chain.Next); err != nil {
				return &PartitionError{p, chain.Next, "opening input", err}
			}
		}
		commit, err := w.segment(ctx, drain, p, reader, chain.Next)
		if err == nil && commit.Next == commit.First {
			return ErrDrained // nothing has arrived
		}
		if err == nil {
			if err = w.commit(ctx, chain, commit); err != nil && !errors.Is(err, commitlog.ErrFenced) && !errors.Is(err, pipeline.ErrTaken) {
				return &PartitionError{p, chain.Next, "committing", err}
			}
		}
		if taken := errors.Is(err, pipeline.ErrTaken); taken || errors.Is(err, commitlog.ErrFenced) {
			// Another process was faster: go on from where it got to.
			w.job.event("fenced", p, "first", chain.Next)
			if err = errors.Join(chain.Discard(ctx, commit.Files), reader.Close(), w.undeliver(ctx)); err != nil {
				return &PartitionError{p, chain.Next, "giving way to another process", err}
			}
			reader = nil
			if taken {
				chain, err = w.giveWay(ctx, drain, p)
			} else {
				chain, err = w.job.Log.Chain(ctx, p)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		w.taken = 0
		w.job.Logger.Debug("committed", "partition", p.ID, "first", commit.First, "next", commit.Next, "rows", commit.Counts[pipeline.CountIn])
		if w.job.Committed != nil {
			w.job.Committed(p, commit, chain.Records())
		}
		if acker, ok := w.job.Source.(pipeline.Acker); ok {
			if err := acker.Ack(ctx, p, chain.Next); err != nil { // a hint: the commit log decides
				w.job.Logger.Warn("the source was not told how far it is committed", "partition", p.Source, "next", chain.Next, "error", err)
			}
		}
	}
	return nil
}

// event tells of what happened to a partition.
func (j *Job) event(name string, p pipeline.Partition, args ...any) {
	j.Logger.Info(name, append([]any{"partition", p.Source}, args...)...)
	if j.Event != nil {
		j.Event(name, p)
	}
}

func (w *worker) open(ctx context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	if w.prior != nil {
		if err := w.prior.Reset(ctx, p, from); err != nil {
			return nil, err
		}
	}
	return w.job.Source.Open(ctx, p, from)
}

// segment reads from first to the next cut, and writes the segment's files. A stream is cut by time too, and when drain is
// done; then the segment may be empty.
func (w *worker) segment(ctx, drain context.Context, p pipeline.Partition, reader pipeline.Reader, first int64) (c commitlog.Commit, err error) {
	s := w.begin(p, first)
	defer func() { err = errors.Join(err, s.abort()) }()
	next := first
	var began time.Time // when the first record came
	cutter, cuts := reader.(pipeline.Cutter)
	for {
		if ctx.Err() != nil {
			return c, context.Cause(ctx)
		}
		if cuts {
			room := int64(0)
			if w.job.SegmentRows > 0 {
				room = w.job.SegmentRows - s.counts[pipeline.CountIn]
			}
			cutter.Cut(next == first, room)
		}
		b, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			next = p.End
			break
		}
		if errors.Is(err, pipeline.ErrCut) && next > first {
			break
		}
		idle := errors.Is(err, pipeline.ErrIdle) && p.Endless()
		if err != nil && !idle {
			return c, &PartitionError{p, first, "reading", err}
		}
		if !idle {
			if next == first {
				began = time.Now()
			}
			next = b.Next
			err = w.batch(ctx, s, &b)
			s.bytes += b.Bytes
			b.Release()
			if err != nil {
				return c, err
			}
		}
		if !idle && w.job.SegmentRows > 0 && s.counts[pipeline.CountIn] >= w.job.SegmentRows {
			break
		}
		if !p.Endless() {
			if s.bytes >= w.segmentBytes || next >= p.End {
				break
			}
		} else if drain.Err() != nil || next > first && (s.bytes >= w.segmentBytes || time.Since(began) >= w.job.Every) {
			break
		}
	}
	if next == first {
		return commitlog.Commit{First: first, Next: first}, nil
	}
	if err := w.writeTrace(ctx, s); err != nil {
		return c, err
	}
	if err := s.writeKeys(ctx); err != nil {
		return c, err
	}
	files, err := s.close(ctx)
	if err != nil {
		c.Files = files // for those who are fenced
		return c, &PartitionError{p, first, "writing", err}
	}
	if err := s.balance(); err != nil {
		return c, &PartitionError{p, first, "counting", err}
	}
	return commitlog.Commit{First: first, Next: next, Files: files, Counts: s.counts, Bytes: s.bytes}, nil
}
