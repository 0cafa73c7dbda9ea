package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"inoculate/pipeline"
)

// A Commit is one segment: positions [First, Next), and every file that was written for it.
type Commit struct {
	First, Next int64
	Files       []pipeline.File // durable in the staging folder
	Counts      map[string]int64
	Bytes       int64 // of input
}

// Commit puts the record of a segment that begins at c.Next, brings its files forward and moves c behind it. A record that
// says the same is success, whoever put it. ErrFenced: another owner's record stands there; give the files to Discard and
// read the chain again. After any other error the position is undecided: leave the files alone.
func (c *Chain) Commit(ctx context.Context, s Commit) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l, p := c.log, c.Partition
	r := c.record(s)
	if err := c.checkCommit(&r); err != nil {
		return fmt.Errorf("committing [%d,%d) of partition %s: %w", s.First, s.Next, p.ID, err)
	}
	data, _, err := encode(&r)
	if err != nil {
		return err
	}
	name := key(l.run.ID, p.ID, s.First)
	temp := stagingDir + "/" + tempBase(kindCommit, partStem(l.run.ID, p.ID, s.First), "json")
	held, err := put(ctx, l.fs, name, temp, data)
	folded, ferr := l.folded(p, s.First) // M2: then what stands there, ours or another's, counts for nothing
	switch {
	case folded:
		err = errFolded
	case err == nil:
		err = ferr
	}
	if err != nil {
		return fmt.Errorf("committing [%d,%d) of partition %s: %w", s.First, s.Next, p.ID, err)
	}
	there, err := l.checkRecord(p, c.cur, held)
	if err != nil {
		return &DamagedError{File: l.fs.Path(name), Cause: "not the record that belongs here", Err: err}
	}
	if !there.same(&r) { // R2: decided by the record that was read back
		return fmt.Errorf("committing [%d,%d) of partition %s: %w: it ends at %d", s.First, s.Next, p.ID, ErrFenced, there.Next)
	}
	// R6: the successor follows the record as it stands in the log.
	c.cur = cursor{next: there.Next, prev: there.Hash, records: c.cur.records + 1, first: there.First}
	c.Next = there.Next
	return l.forward(p, there.First, there.Files)
}

func (c *Chain) checkCommit(r *Record) error {
	if err := r.check(); err != nil { // R6: not empty
		return err
	}
	if mutant == mutFirstFromData {
		return nil
	}
	if r.First != c.Next { // R6, R7: after its predecessor, with no gap
		return fmt.Errorf("the chain ends at %d", c.Next)
	}
	if r.Next > endOf(c.Partition) {
		return fmt.Errorf("beyond the planned end %d", c.Partition.End)
	}
	return nil
}

// forward renames the files of a durable record out of the staging folder. Anybody who has read the record may do it, any
// number of times.
//
// Where a merge covers the record, at position first, the files of the merge are meant instead.
func (l *Log) forward(p pipeline.Partition, first int64, files []pipeline.File) error {
	if len(files) == 0 {
		return nil
	}
	if merged, err := l.merged(p, first); merged || err != nil {
		return err
	}
	var folders []string
	for _, f := range files {
		if err := l.ensureTarget(f.Folder); err != nil {
			return err
		}
		err := l.fs.Rename(stagedFile(f.Folder, f.Name), targetFile(f)) // R10
		if errors.Is(err, fs.ErrNotExist) {
			// R13: somebody else brought it forward.
			if _, err = l.fs.Stat(targetFile(f)); errors.Is(err, fs.ErrNotExist) {
				if merged, merr := l.merged(p, first); merged || merr != nil {
					return merr
				}
				return &DamagedError{File: l.fs.Path(targetFile(f)), Cause: "named by a commit record, and missing"}
			}
		}
		if err != nil {
			return fmt.Errorf("bringing a committed file forward: %w", err)
		}
		if !slices.Contains(folders, f.Folder) {
			folders = append(folders, f.Folder)
		}
	}
	for _, folder := range folders {
		if err := l.fs.SyncDir(folder); err != nil {
			return err
		}
	}
	if err := l.fs.SyncDir(stagingDir); err != nil {
		return err
	}
	_, err := l.merged(p, first) // it may have been merged meanwhile, and what was brought forward is old
	return err
}

// ensureTarget makes a target folder durable, once in a process.
func (l *Log) ensureTarget(folder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.targets[folder] {
		return nil
	}
	if err := ensureDir(l.fs, folder); err != nil {
		return err
	}
	l.targets[folder] = true
	return nil
}
