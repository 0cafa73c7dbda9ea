package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"

	"inoculate/pipeline"
)

// mergePrefix begins the names in the staging folder that belong to merges, and no other rule touches.
const mergePrefix = "merge-"

// mergeKey is the key of a merge. after is the id of the fold that it follows; "" before the first one.
func mergeKey(run, partition, after string, seq int64) string {
	if after != "" {
		after += "-"
	}
	return fmt.Sprintf("%s/%s%s%020d.json", chainDir(run, partition), mergePrefix, after, seq)
}
func mergeStaged(seq int64) string { return fmt.Sprintf("%s%020d-", mergePrefix, seq) }

// A mergeRecord puts files in the place of those that records [First, Next) name. The merges of a partition are a chain of
// their own, put-if-absent under their numbers, so that each is made of what all before it have left (M1).
type mergeRecord struct {
	Run       string          `json:"run"`
	Partition string          `json:"partition"`
	Seq       int64           `json:"seq"`
	First     int64           `json:"first"`
	Next      int64           `json:"next"`
	Prev      string          `json:"prev"` // hash of the merge before; of the run record for the first one
	Last      string          `json:"last"` // hash of the last record that is covered
	Files     []pipeline.File `json:"files"`
	Fold      string          `json:"fold,omitempty"` // hash of the fold that the merges go on from; then nothing is merged

	hash string
}

// merges are those of a partition that were read, and what they leave.
type merges struct {
	next int64         // number of the next one
	prev string        // hash of the last one
	view []mergeRecord // in force, by position, since the fold
	fold fold
}

// covers gives the merge in force over a position, or what a fold holds for it.
func (m merges) covers(at int64) (mergeRecord, bool) {
	i, ok := covering(m.view, at, func(r *mergeRecord) (int64, int64) { return r.First, r.Next })
	if !ok {
		r, ok := m.fold.covers(at)
		if !ok {
			return mergeRecord{}, false
		}
		return mergeRecord{Run: r.Run, Partition: r.Partition, Seq: -1, First: r.First, Next: r.Next, Files: r.Files}, true
	}
	return m.view[i], true
}

// covering finds the entry over a position, of a list in the order of positions.
func covering[T any](list []T, at int64, bounds func(*T) (first, next int64)) (int, bool) {
	i := sort.Search(len(list), func(i int) bool { _, next := bounds(&list[i]); return next > at })
	if i == len(list) {
		return i, false
	}
	first, _ := bounds(&list[i])
	return i, first <= at
}

// mergesOf reads the merges of p by their numbers, those that are new since the last time, from fold to fold. A record never
// changes, so those that were read are kept. What it returns was the truth at some time since it was called.
func (l *Log) mergesOf(p pipeline.Partition) (merges, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.merges[p.ID]
	var err error
	for try := 0; ; try++ {
		if !ok {
			if m, err = l.newestFold(p); errors.Is(err, fs.ErrNotExist) && try < maxFoldTries { // gone for a newer one
				continue
			} else if err != nil {
				return merges{}, fmt.Errorf("looking for the fold of partition %s: %w", p.ID, err)
			}
		}
		var turn *mergeRecord
		now, turn, rerr := l.readMerges(p, m)
		if ok, err = l.stands(p, m); err != nil {
			return merges{}, err
		}
		switch {
		case !ok: // M2: what was read may be anything
		case rerr != nil:
			return merges{}, rerr
		case turn == nil:
			l.merges[p.ID] = now
			return now, nil
		default:
			next, err := l.readFold(p, turn.Seq, turn.Fold[:idDigits])
			if err == nil && (next.prev != turn.Fold) {
				err = &DamagedError{File: l.fs.Path(mergeKey(l.run.ID, p.ID, m.fold.id, turn.Seq)), Cause: "names another fold"}
			}
			switch {
			case err == nil:
				m = next
			case !errors.Is(err, fs.ErrNotExist):
				return merges{}, err
			case try >= maxFoldTries:
				return merges{}, &DamagedError{File: l.fs.Path(foldFile(l.run.ID, p.ID, turn.Seq, turn.Fold[:idDigits])), Cause: "named by a record of the merges, and missing"}
			default:
				ok = false
			}
		}
	}
}

// maxFoldTries bounds how often a fold is looked for that others have folded again each time.
const maxFoldTries = 100

