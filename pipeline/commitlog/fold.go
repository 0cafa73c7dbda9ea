package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"inoculate/pipeline"
)

const (
	foldPrefix = "fold-"
	kindFold   = ".fold"
	idDigits   = 16
)

func foldFile(run, partition string, seq int64, id string) string {
	return fmt.Sprintf("%s/%s%020d-%s.json", chainDir(run, partition), foldPrefix, seq, id)
}

// foldStaged is where a fold waits until a record of the merges names it.
func foldStaged(run, partition string, seq int64, id string) string {
	return stagingDir + "/" + mergeStaged(seq) + tempPrefix + kindFold + "+" + partStem(run, partition, 0) + id + ".json"
}

// parseFold gives number and id of a fold's file name.
func parseFold(base string) (seq int64, id string, ok bool) {
	rest, ok := strings.CutPrefix(base, foldPrefix)
	if !ok {
		return 0, "", false
	}
	if rest, ok = strings.CutSuffix(rest, ".json"); !ok || len(rest) != 21+idDigits || rest[20] != '-' {
		return 0, "", false
	}
	seq, ok = parsePosition(rest[:20])
	return seq, rest[21:], ok
}

// parseMerge gives the number of a merge's file name, and the id of the fold that it follows; "" before the first one.
func parseMerge(base string) (seq int64, id string, ok bool) {
	rest, ok := strings.CutPrefix(base, mergePrefix)
	if !ok {
		return 0, "", false
	}
	if rest, ok = strings.CutSuffix(rest, ".json"); !ok || len(rest) < 20 {
		return 0, "", false
	}
	if len(rest) == idDigits+21 {
		if _, err := strconv.ParseUint(rest[:idDigits], 16, 64); err != nil || rest[idDigits] != '-' {
			return 0, "", false
		}
		id, rest = rest[:idDigits], rest[idDigits+1:]
	}
	seq, ok = parsePosition(rest)
	return seq, id, ok
}

// A foldRecord stands for all records and merges of a partition up to its number: what they name is in it, and so they can go (M2).
type foldRecord struct {
	Run       string         `json:"run"`
	Partition string         `json:"partition"`
	Seq       int64          `json:"seq"`   // of the record among the merges that names it
	Prev      string         `json:"prev"`  // hash of the merge before, or of the fold before
	Start     string         `json:"start"` // hash of the start record
	Nonce     string         `json:"nonce"` // no two attempts make the same fold, and none comes up again under a name that was deleted
	Newest    int64          `json:"newest"`
	Records   int            `json:"records"` // of the chain
	Segments  []foldedRecord `json:"segments"`
}

// A foldedRecord is a record as merges have left it.
type foldedRecord struct {
	First  int64            `json:"first"`
	Next   int64            `json:"next"`
	Hash   string           `json:"hash"` // of the last record of the chain that it stands for
	Files  []pipeline.File  `json:"files"`
	Counts map[string]int64 `json:"counts"`
	Bytes  int64            `json:"bytes"`
}

// A fold is a foldRecord that was read. Without an id there is none.
type fold struct {
	id      string
	seq     int64
	start   string
	newest  int64 // where the last record of the chain begins that it stands for
	records []Record
	at      cursor // behind them
}

// covers gives the record of the fold over a position.
func (f *fold) covers(at int64) (*Record, bool) {
	i, ok := covering(f.records, at, func(r *Record) (int64, int64) { return r.First, r.Next })
	if !ok {
		return nil, false
	}
	return &f.records[i], true
}

// checkFold decodes a fold and checks all that can be checked without the records that it stands for.
func (l *Log) checkFold(p pipeline.Partition, seq int64, id string, data []byte) (merges, error) {
	var r foldRecord
	hash, err := decode(data, &r)
	if err != nil {
		return merges{}, err
	}
	if r.Run != l.run.ID || r.Partition != p.ID || r.Seq != seq || hash[:idDigits] != id {
		return merges{}, fmt.Errorf("it is %s, number %d of run %s, partition %s", short(hash), r.Seq, r.Run, r.Partition)
	}
	f := fold{id: id, seq: seq, start: r.Start, newest: r.Newest, at: cursor{next: p.First, prev: r.Start}}
	for _, s := range r.Segments {
		if s.First != f.at.next || s.Next <= s.First || s.Next > endOf(p) {
			return merges{}, fmt.Errorf("[%d,%d) does not follow position %d", s.First, s.Next, f.at.next)
		}
		of := mergeRecord{Run: r.Run, Partition: r.Partition, First: s.First, Next: s.Next, Files: s.Files}
		if err := of.check(); err != nil {
			return merges{}, err
		}
		f.records = append(f.records, Record{Run: r.Run, Partition: r.Partition, First: s.First, Next: s.Next, Prev: f.at.prev, Files: s.Files, Counts: s.Counts, Bytes: s.Bytes, Hash: s.Hash})
		f.at = cursor{next: s.Next, prev: s.Hash}
	}
	f.at.records = r.Records
	return merges{next: seq + 1, prev: hash, fold: f}, nil
}

