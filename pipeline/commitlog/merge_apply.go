package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inoculate/pipeline"
)

// applyMerges makes the folders hold what the merges in force name, in place of what they cover. Anybody who has read them may
// do it, any number of times.
func (l *Log) applyMerges(p pipeline.Partition) error {
	for {
		m, err := l.mergesOf(p)
		if err != nil {
			return err
		}
		if err := l.apply(p, m); err != nil {
			if now, merr := l.mergesOf(p); merr == nil && now.next > m.next { // merged again meanwhile
				continue
			}
			return err
		}
		now, err := l.mergesOf(p)
		if err != nil || now.next == m.next {
			return err
		}
	}
}

func (l *Log) apply(p pipeline.Partition, m merges) error {
	l.mu.Lock()
	applied := l.applied[p.ID]
	l.mu.Unlock()
	todo := slices.DeleteFunc(slices.Clone(m.view), func(r mergeRecord) bool { return r.Seq < applied })
	old := applied == 0 && m.fold.id != "" // what it stands for is visible; something that it does not name may be, too
	if len(todo) == 0 && !old {
		return nil
	}
	if err := l.syncChain(p); err != nil { // R12: before anything is deleted or renamed
		return err
	}
	folders := map[string]bool{}
	for _, r := range todo {
		for _, f := range r.Files {
			folders[f.Folder] = true
		}
	}
	if old {
		for _, r := range m.fold.records {
			for _, f := range r.Files {
				folders[f.Folder] = true
			}
		}
	}
	listed := map[string][]string{}
	for folder := range folders {
		if err := l.ensureTarget(folder); err != nil {
			return err
		}
		names, err := l.fs.ReadDir(folder)
		if err != nil {
			return err
		}
		listed[folder] = names
	}
	// R1: the merges as they are after the listing. To those that were read before it, a file of a merge that came since would
	// look like one that is covered and not named.
	if mutant != mutMergesFirst {
		now, err := l.mergesOf(p)
		if err != nil {
			return err
		}
		if now.next != m.next {
			return nil // begin again
		}
	}
	// Old files first: a reader may miss rows for a moment, and never sees one twice.
	for folder, names := range listed {
		for _, name := range names {
			s, ok := parseStaged(stagedBase(folder, name))
			if !ok || s.temp || s.run != l.run.ID || s.partition != p.ID {
				continue
			}
			if r, ok := m.covers(s.first); ok && !r.names(folder, name) && mutant != mutMergeKeepsOld { // R1: it covers the position, and does not name it
				if err := l.fs.Remove(folder + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		// Also where somebody else has deleted them: or a power loss could bring them back beside the new ones.
		if err := l.fs.SyncDir(folder); err != nil {
			return err
		}
	}
	for _, r := range todo {
		for _, f := range r.Files {
			err := l.fs.Rename(stagingDir+"/"+mergeStaged(r.Seq)+stagedBase(f.Folder, f.Name), targetFile(f))
			if errors.Is(err, fs.ErrNotExist) { // somebody else brought it forward, or it was there before
				_, err = l.fs.Stat(targetFile(f))
			}
			if errors.Is(err, fs.ErrNotExist) {
				return &DamagedError{File: l.fs.Path(targetFile(f)), Cause: "named by a merge, and missing"}
			}
			if err != nil {
				return fmt.Errorf("bringing a merged file forward: %w", err)
			}
		}
	}
	for folder := range folders {
		if err := l.fs.SyncDir(folder); err != nil {
			return err
		}
	}
	if err := l.fs.SyncDir(stagingDir); err != nil {
		return err
	}
	l.mu.Lock()
	l.applied[p.ID] = max(l.applied[p.ID], m.next)
	l.mu.Unlock()
	return nil
}

// merged tells whether a merge covers a position, and makes sure that the merges stand in the folders as they should.
func (l *Log) merged(p pipeline.Partition, at int64) (bool, error) {
	m, err := l.mergesOf(p)
	if err != nil {
		return false, err
	}
	if _, ok := m.covers(at); !ok {
		return false, nil
	}
	l.mu.Lock()
	l.applied[p.ID] = 0 // whoever asks has perhaps brought an old file forward
	l.mu.Unlock()
	return true, l.applyMerges(p)
}

// collectMerges deletes what merges have left in the staging folder, as far as their numbers are decided.
func (l *Log) collectMerges(parts []pipeline.Partition) (removed int, err error) {
	names, err := l.fs.ReadDir(stagingDir)
	if err != nil {
		return 0, err
	}
	for _, base := range names {
		rest, ok := strings.CutPrefix(base, mergePrefix)
		if !ok || len(rest) < 21 || rest[20] != '-' {
			continue
		}
		seq, ok := parsePosition(rest[:20])
		s, parsed := parseStaged(rest[21:])
		i := slices.IndexFunc(parts, func(p pipeline.Partition) bool { return p.ID == s.partition })
		if !ok || !parsed || s.run != l.run.ID || i < 0 {
			continue
		}
		m, err := l.mergesOf(parts[i])
		if err != nil {
			return removed, err
		}
		if seq >= m.next { // open: nobody's
			continue
		}
		if s.temp && s.suffix == m.fold.id && s.folder == untag(kindFold) { // the one in force: tidy brings it forward
			continue
		}
		if r, ok := m.covers(s.first); ok && !s.temp && r.Seq == seq && r.names(s.folder, s.name) {
			if _, err := l.merged(parts[i], s.first); err != nil {
				return removed, err
			}
			continue
		}
		if err := l.fs.Remove(stagingDir + "/" + base); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