// readMerges goes on from m by number, up to the end or to the record that names a fold.
func (l *Log) readMerges(p pipeline.Partition, m merges) (merges, *mergeRecord, error) {
	for {
		name := mergeKey(l.run.ID, p.ID, m.fold.id, m.next)
		data, err := readAll(l.fs, name)
		if errors.Is(err, fs.ErrNotExist) {
			return m, nil, nil
		}
		if err != nil {
			return m, nil, err
		}
		r, err := l.checkMerge(p, m, data)
		if err != nil {
			return m, nil, &DamagedError{File: l.fs.Path(name), Cause: "not the merge that belongs here", Err: err}
		}
		if r.Fold != "" {
			return m, &r, nil
		}
		view := slices.DeleteFunc(slices.Clone(m.view), func(o mergeRecord) bool { return o.First >= r.First && o.Next <= r.Next })
		i, _ := slices.BinarySearchFunc(view, r.First, func(o mergeRecord, at int64) int { return int(min(1, max(-1, o.First-at))) })
		m.next, m.prev, m.view = m.next+1, r.hash, slices.Insert(view, i, r)
	}
}

func (l *Log) checkMerge(p pipeline.Partition, m merges, data []byte) (r mergeRecord, err error) {
	if r.hash, err = decode(data, &r); err != nil {
		return r, err
	}
	switch {
	case r.Run != l.run.ID || r.Partition != p.ID || r.Seq != m.next:
		return r, fmt.Errorf("it is number %d of run %s, partition %s", r.Seq, r.Run, r.Partition)
	case r.Prev != m.prev:
		return r, fmt.Errorf("it follows merge %s, not %s", short(r.Prev), short(m.prev))
	}
	if r.Fold != "" {
		if len(r.Fold) != len(hashOf(nil)) || r.First != 0 || r.Next != 0 || len(r.Files) > 0 {
			return r, errors.New("it names a fold, and more")
		}
		return r, nil
	}
	for _, o := range m.view {
		if o.First < r.Next && r.First < o.Next && (o.First < r.First || o.Next > r.Next) {
			return r, fmt.Errorf("it covers [%d,%d), and cuts the merge of [%d,%d)", r.First, r.Next, o.First, o.Next)
		}
	}
	return r, r.check()
}

// check looks at what can be checked without the chain.
func (r *mergeRecord) check() error {
	if r.Next <= r.First {
		return fmt.Errorf("merge of [%d,%d)", r.First, r.Next)
	}
	for i := range r.Files {
		f := &r.Files[i]
		s, ok := parseStaged(stagedBase(f.Folder, f.Name))
		if !ok || s.run != r.Run || s.partition != r.Partition || s.first < r.First || s.first >= r.Next {
			return fmt.Errorf("%q is not the name of a file of run %s, partition %s, positions %d to %d", f.Name, r.Run, r.Partition, r.First, r.Next-1)
		}
		of := Record{Run: r.Run, Partition: r.Partition, First: s.first}
		if err := of.checkFile(f); err != nil {
			return err
		}
	}
	return nil
}

// names tells whether r names the file of that folder and name.
func (r *mergeRecord) names(folder, name string) bool {
	return slices.ContainsFunc(r.Files, func(f pipeline.File) bool { return f.Folder == folder && f.Name == name })
}

// through makes of fn, which is to see records as merges leave them, what sees them one by one; end is called behind the last.
func (l *Log) through(p pipeline.Partition, m merges, fn func(Record) error) (each func(Record) error, end func() error) {
	var whole *Record
	damaged := func(r mergeRecord, cause string) error {
		return &DamagedError{File: l.fs.Path(mergeKey(l.run.ID, p.ID, m.fold.id, r.Seq)), Cause: cause}
	}
	view := m.view
	each = func(r Record) error {
		for len(view) > 0 && view[0].Next <= r.First {
			view = view[1:]
		}
		if len(view) == 0 || r.Next <= view[0].First {
			return fn(r)
		}
		v := view[0]
		if whole == nil {
			whole = &Record{Run: r.Run, Partition: r.Partition, First: r.First, Prev: r.Prev, Counts: map[string]int64{}, Files: v.Files}
		}
		if whole.First != v.First || r.Next > v.Next || r.Next == v.Next && r.Hash != v.Last {
			return damaged(v, fmt.Sprintf("its ends [%d,%d) are not those of records, or of others", v.First, v.Next))
		}
		for k, n := range r.Counts {
			whole.Counts[k] += n
		}
		whole.Bytes += r.Bytes
		if r.Next < v.Next {
			return nil
		}
		out := *whole
		whole = nil
		out.Next, out.Hash = r.Next, r.Hash
		return fn(out)
	}
	return each, func() error {
		if whole != nil {
			return damaged(view[0], fmt.Sprintf("it covers records up to %d, which are not there", view[0].Next))
		}
		return nil
	}
}

// A Merging is a merge in the making. It is used by one goroutine.
type Merging struct {
	Partition pipeline.Partition
	Records   []Record // as earlier merges leave them, up to the end of the chain

	log *Log
	seq int64
	was merges
	end cursor // of the chain
}