// newestFold finds the fold to begin with, in a listing: any that stands there will do, since each leads on to the next one.
// Where none is seen, it is the first book of merges, which never goes.
func (l *Log) newestFold(p pipeline.Partition) (merges, error) {
	names, err := l.fs.ReadDir(chainDir(l.run.ID, p.ID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return merges{}, err
	}
	best, of := int64(-1), ""
	for _, base := range names {
		if seq, id, ok := parseFold(base); ok && seq > best {
			best, of = seq, id
		}
	}
	if best < 0 {
		return merges{prev: l.hash}, nil
	}
	return l.readFold(p, best, of)
}

// readFold reads a fold where it stands, or where it waits; fs.ErrNotExist where it has gone for a newer one.
func (l *Log) readFold(p pipeline.Partition, seq int64, id string) (merges, error) {
	name := foldFile(l.run.ID, p.ID, seq, id)
	data, err := readAll(l.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = readAll(l.fs, foldStaged(l.run.ID, p.ID, seq, id))
	}
	if err != nil {
		return merges{}, err
	}
	m, err := l.checkFold(p, seq, id, data)
	if err != nil {
		return merges{}, &DamagedError{File: l.fs.Path(name), Cause: "not the fold that belongs here", Err: err}
	}
	return m, nil
}

// stands tells whether the fold that m begins with is there still. As long as it is, nothing was deleted behind it: what was
// read before the question is the truth (M2).
func (l *Log) stands(p pipeline.Partition, m merges) (bool, error) {
	if m.fold.id == "" {
		return true, nil
	}
	_, err := l.fs.Stat(foldFile(l.run.ID, p.ID, m.fold.seq, m.fold.id))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = l.fs.Stat(foldStaged(l.run.ID, p.ID, m.fold.seq, m.fold.id))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// stable calls fn with the merges of p and the place where the chain is to be walked from, again where they were folded
// meanwhile: then records may have gone, and others may stand under their keys (M2).
func (l *Log) stable(ctx context.Context, p pipeline.Partition, fn func(m merges, from cursor) error) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		from, err := l.start(p)
		if err != nil {
			return err
		}
		m, err := l.mergesOf(p) // before the records: those that a merge covers are there
		if err != nil {
			return err
		}
		if m.fold.id != "" {
			if m.fold.start != from.prev {
				return &DamagedError{File: l.fs.Path(foldFile(l.run.ID, p.ID, m.fold.seq, m.fold.id)), Cause: "follows another start record"}
			}
			from = m.fold.at
		}
		err = fn(m, from)
		now, merr := l.mergesOf(p)
		if merr != nil {
			return errors.Join(err, merr)
		}
		if now.fold.id == m.fold.id {
			return err
		}
	}
}

// errFolded says that a position was decided, and its record has gone into a fold.
var errFolded = fmt.Errorf("%w, and its record has been folded since", ErrFenced)

// Folded tells whether err says that a position was decided so long ago that its record is gone: it may have been this
// process's own.
func Folded(err error) bool { return errors.Is(err, errFolded) }

// folded tells whether a fold stands for a position. What is put there counts for nothing, so whoever has put must ask.
func (l *Log) folded(p pipeline.Partition, at int64) (bool, error) {
	if mutant == mutFoldedCounts {
		return false, nil
	}
	m, err := l.mergesOf(p)
	return m.fold.id != "" && at < m.fold.at.next, err
}

// foldShare is how many segments of the last fold each new record stands for before the next: where nothing is merged, a fold
// names ever more of them, and each is written again a few times only.
const foldShare = 8

