package commitlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

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
	r := rand.New(rand.NewPCG(seed, 7))
	w := newWorld()
	steps := make(chan step)
	jobs := make([]*job, procs)
	begin := func(i int) {
		fsys := commitlogtest.Wrap(w.disk, func(op commitlogtest.Op, do func() error) error {
			s := step{who: i, op: op, do: do, res: make(chan error)}
			steps <- s
			return <-s.res
		})
		go func() { steps <- step{who: i, end: true, err: jobs[i].work(bg, fsys)} }()
	}
	for i := range procs {
		jobs[i] = newJob(2, 4, 1+r.Int64N(3))
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
			if e := verify(w.disk, w.disk.Files(), w.acked, false); e != nil {
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
	if err := jobs[0].work(bg, w.disk); err != nil {
		return err
	}
	return verify(w.disk, w.disk.Files(), w.acked, true)
}

// TestInterleavings tries many orders of the steps of two and three processes.
func TestInterleavings(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		if err := schedule(seed, 2+int(seed%2)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
