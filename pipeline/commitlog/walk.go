package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"inoculate/pipeline"
)

// A cursor is a place in a chain: behind a record, or behind the start record.
type cursor struct {
	next    int64
	prev    string // hash of the record before
	records int    // walked so far, from the start
	first   int64  // where the record before begins
}

// Walk calls fn with each record of p's chain in order, as far as it goes now; where some were merged, with one for all of
// them, which has the files of the merge. It changes nothing. A chain that is not whole is refused with a *DamagedError.
func (l *Log) Walk(ctx context.Context, p pipeline.Partition, fn func(Record) error) error {
	p, err := l.planned(p)
	if err != nil {
		return err
	}
	if _, err := l.start(p); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var all []Record // M2: nothing is said of what was read until it is sure that nothing was deleted meanwhile
	err = l.stable(ctx, p, func(m merges, from cursor) error {
		all, _, err = l.records(ctx, p, m, from, -1)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// start reads p's start record; fs.ErrNotExist where there is none yet.
func (l *Log) start(p pipeline.Partition) (cursor, error) {
	name := startFile(l.run.ID, p.ID)
	data, err := readAll(l.fs, name)
	if err != nil {
		return cursor{}, err
	}
	return l.checkStart(p, data)
}

func (l *Log) checkStart(p pipeline.Partition, data []byte) (cursor, error) {
	file := l.fs.Path(startFile(l.run.ID, p.ID))
	var s startRecord
	hash, err := decode(data, &s)
	if err != nil {
		return cursor{}, &DamagedError{File: file, Cause: "not a start record", Err: err}
	}
	if s.Run != l.run.ID || s.Partition != p.ID || s.Prev != l.hash {
		return cursor{}, &DamagedError{File: file, Cause: fmt.Sprintf("belongs to run %s, partition %s, not to run %s, partition %s", s.Run, s.Partition, l.run.ID, p.ID)}
	}
	if adopted := l.isAdopted(p.ID); adopted != (s.Adopted != nil) || adopted && *s.Adopted != p {
		return cursor{}, &DamagedError{File: file, Cause: "says otherwise of the partition than the plan, or than its source"}
	}
	if mutant == mutStartFromCaller {
		return cursor{next: p.First, prev: hash}, nil
	}
	if s.First != p.First {
		return cursor{}, &DamagedError{File: file, Cause: fmt.Sprintf("starts at %d, planned is %d", s.First, p.First)}
	}
	return cursor{next: s.First, prev: hash}, nil // R7
}

// walk follows the chain by key from cur to its end, or up to the position until. R3.
func (l *Log) walk(ctx context.Context, p pipeline.Partition, cur cursor, until int64, fn func(Record) error) (cursor, error) {
	for cur.next < until {
		if ctx.Err() != nil {
			return cur, context.Cause(ctx)
		}
		name := key(l.run.ID, p.ID, cur.next)
		data, err := readAll(l.fs, name)
		if errors.Is(err, fs.ErrNotExist) {
			return cur, nil
		}
		if err != nil {
			return cur, err
		}
		r, err := l.checkRecord(p, cur, data)
		if err != nil {
			return cur, &DamagedError{File: l.fs.Path(name), Cause: "not the record that belongs here", Err: err}
		}
		if fn != nil {
			if err := fn(r); err != nil {
				return cur, err
			}
		}
		cur = cursor{next: r.Next, prev: r.Hash, records: cur.records + 1, first: r.First}
	}
	return cur, nil
}

// checkRecord decodes the record that stands at cur.next and checks that it follows.
func (l *Log) checkRecord(p pipeline.Partition, cur cursor, data []byte) (Record, error) {
	r, err := decodeRecord(data)
	switch {
	case err != nil:
		return Record{}, err
	case r.Run != l.run.ID || r.Partition != p.ID || r.First != cur.next:
		return Record{}, fmt.Errorf("it is of run %s, partition %s, position %d", r.Run, r.Partition, r.First)
	case r.Next > endOf(p):
		return Record{}, fmt.Errorf("it goes to %d, beyond the planned end %d", r.Next, p.End)
	case r.Prev != cur.prev && mutant != mutPutByRename:
		return Record{}, fmt.Errorf("it follows record %s, not %s", short(r.Prev), short(cur.prev))
	}
	return r, nil
}

// endOf is where p ends, or the last position where that is not known.
func endOf(p pipeline.Partition) int64 {
	if p.Endless() {
		return math.MaxInt64
	}
	return p.End
}

// walkWhole walks from the start to the end and makes sure that no record stands behind a missing one, or beside the chain.
func (l *Log) walkWhole(ctx context.Context, p pipeline.Partition, from cursor, fn func(Record) error) (cursor, error) {
	cur := from
	for {
		var err error
		if cur, err = l.walk(ctx, p, cur, endOf(p), fn); err != nil {
			return cur, err
		}
		names, err := l.fs.ReadDir(chainDir(l.run.ID, p.ID))
		if err != nil {
			return cur, err
		}
		before, behind := 0, int64(-1)
		for _, name := range names {
			switch first, ok := parseKey(name); {
			case !ok, first < from.next: // M2: folded
			case first < cur.next:
				before++
			case behind < 0 || first < behind:
				behind = first
			}
		}
		if before > cur.records-from.records { // fewer: the listing is stale
			return cur, &DamagedError{File: l.fs.Path(chainDir(l.run.ID, p.ID)), Cause: fmt.Sprintf("%d records before position %d, %d of them in the chain", before, cur.next, cur.records-from.records)}
		}
		if behind < 0 {
			return cur, nil
		}
		// Records were added since, or one is missing: each was put after its predecessor was durable (R6, R12).
		name := key(l.run.ID, p.ID, cur.next)
		if cur.next >= endOf(p) {
			return cur, &DamagedError{File: l.fs.Path(key(l.run.ID, p.ID, behind)), Cause: fmt.Sprintf("stands behind the planned end %d", p.End)}
		}
		if _, err := l.fs.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return cur, &DamagedError{File: l.fs.Path(name), Cause: fmt.Sprintf("missing, and the record of position %d stands behind it", behind)}
		} else if err != nil {
			return cur, err
		}
	}
}
