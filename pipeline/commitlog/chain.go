package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"inoculate/pipeline"
)

// A Chain is one partition's chain, read to its end. It is used by one goroutine.
type Chain struct {
	Partition pipeline.Partition // as planned
	Next      int64              // where the next segment begins

	log *Log
	cur cursor
}

// Chain reads the chain of p to its end and brings committed files forward. It puts the start record where p has none.
// A damaged chain is a *DamagedError, a changed run record a *MismatchError.
func (l *Log) Chain(ctx context.Context, p pipeline.Partition) (*Chain, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := l.recheck(); err != nil { // R8: at each reading of a chain
		return nil, err
	}
	p, err := l.planned(p)
	if err != nil {
		return nil, err
	}
	cur, err := l.ensureStart(ctx, p)
	if err != nil {
		return nil, err
	}
	err = l.stable(ctx, p, func(_ merges, from cursor) (err error) {
		if mutant == mutStartFromCaller {
			from.next = p.First
		}
		cur, err = l.walkWhole(ctx, p, from, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := l.syncChain(p); err != nil {
		return nil, err
	}
	// A committed file was durable in the staging folder before its record: it is in a listing made now, or forward already.
	waiting, err := l.waiting()
	if err != nil {
		return nil, err
	}
	if _, err := l.sweep(ctx, p, waiting[p.ID], cursor{}, cur.next, false); err != nil {
		return nil, err
	}
	if err := l.applyMerges(p); err != nil {
		return nil, err
	}
	return &Chain{Partition: p, Next: cur.next, log: l, cur: cur}, nil
}

// Records is how many records the chain has, up to Next: the sequence number of the last one, from 1.
func (c *Chain) Records() int { return c.cur.records }

// Done tells whether the chain has reached the planned end.
func (c *Chain) Done() bool { return c.Next >= endOf(c.Partition) }

// syncChain makes the records of p durable that somebody else may have linked a moment ago.
func (l *Log) syncChain(p pipeline.Partition) error {
	if mutant == mutActBeforeSync {
		return nil
	}
	return l.fs.SyncDir(chainDir(l.run.ID, p.ID)) // R12: before acting on what was read
}

// ensureStart puts p's start record if absent, and reads it. R7.
func (l *Log) ensureStart(ctx context.Context, p pipeline.Partition) (cursor, error) {
	cur, err := l.start(p)
	if !errors.Is(err, fs.ErrNotExist) {
		return cur, err
	}
	dir := chainDir(l.run.ID, p.ID)
	if err := makeDir(l.fs, dir); err != nil { // R9: fails where the folder of this run is gone
		return cursor{}, fmt.Errorf("making the chain of partition %s: %w", p.ID, err)
	}
	names, err := l.fs.ReadDir(dir)
	if err != nil {
		return cursor{}, err
	}
	for _, name := range names {
		if _, ok := parseKey(name); !ok {
			continue
		}
		cur, err := l.start(p) // put before any record: it is there by now, or lost
		if errors.Is(err, fs.ErrNotExist) {
			err = &DamagedError{File: l.fs.Path(startFile(l.run.ID, p.ID)), Cause: "missing, and there are records", Err: err}
		}
		return cur, err
	}
	record := startRecord{Run: l.run.ID, Partition: p.ID, First: p.First, Prev: l.hash} // R9: after the run record
	if l.isAdopted(p.ID) {
		record.Adopted = &p
	}
	data, _, err := encode(record)
	if err != nil {
		return cursor{}, err
	}
	temp := stagingDir + "/" + tempBase(kindStart, partStem(l.run.ID, p.ID, p.First), "json")
	if data, err = put(ctx, l.fs, startFile(l.run.ID, p.ID), temp, data); err != nil {
		return cursor{}, fmt.Errorf("putting the start record of partition %s: %w", p.ID, err)
	}
	if err := l.recheck(); err != nil { // R8, R9: the folder may have been emptied while we made ours
		return cursor{}, err
	}
	return l.checkStart(p, data)
}
