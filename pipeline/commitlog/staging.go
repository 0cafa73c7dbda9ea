package commitlog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"inoculate/pipeline"
	"inoculate/pipeline/sha256x2"
)

// Staging makes the files of segments. Its methods may be called at once.
type Staging struct {
	fs     FS
	prefix string // of names in the staging folder
}

// Staging returns the staging folder of the run.
func (l *Log) Staging() *Staging { return NewStaging(l.fs) }

// StagingPath is the staging folder's place in the file system. A file that is made there by hand has no name for long: Collect
// deletes what has a temporary name and belongs to no partition.
func (l *Log) StagingPath() string { return l.fs.Path(stagingDir) }

// NewStaging returns the staging folder below an output folder in which a run was started.
func NewStaging(fsys FS) *Staging { return &Staging{fs: fsys} }

// Create begins a file of a segment under a temporary name. folder is where it will belong ("train", "parquet/train"), ext
// the end of its name without a leading dot.
func (s *Staging) Create(seg pipeline.Segment, folder, ext string) (*Temp, error) {
	if err := errors.Join(checkRunID(seg.Run), checkID("partition", seg.Partition, 64), checkFolder(folder), checkExt(ext)); err != nil {
		return nil, err
	}
	if seg.First < 0 {
		return nil, fmt.Errorf("partition %s: position %d is negative", seg.Partition, seg.First)
	}
	stem := partStem(seg.Run, seg.Partition, seg.First)
	t := &Temp{fs: s.fs, folder: folder, stem: stem, ext: ext, sum: sha256x2.New(),
		prefix: s.prefix, name: stagingDir + "/" + s.prefix + tempBase(tag(folder), stem, ext)} // R13: random, with partition and position
	if mutant == mutSharedTemp {
		t.name = stagingDir + "/" + tempPrefix + tag(folder) + "+" + stem + "0." + ext
		_ = s.fs.Remove(t.name)
	}
	f, err := s.fs.Create(t.name)
	if err != nil {
		return nil, err
	}
	t.out = pieces{w: hashed{f, t}}
	t.f = f
	return t, nil
}

// A Temp is a file being written. It is used by one goroutine, and ends with Publish or Abort.
type Temp struct {
	fs                      FS
	f                       WriteFile
	out                     pieces
	sum                     *sha256x2.Digest
	n                       int64
	folder, stem, ext, name string
	prefix                  string
	done                    bool
}

// hashed writes through to the file and hashes what was written.
type hashed struct {
	f WriteFile
	t *Temp
}

func (h hashed) Write(p []byte) (int, error) {
	n, err := h.f.Write(p)
	h.t.sum.Add(p[:n])
	h.t.n += int64(n)
	return n, err
}

// Behind writes p, and hashes it with a piece of another file where one comes. After an error the sum is of no use, nor is the file.
func (h hashed) Behind(p []byte, done func(error)) func() {
	var err error
	piece := h.t.sum.Offer(p, func() { done(err) })
	return func() {
		piece.Run(func() {
			var n int
			n, err = h.f.Write(p)
			h.t.n += int64(n)
		})
	}
}

func (h hashed) Settle() { h.t.sum.Settle() }

// Write appends p. An error may be that of an earlier piece: a large file is written behind its writer's back.
func (t *Temp) Write(p []byte) (int, error) {
	if t.done {
		return 0, errOver
	}
	return t.out.Write(p)
}

var errOver = errors.New("the attempt at this file is over")

// end gives the buffers back.
func (t *Temp) end() {
	t.done = true
	t.out.end()
}

// Publish makes the file durable under its content's name in the staging folder and returns the name it will have in its
// own folder. It is not part of the dataset until a commit record names it. After an error the attempt is over; ErrFenced
// says that the position was decided meanwhile.
func (t *Temp) Publish(ctx context.Context) (name, sha256hex string, bytes int64, err error) {
	if t.done {
		return "", "", 0, errOver
	}
	if ctx.Err() != nil {
		return "", "", 0, errors.Join(context.Cause(ctx), t.Abort())
	}
	err = t.out.flush()
	if err == nil && mutant != mutNoFileSync {
		err = t.f.Sync() // R11: the content before the name
		if err != nil && mutant == mutSyncAgain {
			err = t.f.Sync()
		}
	}
	if err != nil { // R12: a failed sync ends the attempt; the same file is never synced again
		return "", "", 0, errors.Join(err, t.Abort())
	}
	t.end()
	if err := t.f.Close(); err != nil {
		return "", "", 0, errors.Join(err, t.fs.Remove(t.name))
	}
	sha256hex = hex.EncodeToString(t.sum.Sum())
	name = t.stem + sha256hex[:hashDigits] + "." + t.ext
	to := stagingDir + "/" + t.prefix + stagedBase(t.folder, name) // R10: out of every reader's sight
	if mutant == mutVisibleEarly {
		if err := ensureDir(t.fs, t.folder); err != nil {
			return "", "", 0, err
		}
		to = t.folder + "/" + name
	}
	switch err := t.fs.Rename(t.name, to); {
	case errors.Is(err, fs.ErrNotExist): // R13: only a decided position's temporary files are deleted
		return "", "", 0, fmt.Errorf("publishing a file: its temporary file was collected: %w", ErrFenced)
	case err != nil:
		return "", "", 0, err
	}
	if mutant == mutNoStagingSync {
		return name, sha256hex, t.n, nil
	}
	// R11: also where the name was there already, since its first writer may not have come to the sync.
	if err := t.fs.SyncDir(stagingDir); err != nil {
		return "", "", 0, err
	}
	return name, sha256hex, t.n, nil
}

// Abort gives the file up and deletes its temporary name, never a published one; a no-op after Publish.
func (t *Temp) Abort() error {
	if t.done {
		return nil
	}
	t.end()
	err := t.f.Close()
	if rerr := t.fs.Remove(t.name); !errors.Is(rerr, fs.ErrNotExist) { // R1: a name of this attempt alone
		err = errors.Join(err, rerr)
	}
	return err
}
