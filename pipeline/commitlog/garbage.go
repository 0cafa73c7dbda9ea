package commitlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inoculate/pipeline"
)

// Kinds of temporary files besides data; no folder can have such a name.
const (
	kindStart  = ".start"
	kindCommit = ".commit"
)

// Discard deletes those of a loser's files that a record has decided against. Files of open positions stay: another owner
// may be about to commit the same names.
func (c *Chain) Discard(ctx context.Context, files []pipeline.File) error {
	l, p := c.log, c.Partition
	mine := make([]staged, 0, len(files))
	from := c.cur
	for _, f := range files {
		s, ok := parseStaged(stagedBase(f.Folder, f.Name))
		if !ok || s.temp || s.run != l.run.ID || s.partition != p.ID {
			return fmt.Errorf("discarding %s: not a file of run %s, partition %s", targetFile(f), l.run.ID, p.ID)
		}
		if mutant == mutLoserAll {
			if err := l.remove(s); err != nil {
				return err
			}
			continue
		}
		if s.first < from.next {
			from = cursor{}
		}
		mine = append(mine, s)
	}
	_, err := l.sweep(ctx, p, mine, from, endOf(p), true)
	return err
}

// Collect deletes what killed attempts have left in the staging folder, as far as it is decided, and brings committed files
// forward. It may run beside live owners. It returns the number of deleted files.
func (l *Log) Collect(ctx context.Context) (removed int, err error) {
	if err := l.recheck(); err != nil { // R8
		return 0, err
	}
	waiting, err := l.waiting()
	if err != nil {
		return 0, err
	}
	parts, err := l.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		if len(waiting[p.ID]) == 0 {
			continue
		}
		n, err := l.sweep(ctx, p, waiting[p.ID], cursor{}, endOf(p), true)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	for _, p := range parts {
		if err := l.tidy(p); err != nil {
			return removed, err
		}
	}
	n, err := l.collectMerges(parts)
	if removed += n; err != nil {
		return removed, err
	}
	for _, s := range waiting[""] {
		if err := l.remove(s); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// waiting lists the staging folder by partition: this run's files and temporary files. Under "" are temporary files of the run
// record, which is decided, and of metadata, whose writer begins again where one is gone.
func (l *Log) waiting() (map[string][]staged, error) {
	names, err := l.fs.ReadDir(stagingDir)
	if err != nil {
		return nil, err
	}
	by := map[string][]staged{}
	for _, base := range names {
		s, ok := parseStaged(base)
		switch {
		case ok && s.run == l.run.ID: // R9: a file of another run is not ours to judge
			by[s.partition] = append(by[s.partition], s)
		case strings.HasPrefix(base, tempPrefix+"run-"), strings.HasPrefix(base, tempPrefix+"meta-"):
			by[""] = append(by[""], s)
		}
	}
	return by, nil
}

// sweep goes through files of p that stand in the staging folder: what a record names goes forward, what a record has decided
// against is deleted if remove is set, what is open stays. It walks from a cursor, or from the start for the zero one.
func (l *Log) sweep(ctx context.Context, p pipeline.Partition, files []staged, from cursor, until int64, remove bool) (removed int, err error) {
	if len(files) == 0 {
		return 0, nil
	}
	err = l.stable(ctx, p, func(m merges, start cursor) error {
		if from.next < start.next || from == (cursor{}) {
			from = start
		}
		n, err := l.sweepFrom(ctx, p, m, files, from, until, remove)
		removed += n
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := l.start(p); errors.Is(serr, fs.ErrNotExist) {
			return removed, nil // nothing is decided
		}
	}
	return removed, err
}

func (l *Log) sweepFrom(ctx context.Context, p pipeline.Partition, old merges, files []staged, from cursor, until int64, remove bool) (removed int, err error) {
	end, err := l.walk(ctx, p, from, until, nil) // R3
	if err != nil {
		return 0, err
	}
	if err := l.syncChain(p); err != nil { // R12: before anything is renamed or deleted
		return 0, err
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b staged) int { return cmp.Compare(a.first, b.first) })
	drop := func(s staged) error {
		if !remove {
			return nil
		}
		removed++
		return l.remove(s)
	}
	for old.fold.id != "" && len(files) > 0 && files[0].first < old.fold.at.next {
		// Folded: what is named stands in its folder, durably; the rest is decided against.
		if err := drop(files[0]); err != nil {
			return removed, err
		}
		files = files[1:]
	}
	_, err = l.walk(ctx, p, from, end.next, func(r Record) error {
		for len(files) > 0 && files[0].first < r.Next {
			s := files[0]
			files = files[1:]
			var err error
			switch {
			case s.first < r.First: // behind the cursor: unknown here
			case !s.temp && r.names(s.folder, s.name) && mutant != mutCollectSecond:
				// Also where it stands in its folder already: that name may not be durable yet, so this copy is not garbage.
				if _, merged := old.covers(s.first); merged {
					err = drop(s)
				} else {
					err = l.forward(p, s.first, []pipeline.File{{Folder: s.folder, Name: s.name}})
				}
			default:
				err = drop(s) // R1: r covers its position and does not name it
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range files { // open positions: nobody's
		if s.temp && s.folder == untag(kindStart) || !s.temp && mutantDropsOpen() {
			if err == nil {
				err = drop(s) // a start record's temporary file: that record was read above
			}
		}
	}
	return removed, err
}

func (l *Log) remove(s staged) error {
	err := l.fs.Remove(stagingDir + "/" + s.base)
	if errors.Is(err, fs.ErrNotExist) { // somebody else deleted it
		return nil
	}
	return err
}
