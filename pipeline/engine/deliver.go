package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// defaultTakeover is how long a partition that another process has taken has to stand still before it is taken back.
const defaultTakeover = 10 * time.Second

// deliver opens the outlet for p, and makes the outlet and the log agree: what the outlet has committed is committed, and
// nothing else. From then on nobody else can commit there, so the chain is read after it.
func (w *worker) deliver(ctx context.Context, p pipeline.Partition) (*commitlog.Chain, error) {
	var err error
	if w.out, err = w.job.Outlet.Open(ctx, w.job.Log.Run().ID, p); err != nil {
		return nil, &PartitionError{p, p.First, "opening the outlet", err}
	}
	chain, err := w.job.Log.Chain(ctx, p)
	if err != nil || !w.job.Outlet.Exact() {
		return chain, err
	}
	switch next, token, ok := w.out.Position(); {
	case ok && next == chain.Next:
	case ok && next > chain.Next:
		// The last owner died between the commit of the outlet and that of the log: the first one has decided.
		if err = chain.CommitPrepared(ctx, token); err == nil && chain.Next != next {
			err = fmt.Errorf("the outlet has it up to %d, what was prepared here ends at %d", next, chain.Next)
		}
		w.job.event("settled", p, "next", next)
	case ok:
		err = fmt.Errorf("the outlet has it up to %d, the commit log up to %d: the outlet's positions were set back (was its group of offsets reset, or the cluster restored?)", next, chain.Next)
	default:
		prepared, ierr := chain.IsPrepared()
		if err = ierr; err == nil && prepared {
			err = errors.New("a segment was about to be committed when the run was cut off, and the outlet has forgotten whether it was (offsets of a group expire when a run stands still for long): look whether its rows are there, and start a new run")
		}
		if err == nil {
			err = w.out.Commit(ctx, chain.Next, "") // from here on it knows where it is
		}
	}
	if err != nil {
		return nil, &PartitionError{p, chain.Next, "making the outlet and the commit log agree", err}
	}
	return chain, nil
}

// undeliver closes the outlet; what was not committed there is gone.
func (w *worker) undeliver(ctx context.Context) error {
	if w.out == nil {
		return nil
	}
	out := w.out
	w.out = nil
	return out.Close(ctx)
}

// commit makes a segment part of the dataset, and of what the outlet has.
func (w *worker) commit(ctx context.Context, chain *commitlog.Chain, c commitlog.Commit) error {
	if w.out == nil {
		return chain.Commit(ctx, c)
	}
	exact, token := w.job.Outlet.Exact(), ""
	if exact {
		// What the outlet commits can be put into the log by anybody from here on.
		var err error
		if token, err = chain.Prepare(ctx, c); err != nil {
			return err
		}
	}
	if err := w.out.Commit(ctx, c.Next, token); err != nil {
		return err
	}
	err := chain.Commit(ctx, c)
	if commitlog.Folded(err) { // so long ago that somebody else must have gone on from it
		return fmt.Errorf("%w: %w", pipeline.ErrTaken, err)
	}
	if exact && errors.Is(err, commitlog.ErrFenced) {
		return fmt.Errorf("the outlet has [%d,%d) of this process, and the commit log another record (%s): something else writes to the folder", c.First, c.Next, err.Error()) // not ErrFenced: there is nobody to give way to
	}
	return err
}

// giveWay leaves a partition to the process that has taken it, and returns its chain when that has stood still for long
// enough to be taken back, is done, or when drain is.
func (w *worker) giveWay(ctx, drain context.Context, p pipeline.Partition) (*commitlog.Chain, error) {
	takeover := w.job.Takeover
	if takeover <= 0 {
		takeover = defaultTakeover
	}
	takeover += 2 * w.job.Every
	takeover <<= min(w.taken, 5) // whoever needs longer for a segment gets it
	takeover += rand.N(takeover/4 + 1)
	w.taken++
	at, since := int64(-1), time.Now()
	for {
		chain, err := w.job.Log.Chain(ctx, p)
		if err != nil || chain.Done() || drain.Err() != nil {
			return chain, err
		}
		if chain.Next != at {
			at, since = chain.Next, time.Now()
		}
		if time.Since(since) >= takeover {
			return chain, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-drain.Done():
		case <-time.After(min(takeover, doneEvery)):
		}
	}
}

// letters sends what was rejected to the outlet.
func (s *segment) letters(ctx context.Context, b *pipeline.Batch) error {
	for i := range b.Rejects {
		r := &b.Rejects[i]
		l := pipeline.DeadLetter{Partition: b.Partition, Reject: r, Source: r.Row < 0}
		switch {
		case r.Row < 0:
			l.Origin = pipeline.Origin{Key: r.Key, Value: r.Raw, Headers: r.Headers}
		case b.Origins != nil:
			l.Origin = b.Origins[r.Row]
		case b.Lines != nil:
			l.Origin.Value = b.Lines.Row(r.Row)
		default:
			text, err := s.w.job.Encode(nil, b.Record, r.Row)
			if err != nil {
				return &PartitionError{s.partition, s.first, "writing rejects", err}
			}
			l.Origin.Value = text
		}
		if err := s.w.out.Reject(ctx, &l); err != nil {
			return &PartitionError{s.partition, s.first, "delivering a reject", err}
		}
		s.dead++
	}
	return nil
}
