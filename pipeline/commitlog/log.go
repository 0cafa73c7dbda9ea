package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"inoculate/pipeline"
)

// A Log is one run in one folder. Its methods may be called at once.
type Log struct {
	fs    FS
	run   Run
	hash  string // of the run record
	parts map[string]pipeline.Partition

	mu      sync.Mutex
	targets map[string]bool               // target folders that this process has made durable
	adopted map[string]pipeline.Partition // that this process knows of
	merges  map[string]merges             // by partition, as far as they were read
	applied map[string]int64              // by partition: merges below this number were brought forward by this process
}

// Start puts the run record, or takes the one that is there. A folder of a run with another config, other prompts, another
// schema or another plan is refused with a *MismatchError, a folder with data and no run record with a *NotEmptyError.
func Start(ctx context.Context, fsys FS, want Run) (*Log, error) {
	if err := prepare(&want); err != nil {
		return nil, err
	}
	for _, dir := range []string{commitsDir, stagingDir} {
		if err := ensureDir(fsys, dir); err != nil {
			return nil, err
		}
	}
	data, err := readAll(fsys, runFile)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = putRun(ctx, fsys, &want); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	l, err := newLog(fsys, data)
	if err != nil {
		return nil, err
	}
	if err := l.run.mismatch(fsys.Path("."), &want); err != nil { // R8
		return nil, err
	}
	if err := fsys.SyncDir(commitsDir); err != nil { // R12: the run record may be another's, just linked
		return nil, err
	}
	return l, makeDir(fsys, runDir(l.run.ID))
}

// Open reads the run record of a folder; ErrNoRun without one. The log must not be written to.
func Open(ctx context.Context, fsys FS) (*Log, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	data, err := readAll(fsys, runFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", fsys.Path(runFile), ErrNoRun)
	}
	if err != nil {
		return nil, err
	}
	return newLog(fsys, data)
}

func newLog(fsys FS, data []byte) (*Log, error) {
	run, hash, err := decodeRun(data)
	if err != nil {
		return nil, &DamagedError{File: fsys.Path(runFile), Cause: "not a run record", Err: err}
	}
	l := &Log{fs: fsys, run: run, hash: hash, parts: make(map[string]pipeline.Partition, len(run.Plan)), targets: map[string]bool{}, adopted: map[string]pipeline.Partition{},
		merges: map[string]merges{}, applied: map[string]int64{}}
	for _, p := range run.Plan {
		l.parts[p.ID] = p
	}
	return l, nil
}

// prepare fills what a wanted run leaves open and checks it.
func prepare(want *Run) error {
	want.Format = formatVersion
	if want.ID == "" {
		want.ID = random(4) // R9: a new run takes a new id, also in a folder that was emptied
	}
	if mutant == mutOneRunID {
		want.ID = "run"
	}
	if want.Created.IsZero() {
		want.Created = time.Now().UTC().Truncate(time.Second)
	}
	want.Plan = slices.Clone(want.Plan)
	return want.check()
}

func putRun(ctx context.Context, fsys FS, want *Run) ([]byte, error) {
	if err := checkEmpty(fsys); err != nil {
		// Somebody may have started the run since we looked.
		if data, rerr := readAll(fsys, runFile); rerr == nil {
			return data, nil
		}
		return nil, err
	}
	data, _, err := encode(want)
	if err != nil {
		return nil, err
	}
	return put(ctx, fsys, runFile, privateTemp("run"), data) // R8: put-if-absent, before any data
}

// checkEmpty refuses a folder that holds anything: an earlier run's files would be one dataset together with ours, and what
// is the user's own (a README.md) would be written over. Empty folders and hidden files do no harm.
func checkEmpty(fsys FS) error {
	found, err := anyFile(fsys, ".")
	if err == nil && found != "" {
		err = &NotEmptyError{Folder: fsys.Path("."), Found: found}
	}
	return err
}

// anyFile names a file below dir; "" where there is none.
func anyFile(fsys FS, dir string) (string, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		below := path.Join(dir, name)
		if dir == "." && name[0] == '.' {
			continue
		}
		if dir == commitsDir && checkRunID(name) == nil { // an earlier run's chains
			return below, nil
		}
		found, err := anyFile(fsys, below)
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone
		case err != nil:
			if _, serr := fsys.Stat(below); serr != nil {
				return "", err
			}
			return below, nil // a file
		case found != "":
			return found, nil
		}
	}
	return "", nil
}

// Run returns the run record.
func (l *Log) Run() Run { return l.run }

// Path returns what a person calls a file of the folder.
func (l *Log) Path(name string) string { return l.fs.Path(name) }

// recheck looks at the run record again and refuses another one. R8. A record never changes under its hash, so the head of
// the file is enough.
func (l *Log) recheck() (err error) {
	if mutant == mutNoRunCheck || mutant == mutOneRunID {
		return nil
	}
	f, err := l.fs.Open(runFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &MismatchError{Folder: l.fs.Path("."), What: "run", Want: l.run.ID, Detail: "the run record is gone"}
	}
	if err != nil {
		return err
	}
	head := make([]byte, headLen)
	_, err = io.ReadFull(f, head)
	if err := errors.Join(err, f.Close()); err != nil {
		return &DamagedError{File: l.fs.Path(runFile), Cause: "not a run record", Err: err}
	}
	if string(head) != sealHead+l.hash+sealMid {
		return &MismatchError{Folder: l.fs.Path("."), What: "run", Want: l.run.ID, Detail: "another run was started in it meanwhile"}
	}
	return nil
}

// planned gives the partition as the run record has it, and refuses one that differs: R8, everybody takes it from there.
func (l *Log) planned(p pipeline.Partition) (pipeline.Partition, error) {
	have, ok := l.known(p.ID)
	if !ok {
		return p, &MismatchError{Folder: l.fs.Path("."), What: "plan", Have: l.run.ID, Want: l.run.ID, Detail: fmt.Sprintf("partition %s is not planned", p.ID)}
	}
	if mutant == mutStartFromCaller {
		return p, nil
	}
	if have != p {
		return p, l.otherPlan(have, p)
	}
	return have, nil
}

func (l *Log) otherPlan(have, want pipeline.Partition) error {
	h, w := []pipeline.Partition{have}, []pipeline.Partition{want}
	return &MismatchError{Folder: l.fs.Path("."), What: "plan", Have: planHash(h), Want: planHash(w), Detail: planDiff(h, w)}
}