// Fold puts one record in the place of the commit records and merges of p, where there are at least so many, and an eighth of the
// segments that the last fold holds; and deletes them. It may run beside live owners, walkers, and other folds. It tells whether
// it has folded.
//
// M2, in this order, each step durable before the next: every file that is named stands in its folder; the fold waits in the
// staging folder; a record under the next number among the merges names it (put-if-absent: this decides); it is
// renamed into the chain's folder; the fold before it is deleted; the merges that followed that, and the commit records. The
// next merge goes by the fold's id, which nobody can make again, and the number; so a process that has slept puts where nobody
// looks, and finds out when it looks for its fold afterwards.
func (l *Log) Fold(ctx context.Context, p pipeline.Partition, atLeast int) (bool, error) {
	g, err := l.Merging(ctx, p)
	if err != nil {
		return false, err
	}
	if err := l.tidy(g.Partition); err != nil {
		return false, err
	}
	m, done := g.was, g.was.fold.seq+1
	if m.fold.id == "" {
		done = 0
	}
	if news := g.end.records - m.fold.at.records + int(m.next-done); news < max(atLeast, len(m.fold.records)/foldShare) || g.end.records == 0 {
		return false, nil
	}
	folders := map[string]bool{}
	for _, r := range g.Records {
		for _, f := range r.Files {
			folders[f.Folder] = true
			if err := l.present(f); err != nil {
				if g.Passed() {
					return false, nil
				}
				return false, err
			}
		}
	}
	for folder := range folders {
		if err := errors.Join(l.ensureTarget(folder), l.fs.SyncDir(folder)); err != nil {
			return false, err
		}
	}
	from, err := l.start(g.Partition)
	if err != nil {
		return false, err
	}
	r := foldRecord{Run: l.run.ID, Partition: p.ID, Seq: g.seq, Prev: m.prev, Start: from.prev, Nonce: random(8), Newest: g.end.first, Records: g.end.records}
	for _, s := range g.Records {
		r.Segments = append(r.Segments, foldedRecord{First: s.First, Next: s.Next, Hash: s.Hash, Files: s.Files, Counts: s.Counts, Bytes: s.Bytes})
	}
	data, hash, err := encode(&r)
	if err != nil {
		return false, err
	}
	id := hash[:idDigits]
	staged := foldStaged(r.Run, r.Partition, r.Seq, id)
	if err := writeTemp(l.fs, staged, data); err != nil { // its name holds its content's hash, and that a random number
		return false, err
	}
	if err := l.fs.SyncDir(stagingDir); err != nil {
		return false, err
	}
	turn := mergeRecord{Run: r.Run, Partition: r.Partition, Seq: r.Seq, Prev: r.Prev, Fold: hash}
	there, err := l.putMerge(ctx, g, turn)
	if err != nil {
		return false, fmt.Errorf("folding partition %s up to %d: %w", p.ID, g.end.next, err) // undecided: the collector knows
	}
	if there.Fold != hash { // R2
		return false, l.removeAny(staged)
	}
	return true, l.tidy(g.Partition)
}

func (l *Log) removeAny(name string) error {
	if err := l.fs.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// tidy brings the fold in force forward and deletes what it stands for. Anybody who has read it may do it, any number of times.
func (l *Log) tidy(p pipeline.Partition) error {
	m, err := l.mergesOf(p)
	if err != nil || m.fold.id == "" {
		return err
	}
	dir := chainDir(l.run.ID, p.ID)
	if err := l.fs.SyncDir(dir); err != nil { // R12: the record that names it
		return err
	}
	name := foldFile(l.run.ID, p.ID, m.fold.seq, m.fold.id)
	if err := l.fs.Rename(foldStaged(l.run.ID, p.ID, m.fold.seq, m.fold.id), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if mutant != mutFoldNotSynced {
		// The waiting name must not come back either: it would say that this fold stands when it is long gone.
		if err := errors.Join(l.fs.SyncDir(dir), l.fs.SyncDir(stagingDir)); err != nil {
			return err
		}
	}
	if _, err := l.fs.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil // folded again meanwhile: whoever did that tidies up
	} else if err != nil {
		return err
	}
	names, err := l.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	gone := false
	for _, base := range names {
		if seq, _, ok := parseFold(base); ok && seq < m.fold.seq {
			if err := l.removeAny(dir + "/" + base); err != nil {
				return err
			}
			gone = true
		}
	}
	if gone {
		if err := l.fs.SyncDir(dir); err != nil { // else a power loss could bring it back without what followed it
			return err
		}
	}
	for _, base := range names {
		seq, id, merge := parseMerge(base)
		first, record := parseKey(base)
		if merge && id != "" && seq <= m.fold.seq || record && first < m.fold.newest { // the newest one stays, and tells its age
			if err := l.removeAny(dir + "/" + base); err != nil {
				return err
			}
		}
	}
	return nil
}
