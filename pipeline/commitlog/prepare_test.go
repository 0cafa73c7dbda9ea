package commitlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// outside is a system that commits together with the log: it keeps the last position and token it was told.
type outside struct {
	next  int64
	token string
}

// settle brings the chain of a new owner to where the outside is.
func (x *outside) settle(o *owner) error {
	if err := o.start(); err != nil {
		return err
	}
	if x.next > o.chain.Next {
		if err := o.chain.CommitPrepared(bg, x.token); err != nil {
			return err
		}
	}
	if o.chain.Next != x.next {
		return fmt.Errorf("the chain ends at %d, outside it is %d", o.chain.Next, x.next)
	}
	return nil
}

// work commits segments of two, together with the outside.
func (x *outside) work(o *owner, end int64) error {
	for o.chain.Next < end {
		first, next := o.chain.Next, min(end, o.chain.Next+2)
		files, err := o.write(first, next)
		if err != nil {
			return err
		}
		c := commitlog.Commit{First: first, Next: next, Files: files}
		token, err := o.chain.Prepare(bg, c)
		if err != nil {
			return err
		}
		x.next, x.token = next, token // the outside commits: from here on the segment is decided
		if err := o.chain.Commit(bg, c); err != nil {
			return err
		}
	}
	return nil
}

// preparedThenPowerLoss cuts the power before each operation in turn; whatever survives, the log can follow the outside.
func preparedThenPowerLoss() error {
	const end = 5
	for n := int64(1); ; n++ {
		for seed := range uint64(6) {
			w, x, cut := newWorld(), &outside{}, false
			a := w.owner(end)
			a.fs = commitlogtest.Wrap(w.disk, cutAt(w.disk, n, &cut))
			err := a.start()
			if err == nil {
				err = x.work(a, end)
			}
			if !cut {
				return err
			}
			w.disk.On(commitlogtest.Keep(seed))
			b := w.owner(end)
			if err := errors.Join(x.settle(b), x.work(b, end), w.check()); err != nil {
				return fmt.Errorf("power lost at op %d, choice %d: %w", n, seed, err)
			}
			if _, err := b.log.Collect(bg); err != nil {
				return err
			}
			for name := range w.disk.Files() {
				if strings.Contains(name, ".prepared") {
					return fmt.Errorf("op %d: %s is left behind a decided position", n, name)
				}
			}
		}
	}
}

// TestPrepared: what is prepared decides nothing, is found as long as its position is open, and is put by whoever has its token.
func TestPrepared(t *testing.T) {
	w := newWorld()
	a, b := w.owner(5), w.owner(5)
	if err := errors.Join(a.start(), b.start()); err != nil {
		t.Fatal(err)
	}
	files, err := a.write(0, 2)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := a.chain.IsPrepared(); there || err != nil {
		t.Fatal(there, err)
	}
	token, err := a.chain.Prepare(bg, commitlog.Commit{First: 0, Next: 2, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if there, err := b.chain.IsPrepared(); !there || err != nil || b.chain.Next != 0 {
		t.Fatal(there, err)
	}
	if _, err := b.log.Collect(bg); err != nil {
		t.Fatal(err)
	}
	if err := b.chain.CommitPrepared(bg, "0123456789abcdef"+token[16:]); !isA[*commitlog.DamagedError](err) {
		t.Fatalf("a token that nobody has: %v", err)
	}
	if err := errors.Join(b.chain.CommitPrepared(bg, token), a.commit(0, 2, files)); err != nil || b.chain.Next != 2 || a.chain.Next != 2 {
		t.Fatal(err, a.chain.Next, b.chain.Next)
	}
	if _, err := a.chain.Prepare(bg, commitlog.Commit{First: 0, Next: 2}); err == nil {
		t.Error("prepared a position that is decided")
	}
	if err := w.check(); err != nil {
		t.Fatal(err)
	}

	more, err := a.write(2, 4)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = a.chain.Prepare(bg, commitlog.Commit{First: 2, Next: 4, Files: more}); err != nil {
		t.Fatal(err)
	}
	for name := range w.disk.Files() {
		if strings.Contains(name, token[:16]) {
			if err := w.disk.Corrupt(name, func(d []byte) []byte { d[len(d)/2] ^= 1; return d }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.chain.CommitPrepared(bg, token); !isA[*commitlog.DamagedError](err) {
		t.Errorf("a flipped bit: %v", err)
	}
}

// workFolding commits segments of two together with the outside, as one that sends a stream on does; folds go on beside it: at
// each moment between what was prepared and what is put, and behind it.
func (x *outside) workFolding(o *owner, end int64) error {
	fold := func() error {
		p := o.chain.Partition
		if err := mergeAll(bg, o.log, p, 3); err != nil {
			return err
		}
		_, err := o.log.Fold(bg, p, 1)
		if err == nil {
			_, err = o.log.Collect(bg)
		}
		return fenced(err)
	}
	for o.chain.Next < end {
		first, next := o.chain.Next, min(end, o.chain.Next+2)
		files, err := o.write(first, next)
		if err != nil {
			return err
		}
		c := commitlog.Commit{First: first, Next: next, Files: files}
		token, err := o.chain.Prepare(bg, c)
		if err == nil {
			err = fold()
		}
		if err != nil {
			return err
		}
		x.next, x.token = next, token // the outside commits: from here on the segment is decided
		if err := fold(); err != nil {
			return err
		}
		if err := o.chain.Commit(bg, c); err != nil {
			return err
		}
		if err := fold(); err != nil {
			return err
		}
	}
	return fold()
}

// TestPreparedFolded kills one that prepares, commits outside, and folds, before each of its operations in turn, or cuts the
// power: the next one finds what the outside names, and in the end each row stands once, and nothing that was prepared is left.
func TestPreparedFolded(t *testing.T) {
	const end = 5
	step := int64(1)
	if testing.Short() {
		step = 15
	}
	for _, power := range []bool{false, true} {
		ops := int64(0)
		for n := int64(1); ops == 0; n += step {
			for seed := range uint64(1 + n%2) {
				w, x, cut := newWorld(), &outside{}, false
				a := w.owner(end)
				hook := cutAt(w.disk, n, &cut)
				if !power {
					hook = func(op commitlogtest.Op, do func() error) error {
						if op.N >= n {
							cut = true
							return errFault
						}
						return do()
					}
				}
				a.fs = commitlogtest.Wrap(w.disk, hook)
				err := a.start()
				if err == nil {
					err = x.workFolding(a, end)
				}
				if !cut {
					if err != nil {
						t.Fatal(err)
					}
					ops = n - 1
					if _, _, folds := inFolder(w.disk.Files()); folds == 0 {
						t.Fatal("nothing was folded")
					}
					break
				}
				if power {
					w.disk.On(commitlogtest.Keep(seed))
				}
				b := w.owner(end)
				err = errors.Join(x.settle(b), x.workFolding(b, end), onceVisible(w.disk.Files()))
				if err == nil {
					_, err = b.log.Collect(bg)
				}
				if err := errors.Join(err, verify(w.disk, w.disk.Files(), acks{}, true)); err != nil {
					t.Fatalf("power %v, op %d, choice %d: %v", power, n, seed, err)
				}
				if !power {
					break
				}
			}
		}
		t.Logf("power %v: %d operations", power, ops)
	}
}
