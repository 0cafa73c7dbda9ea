package commitlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

var bg = context.Background()

// cutAt turns the power off before operation n.
func cutAt(d *commitlogtest.Disk, n int64, cut *bool) commitlogtest.Hook {
	return func(op commitlogtest.Op, do func() error) error {
		if op.N == n {
			d.Cut()
			*cut = true
		}
		return do()
	}
}

// powerLoss runs a job with the power cut before each of its operations in turn, each time with several choices of what
// survives, and finishes it; it returns the first violation.
func powerLoss(j *job, seeds uint64) error {
	want := map[string]string(nil)
	for n := int64(1); ; n++ {
		for seed := range seeds {
			d, acked, cut := commitlogtest.NewDisk(), acks{}, false
			k := *j
			k.acked = acked.add
			err := k.work(bg, commitlogtest.Wrap(d, cutAt(d, n, &cut)))
			if !cut { // swept through
				if err != nil {
					return err
				}
				want = d.Files()
				if err := verify(d, want, acked, true); err != nil {
					return err
				}
				return afterPowerLoss(j, n, seeds, want)
			}
			if err == nil {
				return fmt.Errorf("op %d: no error after a power loss", n)
			}
			d.On(commitlogtest.Keep(seed))
			if err := verify(d, d.Files(), acked, false); err != nil {
				return fmt.Errorf("power lost at op %d, choice %d: %w", n, seed, err)
			}
		}
	}
}

// afterPowerLoss finishes each of the runs that were cut off before operation 1…ops and compares the outcome.
func afterPowerLoss(j *job, ops int64, seeds uint64, want map[string]string) error {
	for n := int64(1); n < ops; n++ {
		for seed := range seeds {
			d, acked, cut := commitlogtest.NewDisk(), acks{}, false
			k := *j
			k.acked = acked.add
			_ = k.work(bg, commitlogtest.Wrap(d, cutAt(d, n, &cut)))
			d.On(commitlogtest.Keep(seed))
			if seed > 0 { // once more, during the repair
				m := (n*7+int64(seed)*31)%ops + 1
				cut = false
				err := k.work(bg, commitlogtest.Wrap(d, cutAt(d, m, &cut)))
				if err != nil && !cut {
					return fmt.Errorf("power lost at op %d, choice %d: going on: %w", n, seed, err)
				}
				d.Cut()
				d.On(commitlogtest.Keep(seed + 1))
				if err := verify(d, d.Files(), acked, false); err != nil {
					return fmt.Errorf("power lost at op %d and again at %d, choice %d: %w", n, m, seed, err)
				}
			}
			if err := k.work(bg, d); err != nil {
				return fmt.Errorf("power lost at op %d, choice %d: going on: %w", n, seed, err)
			}
			if err := errors.Join(verify(d, d.Files(), acked, true), diffTrees(d.Files(), want)); err != nil {
				return fmt.Errorf("power lost at op %d, choice %d: at the end: %w", n, seed, err)
			}
		}
	}
	return nil
}

func TestPowerLoss(t *testing.T) {
	choices := uint64(4)
	if testing.Short() { // the race detector makes each ten times as slow, and sees nothing in one goroutine
		choices = 1
	}
	if err := powerLoss(newJob(2, 5, 2), choices); err != nil {
		t.Error(err)
	}
}

var errFault = errors.New("input/output error")

// TestFaults lets each operation fail in turn, once before it has an effect and once after, and finishes the run.
func TestFaults(t *testing.T) {
	j := newJob(2, 5, 2)
	clean := commitlogtest.NewDisk()
	if err := j.work(bg, clean); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, after := range []bool{false, true} {
		for n := int64(1); ; n++ {
			d, hit, acked := commitlogtest.NewDisk(), commitlogtest.Op{}, acks{}
			j.acked = acked.add
			err := j.work(bg, commitlogtest.Wrap(d, func(op commitlogtest.Op, do func() error) error {
				if op.N != n {
					return do()
				}
				hit = op
				if after {
					_ = do()
				}
				return errFault
			}))
			if hit.N == 0 {
				break
			}
			if err != nil && !errors.Is(err, errFault) {
				t.Errorf("%+v (effect: %v): error hides its cause: %v", hit, after, err)
			}
			if err != nil {
				failed++
			}
			if err := verify(d, d.Files(), acked, false); err != nil {
				t.Errorf("%+v failed (effect: %v): %v", hit, after, err)
			}
			if err := j.work(bg, d); err != nil {
				t.Errorf("%+v failed (effect: %v): going on: %v", hit, after, err)
			}
			if err := errors.Join(verify(d, d.Files(), acked, true), diffTrees(d.Files(), clean.Files())); err != nil {
				t.Errorf("%+v failed (effect: %v): at the end: %v", hit, after, err)
			}
		}
	}
	t.Logf("%d failing runs", failed)
}

var _ commitlog.FS = (*commitlogtest.Disk)(nil)
