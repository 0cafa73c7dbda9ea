package commitlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

var errKilled = errors.New("killed")

// A step is one operation that a process waits to do.
type step struct {
	who int
	op  commitlogtest.Op
	do  func() error
	res chan error
	end bool // the process has ended, with err
	err error
}

// schedule runs processes on one disk, one operation at a time, in an order that depends on the seed alone. Some are killed
// and started again, some answers get lost, and the power goes now and then. After every change the folder is verified.
func schedule(seed uint64, procs int) error {
	w := newWorld()
	return interleave(seed, procs, 2, 4, w, (*job).work, func(final bool) error { return verify(w.disk, w.disk.Files(), w.acked, final) })
}

// scheduleFolds is schedule for processes that merge and fold; what they were told cannot be read in the folder any more.
func scheduleFolds(seed uint64, procs int) error {
	w := newWorld()
	work := func(j *job, ctx context.Context, fsys commitlog.FS) error {
		j.acked = nil
		return foldingWork(ctx, fsys, j, j.run.Plan[0].End)
	}
	return interleave(seed, procs, 1, 7, w, work, func(final bool) error {
		if !final { // an owner that pauses between its look and its rename may show a merged file for a moment
			return nil
		}
		return errors.Join(verify(w.disk, w.disk.Files(), acks{}, true), onceVisible(w.disk.Files()))
	})
}

func interleave(seed uint64, procs int, parts, end int64, w *world, work func(*job, context.Context, commitlog.FS) error, verify func(final bool) error) error {
	r := rand.New(rand.NewPCG(seed, 7))
	steps := make(chan step)
	jobs := make([]*job, procs)
	begin := func(i int) {
		fsys := commitlogtest.Wrap(w.disk, func(op commitlogtest.Op, do func() error) error {
			s := step{who: i, op: op, do: do, res: make(chan error)}
			steps <- s
			return <-s.res
		})
		go func() { steps <- step{who: i, end: true, err: work(jobs[i], bg, fsys)} }()
	}
	for i := range procs {
		jobs[i] = newJob(parts, end, 1+r.Int64N(3))
		jobs[i].ahead = r.IntN(2) == 0
		jobs[i].acked = w.acked.add
		begin(i)
	}
	waiting, running, mishaps := map[int]step{}, procs, 12
	dead := map[int]bool{} // every operation of theirs fails until they have ended
	var broken error
	turn := 0
	for n := 0; running > 0 || len(waiting) > 0; n++ {
		for running > 0 {
			s := <-steps
			switch {
			case s.end && (broken != nil || s.err == nil || n > 20000):
				running--
			case s.end: // as a process that is started again
				delete(dead, s.who)
				if mishaps > 0 || errors.Is(s.err, errKilled) || errors.Is(s.err, errFault) || errors.Is(s.err, commitlogtest.ErrPower) {
					begin(s.who)
					continue
				}
				broken, running = s.err, running-1
			case dead[s.who] || broken != nil:
				s.res <- errKilled
			default:
				waiting[s.who] = s
				running--
			}
		}
		if len(waiting) == 0 {
			break
		}
		for r.IntN(8) == 0 || waiting[turn].res == nil {
			turn = r.IntN(procs)
		}
		s := waiting[turn]
		delete(waiting, turn)
		running++
		chance := 1000
		if mishaps > 0 {
			chance = r.IntN(400)
		}
		var err error
		switch {
		case chance < 3: // killed before the step
			dead[s.who], err = true, errKilled
		case chance < 6: // or after it
			_ = s.do()
			dead[s.who], err = true, errKilled
		case chance < 8: // it fails
			err = errFault
		case chance < 10: // its answer gets lost
			_ = s.do()
			err = errFault
		case chance < 11:
			w.disk.Cut()
			w.disk.On(commitlogtest.Keep(r.Uint64N(6)))
			err = commitlogtest.ErrPower
			for i := range procs {
				dead[i] = true
			}
		default:
			err = s.do()
		}
		if chance < 11 {
			mishaps--
		}
		if broken == nil && (s.op.Changes() || chance < 11) {
			if e := verify(false); e != nil {
				broken = fmt.Errorf("step %d, process %d, %s %s: %w", n, s.who, s.op.Kind, s.op.Name, e)
			}
		}
		s.res <- err
		for i, o := range waiting { // the others of a power loss
			if dead[i] {
				delete(waiting, i)
				running++
				o.res <- errKilled
			}
		}
	}
	if broken != nil {
		return broken
	}
	// All have ended: one more finds nothing to do but tidying up.
	if err := work(jobs[0], bg, w.disk); err != nil {
		return err
	}
	return verify(true)
}

// TestInterleavings tries many orders of the steps of two and three processes.
func TestInterleavings(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 25
	}
	for seed := range seeds {
		if err := schedule(seed, 2+int(seed%2)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := scheduleFolds(seed, 2+int(seed%2)); err != nil {
			t.Fatalf("seed %d, with folds: %v", seed, err)
		}
	}
}
