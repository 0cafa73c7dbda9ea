package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"inoculate/pipeline"
)

// Progress says how far a partition is committed.
type Progress struct {
	Partition pipeline.Partition
	Next      int64 // committed up to here
	Records   int
	Done      bool // at the planned end; never for a partition without one
}

// Progress reads how far each of Partitions is committed. It changes nothing.
func (l *Log) Progress(ctx context.Context) ([]Progress, error) {
	parts, err := l.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Progress, 0, len(parts))
	for _, p := range parts {
		pr := Progress{Partition: p, Next: p.First}
		err := l.Walk(ctx, p, func(r Record) error {
			pr.Next = r.Next
			pr.Records++
			return nil
		})
		if err != nil {
			return nil, err
		}
		pr.Done = pr.Next >= endOf(p)
		all = append(all, pr)
	}
	return all, nil
}

// Newest is the path of p's last commit record; "" where it has none yet.
func (l *Log) Newest(p pipeline.Partition) (string, error) {
	names, err := l.fs.ReadDir(chainDir(l.run.ID, p.ID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	last := int64(-1)
	for _, name := range names {
		if first, ok := parseKey(name); ok {
			last = max(last, first)
		}
	}
	if last < 0 {
		return "", nil
	}
	return l.fs.Path(key(l.run.ID, p.ID, last)), nil
}

// Settle makes sure that every planned partition has reached its end, or refuses with an *IncompleteError, brings every
// committed file forward and checks that each one stands in its folder, durably. fn gets each record, in the order of
// Partitions and of the positions: the metadata of the dataset is made from these alone. A partition without a planned end
// counts as far as it goes. R14.
func (l *Log) Settle(ctx context.Context, fn func(pipeline.Partition, Record) error) error {
	for try := 0; ; try++ {
		settled, err := l.settle(ctx)
		if _, damaged := errors.AsType[*DamagedError](err); damaged && try < 5 && l.mergedSince(settled) {
			continue // another process merged files while they were looked for
		}
		if err != nil || fn == nil {
			return err
		}
		for _, s := range settled {
			for _, r := range s.records {
				if err := fn(s.partition, r); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// settled is how far a partition is.
type settled struct {
	partition pipeline.Partition
	merges    merges
	records   []Record
}

// settle brings everything forward and looks at every file.
func (l *Log) settle(ctx context.Context) (all []settled, err error) {
	parts, err := l.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var open []Progress
	for _, p := range parts {
		m, err := l.mergesOf(p)
		if err != nil {
			return all, err
		}
		all = append(all, settled{partition: p, merges: m})
		g, err := l.Merging(ctx, p)
		if err != nil {
			return all, err
		}
		all[len(all)-1] = settled{p, g.was, g.Records}
		if !p.Endless() && g.end.next < p.End && mutant != mutSealOpen {
			open = append(open, Progress{Partition: p, Next: g.end.next, Records: g.end.records})
		}
	}
	if len(open) > 0 {
		return all, &IncompleteError{Open: open}
	}
	folders := map[string]bool{}
	for _, s := range all {
		for _, r := range s.records {
			for _, f := range r.Files {
				if err := l.present(f); err != nil {
					return all, err
				}
				folders[f.Folder] = true
			}
		}
	}
	for folder := range folders { // R14: before any metadata names them; others may have renamed them
		if err := errors.Join(l.ensureTarget(folder), l.fs.SyncDir(folder)); err != nil {
			return all, err
		}
	}
	return all, nil
}

// mergedSince tells whether there are merges that were not there.
func (l *Log) mergedSince(before []settled) bool {
	for _, s := range before {
		if m, err := l.mergesOf(s.partition); err == nil && m.next > s.merges.next {
			return true
		}
	}
	return false
}

func (l *Log) present(f pipeline.File) error {
	size, err := l.fs.Stat(targetFile(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &DamagedError{File: l.fs.Path(targetFile(f)), Cause: "named by a commit record, and missing"}
	case err != nil:
		return err
	case size != f.Bytes:
		return &DamagedError{File: l.fs.Path(targetFile(f)), Cause: fmt.Sprintf("has %d bytes, its commit record says %d", size, f.Bytes)}
	}
	return nil
}

// WriteFile puts a metadata file in place, durably, over one that is there. Its folder is made where missing.
func (l *Log) WriteFile(ctx context.Context, name string, data []byte) error {
	dir := path.Dir(name)
	if dir != "." {
		if err := l.ensureTarget(dir); err != nil {
			return err
		}
	}
	for range 10 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		temp := privateTemp("meta") // R13
		if err := writeTemp(l.fs, temp, data); err != nil {
			return err
		}
		err := l.fs.Rename(temp, name)
		if errors.Is(err, fs.ErrNotExist) { // a collector took it: metadata is never decided, begin again
			continue
		}
		if err != nil {
			return errors.Join(err, l.fs.Remove(temp))
		}
		return l.fs.SyncDir(dir)
	}
	return fmt.Errorf("writing %s: its temporary file was deleted again and again", l.fs.Path(name))
}

// WriteManifest is WriteFile for the manifest, which comes last. longer tells whether the one that is there covers more:
// then it stays, and the answer is ErrLonger. R14.
func (l *Log) WriteManifest(ctx context.Context, name string, data []byte, longer func(old []byte) bool) error {
	old, err := l.ReadFile(name)
	if err == nil && longer(old) {
		return ErrLonger
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.WriteFile(ctx, name, data)
}

// ReadFile reads a metadata file.
func (l *Log) ReadFile(name string) ([]byte, error) { return readAll(l.fs, name) }
