package commitlog_test

import (
	"errors"
	"fmt"
	"strings"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// A world is one disk and what its owners were told.
type world struct {
	disk  *commitlogtest.Disk
	acked acks
}

func newWorld() *world { return &world{disk: commitlogtest.NewDisk(), acked: acks{}} }

func (w *world) check() error { return verify(w.disk, w.disk.Files(), w.acked, false) }

// An owner is one process at work on partition a-0, driven step by step.
type owner struct {
	w     *world
	fs    commitlog.FS
	job   *job
	log   *commitlog.Log
	chain *commitlog.Chain
	// before is called once before the first operation that match accepts: there the owner pauses.
	match  func(commitlogtest.Op) bool
	before func()
}

func (w *world) owner(end int64) *owner {
	o := &owner{w: w, job: newJob(1, end, 2)}
	o.fs = commitlogtest.Wrap(w.disk, func(op commitlogtest.Op, do func() error) error {
		if o.before != nil && o.match(op) {
			f := o.before
			o.before = nil
			f()
		}
		return do()
	})
	return o
}

func (o *owner) start() error {
	var err error
	if o.log, err = commitlog.Start(bg, o.fs, o.job.run); err != nil {
		return err
	}
	return o.reread()
}

func (o *owner) reread() (err error) {
	o.chain, err = o.log.Chain(bg, o.log.Run().Plan[0])
	return err
}

func (o *owner) write(first, next int64) ([]pipeline.File, error) {
	return o.job.write(bg, o.log, o.log.Run().Plan[0], first, next)
}

func (o *owner) commit(first, next int64, files []pipeline.File) error {
	err := o.chain.Commit(bg, commitlog.Commit{First: first, Next: next, Files: files})
	if err == nil {
		o.w.acked.add(o.chain.Partition.ID, first, next)
	}
	return err
}

// segment writes and commits.
func (o *owner) segment(first, next int64) error {
	files, err := o.write(first, next)
	if err != nil {
		return err
	}
	return o.commit(first, next, files)
}

func (o *owner) pause(match func(commitlogtest.Op) bool, f func()) { o.match, o.before = match, f }

// putting matches the step that puts the record of a position.
func putting(first int64) func(commitlogtest.Op) bool {
	return func(op commitlogtest.Op) bool {
		return (op.Kind == "link" || op.Kind == "rename") && strings.HasSuffix(op.Name, fmt.Sprintf("/%020d.json", first))
	}
}

func is(kind, prefix string) func(commitlogtest.Op) bool {
	return func(op commitlogtest.Op) bool { return op.Kind == kind && strings.HasPrefix(op.Name, prefix) }
}

// fenced lets an expected refusal pass.
func fenced(err error) error {
	if errors.Is(err, commitlog.ErrFenced) {
		return nil
	}
	return err
}