// Merging reads p's chain and merges, and brings files forward, so that each file that Records names can be read.
func (l *Log) Merging(ctx context.Context, p pipeline.Partition) (*Merging, error) {
	p, err := l.planned(p)
	if err != nil {
		return nil, err
	}
	if _, err := l.ensureStart(ctx, p); err != nil {
		return nil, err
	}
	g := &Merging{Partition: p, log: l}
	err = l.stable(ctx, p, func(m merges, from cursor) error {
		chain, err := l.Chain(ctx, p)
		if err != nil {
			return err
		}
		g.seq, g.was, g.end = m.next, m, chain.cur
		g.Records, _, err = l.records(ctx, p, m, from, chain.Next)
		return err
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// records are those of p as merges leave them, up to a position; up to the end, which is then looked at closely, for one below 0.
func (l *Log) records(ctx context.Context, p pipeline.Partition, m merges, from cursor, until int64) (all []Record, at cursor, err error) {
	each, end := l.through(p, m, func(r Record) error {
		all = append(all, r)
		return nil
	})
	for _, r := range m.fold.records {
		if err := each(r); err != nil {
			return nil, from, err
		}
	}
	if until < 0 {
		at, err = l.walkWhole(ctx, p, from, each)
	} else {
		at, err = l.walk(ctx, p, from, until, each)
	}
	if err != nil {
		return nil, at, err
	}
	return all, at, end()
}

// Merges is the number of merges there have been. While it stands still, the files that records name are the same.
func (l *Log) Merges(ctx context.Context) (n int64, err error) {
	parts, err := l.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		m, err := l.mergesOf(p)
		if err != nil {
			return 0, err
		}
		n += m.next
	}
	return n, nil
}

// Passed tells whether another merge was put meanwhile, so that files which Records name may be gone.
func (g *Merging) Passed() bool {
	m, err := g.log.mergesOf(g.Partition)
	return err == nil && m.next > g.seq
}

// Staging makes the files of the merge: those of other merges, and of segments, do not meet them.
func (g *Merging) Staging() *Staging { return &Staging{fs: g.log.fs, prefix: mergeStaged(g.seq)} }

// Put puts the merge of the records from one to another of g.Records, both included. files, durable in g's Staging, hold all
// rows of each folder in their order; files of those records may be among them. Then the old files are deleted, and the new
// ones take their place. ErrFenced: another merge was put meanwhile, and files are gone; begin again. g cannot be used again.
func (g *Merging) Put(ctx context.Context, from, to int, files []pipeline.File) error {
	l, p := g.log, g.Partition
	first, last := &g.Records[from], &g.Records[to]
	r := mergeRecord{Run: l.run.ID, Partition: p.ID, Seq: g.seq, First: first.First, Next: last.Next, Prev: g.was.prev, Last: last.Hash, Files: files}
	if err := r.check(); err != nil {
		return fmt.Errorf("merging [%d,%d) of partition %s: %w", r.First, r.Next, p.ID, err)
	}
	_, hash, err := encode(&r)
	if err != nil {
		return err
	}
	there, err := l.putMerge(ctx, g, r)
	if err != nil {
		return fmt.Errorf("merging [%d,%d) of partition %s: %w", r.First, r.Next, p.ID, err)
	}
	if there.hash != hash { // R2: by what was read back
		for _, f := range files {
			if there.names(f.Folder, f.Name) {
				continue
			}
			if err := l.fs.Remove(stagingDir + "/" + mergeStaged(g.seq) + stagedBase(f.Folder, f.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return fmt.Errorf("merging [%d,%d) of partition %s: %w", r.First, r.Next, p.ID, ErrFenced)
	}
	return l.applyMerges(p)
}

// putMerge puts r under the next number, if absent, and returns what stands there. ErrFenced: others have gone on to another
// fold meanwhile, so what was put may count for nothing.
func (l *Log) putMerge(ctx context.Context, g *Merging, r mergeRecord) (there mergeRecord, err error) {
	p := g.Partition
	data, _, err := encode(&r)
	if err != nil {
		return there, err
	}
	name := mergeKey(l.run.ID, p.ID, g.was.fold.id, g.seq)
	temp := stagingDir + "/" + mergeStaged(g.seq) + tempBase(kindCommit, partStem(r.Run, r.Partition, r.First), "json") // R13
	held, err := put(ctx, l.fs, name, temp, data)                                                                       // M1, R5, R12
	if mutant != mutFoldedMerges {
		if ok, serr := l.stands(p, g.was); serr == nil && !ok { // M2
			return there, ErrFenced
		} else if err == nil {
			err = serr
		}
	}
	if err != nil {
		return there, err
	}
	if there, err = l.checkMerge(p, g.was, held); err != nil {
		return there, &DamagedError{File: l.fs.Path(name), Cause: "not the merge that belongs here", Err: err}
	}
	return there, nil
}
