package commitlog_test

import (
	"errors"
	"fmt"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// Two owners put different records under one key: one of them learns that it lost.
func twoPuts() error {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	if err := errors.Join(a.start(), b.start()); err != nil {
		return err
	}
	var inner error
	a.pause(putting(0), func() { inner = b.segment(0, 3) })
	err := fenced(a.segment(0, 2))
	return errors.Join(err, inner, w.check())
}

// A loses to B, who committed the same files and has not brought them forward yet.
func twinLoses() error {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	if err := errors.Join(a.start(), b.start()); err != nil {
		return err
	}
	files, err := a.write(0, 2)
	if err != nil {
		return err
	}
	var inner error
	b.pause(is("rename", "train/"), func() {
		if inner = a.commit(0, 2, files); errors.Is(inner, commitlog.ErrFenced) {
			inner = a.chain.Discard(bg, files)
		}
	})
	return errors.Join(b.segment(0, 2), inner, w.check())
}

// A loses [0,3) and gives up what it wrote behind it, while B is about to commit the very same file.
func loserTidiesUp() error {
	w := newWorld()
	a, b := w.owner(6), w.owner(6)
	if err := errors.Join(a.start(), b.start()); err != nil {
		return err
	}
	lost, err1 := a.write(0, 3)
	ahead, err2 := a.write(3, 5)
	if err := errors.Join(err1, err2, b.segment(0, 2), b.segment(2, 3)); err != nil {
		return err
	}
	var inner error
	b.pause(putting(3), func() {
		inner = fenced(a.commit(0, 3, lost))
		inner = errors.Join(inner, a.chain.Discard(bg, append(lost, ahead...)))
	})
	return errors.Join(b.segment(3, 5), inner, w.check())
}

// The collector runs while A is about to put its record.
func collectorRuns() error {
	w := newWorld()
	a, c := w.owner(5), w.owner(5)
	if err := errors.Join(a.start(), c.start()); err != nil {
		return err
	}
	var inner error
	a.pause(putting(0), func() { _, inner = c.log.Collect(bg) })
	return errors.Join(a.segment(0, 2), inner, w.check())
}

// A's put answers with an error, and lands later.
func putLandsLate() error {
	w := newWorld()
	a := w.owner(5)
	a.fs = commitlogtest.Wrap(w.disk, func() commitlogtest.Hook {
		late := false
		return func(op commitlogtest.Op, do func() error) error {
			if !late && putting(0)(op) {
				late = true
				return errors.Join(w.disk.Link(op.From, ".staging/late"), errFault)
			}
			return do()
		}
	}())
	if err := a.start(); err != nil {
		return err
	}
	files, err := a.write(0, 2)
	if err != nil {
		return err
	}
	if err = a.commit(0, 2, files); errors.Is(err, commitlog.ErrFenced) {
		err = a.chain.Discard(bg, files)
	}
	_ = w.disk.Link(".staging/late", "_commits/"+a.log.Run().ID+"/a-0/00000000000000000000.json")
	return errors.Join(err, w.disk.Remove(".staging/late"), w.check())
}

// The first record that a source gives stands at 1: what was at 0 is gone.
func firstRecordIsLater() error {
	w := newWorld()
	a := w.owner(5)
	if err := a.start(); err != nil {
		return err
	}
	_ = a.segment(1, 3) // refused
	return w.check()
}

// Two owners disagree about where an empty partition begins.
func twoBeginnings() error {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	if err := errors.Join(a.start(), b.start()); err != nil {
		return err
	}
	p := b.chain.Partition
	p.First = 1
	if c, err := b.log.Chain(bg, p); err == nil { // else refused
		b.chain = c
		if err := b.segment(1, 3); err != nil {
			return err
		}
	}
	return errors.Join(fenced(a.segment(0, 2)), w.check())
}

// An idle timer commits nothing.
func emptySegment() error {
	w := newWorld()
	a := w.owner(5)
	if err := a.start(); err != nil {
		return err
	}
	_ = a.commit(0, 0, nil) // refused
	w.acked = acks{}
	if err := errors.Join(w.check(), a.reread()); err != nil {
		return err
	}
	return errors.Join(a.segment(0, 2), w.check())
}

// Two processes with different configs start in one folder.
func twoConfigs() error {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	b.job.run.ConfigSHA256 = "d"
	if err := a.start(); err != nil {
		return err
	}
	if err := b.start(); err == nil {
		return errors.New("two configs in one folder")
	}
	return w.check()
}

// A is about to commit; the user empties the folder and starts again.
func folderEmptied() error {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	b.job.run.ID = "r2"
	if err := a.start(); err != nil {
		return err
	}
	var inner error
	a.pause(is("create", ".staging/tmp-.commit"), func() {
		w.disk.Clear()
		inner = b.start()
	})
	if err := a.segment(0, 2); err == nil {
		return errors.New("a commit into a folder that was emptied")
	}
	w.acked = acks{}
	if err := errors.Join(inner, w.check()); err != nil {
		return err
	}
	if err := a.reread(); !isA[*commitlog.MismatchError](err) {
		return fmt.Errorf("reading a chain of another run: %v", err)
	}
	return errors.Join(b.segment(0, 2), w.check())
}

// Two attempts at one file at the same time.
func twoAttempts() error {
	w := newWorld()
	a := w.owner(5)
	if err := a.start(); err != nil {
		return err
	}
	files, err := a.write(0, 1)
	if err != nil {
		return err
	}
	// Once more: a repeated attempt meets its own file.
	seg := pipeline.Segment{Run: a.log.Run().ID, Partition: "a-0"}
	mine, err := a.log.Staging().Create(seg, "train", "txt")
	if err != nil {
		return err
	}
	if _, err := mine.Write([]byte(rows("a-0", 0, 1, "train"))); err != nil {
		return err
	}
	if _, err := a.log.Staging().Create(seg, "train", "txt"); err != nil { // has not written anything yet
		return err
	}
	_, _, _, err = mine.Publish(bg)
	return errors.Join(err, a.commit(0, 1, files), w.check())
}

// Files are looked at before their record is put.
func beforeTheRecord() error {
	w := newWorld()
	a := w.owner(5)
	if err := a.start(); err != nil {
		return err
	}
	_, err := a.write(0, 2)
	return errors.Join(err, w.check())
}

// A run is sealed before its end.
func sealTooEarly() error {
	w := newWorld()
	a := w.owner(5)
	if err := errors.Join(a.start(), a.segment(0, 2)); err != nil {
		return err
	}
	if err := a.log.Settle(bg, nil); !isA[*commitlog.IncompleteError](err) {
		return fmt.Errorf("sealing an unfinished run: %v", err)
	}
	return nil
}
