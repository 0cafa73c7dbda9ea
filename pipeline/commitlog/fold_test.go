package commitlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// inFolder counts the records of partition a-0: commits, merges that follow a fold, folds.
func inFolder(files map[string]string) (commits, merges, folds int) {
	for name := range files {
		base, ok := strings.CutPrefix(name, "_commits/r1/a-0/")
		switch {
		case !ok || base == "start.json":
		case strings.HasPrefix(base, "fold-"):
			folds++
		case strings.HasPrefix(base, "merge-"):
			if strings.Count(base, "-") == 2 {
				merges++
			}
		default:
			commits++
		}
	}
	return commits, merges, folds
}

// foldingWork does the job of one partition up to end as a process does that runs for long.
func foldingWork(ctx context.Context, fsys commitlog.FS, j *job, end int64) error {
	l, err := commitlog.Start(ctx, fsys, j.run)
	if err == nil {
		err = foldOn(ctx, l, j, end)
	}
	if err == nil {
		_, err = l.Collect(ctx)
	}
	if err == nil && end == j.run.Plan[0].End && len(j.run.Plan) == 1 {
		err = l.Settle(ctx, nil)
	}
	return err
}

// foldOn commits up to end in segments of cut, and merges and folds on the way.
func foldOn(ctx context.Context, l *commitlog.Log, j *job, end int64) error {
	p := l.Run().Plan[0]
	for round := 0; ; round++ {
		if round > 50 {
			return errors.New("no progress")
		}
		c, err := l.Chain(ctx, p)
		if err != nil {
			return err
		}
		for n := 0; c.Next < end && n < 3; n++ {
			first, next := c.Next, min(c.Next+j.cut, end)
			files, err := j.write(ctx, l, p, first, next)
			if err == nil {
				err = c.Commit(ctx, commitlog.Commit{First: first, Next: next, Files: files})
			}
			if errors.Is(err, commitlog.ErrFenced) {
				if err := c.Discard(ctx, files); err != nil {
					return err
				}
				break
			}
			if err != nil {
				return err
			}
			if j.acked != nil {
				j.acked(p.ID, first, next)
			}
		}
		if err := mergeAll(ctx, l, p, 3); err != nil {
			return err
		}
		if _, err := l.Fold(ctx, p, 1); err != nil && !errors.Is(err, commitlog.ErrFenced) {
			return err
		}
		if c.Next >= end {
			return nil
		}
	}
}

// finishFolding does what the next process does, and checks what it leaves.
func finishFolding(d *commitlogtest.Disk, j *job) error {
	if err := onceVisible(d.Files()); err != nil {
		return err
	}
	err := foldingWork(bg, d, j, j.run.Plan[0].End)
	if err == nil {
		err = errors.Join(verify(d, d.Files(), acks{}, true), onceVisible(d.Files()))
	}
	if commits, merges, folds := inFolder(d.Files()); err == nil && (commits != 1 || merges != 0 || folds != 1) {
		err = fmt.Errorf("%d commit records, %d merges and %d folds are left", commits, merges, folds)
	}
	return err
}

// foldSweep kills a process that commits, merges and folds before each of its operations in turn, or cuts the power.
func foldSweep(power bool, seeds uint64) error {
	for n := int64(1); ; n++ {
		for seed := range seeds {
			j := newJob(1, 7, 1)
			d, cut := commitlogtest.NewDisk(), false
			hook := cutAt(d, n, &cut)
			if !power {
				hook = func(op commitlogtest.Op, do func() error) error {
					if op.N >= n {
						cut = true
						return errFault
					}
					return do()
				}
			}
			err := foldingWork(bg, commitlogtest.Wrap(d, hook), j, j.run.Plan[0].End)
			if !cut {
				return errors.Join(err, verify(d, d.Files(), acks{}, true))
			}
			if power {
				d.On(commitlogtest.Keep(seed))
			}
			if err := finishFolding(d, j); err != nil {
				return fmt.Errorf("op %d, choice %d: %w", n, seed, err)
			}
			if !power {
				break
			}
		}
	}
}

// foldPower cuts the power before each operation on the chain's folder in turn, with more choices of what survives.
func foldPower() error {
	for n := 1; ; n++ {
		for seed := range uint64(24) {
			j, d, cut, at := newJob(1, 6, 1), commitlogtest.NewDisk(), false, 0
			err := foldingWork(bg, commitlogtest.Wrap(d, func(op commitlogtest.Op, do func() error) error {
				if strings.HasPrefix(op.Name, "_commits/r1/a-0") && (op.Changes() || op.Kind == "syncdir") {
					if at++; at == n {
						d.Cut()
						cut = true
					}
				}
				return do()
			}), j, 6)
			if !cut {
				return err
			}
			d.On(commitlogtest.Keep(seed))
			if err := finishFolding(d, j); err != nil {
				return fmt.Errorf("change %d, choice %d: %w", n, seed, err)
			}
		}
	}
}

// foldBehind runs A up to each of its operations in turn; there it sleeps, while B commits, merges and folds all there is.
// A must neither believe that it has committed what B has decided, nor harm what B has left.
func foldBehind(cutB int64) error {
	for n := int64(1); ; n++ {
		w := newWorld()
		a, b := newJob(1, 9, 2), newJob(1, 9, cutB)
		found := map[string]int64{}
		a.acked = w.acked.add
		b.acked = func(p string, first, next int64) { found[fmt.Sprintf("%s/%d", p, first)] = next }
		slept := false
		err := foldingWork(bg, commitlogtest.Wrap(w.disk, func(op commitlogtest.Op, do func() error) error {
			if op.N == n {
				slept = true
				if err := foldingWork(bg, w.disk, b, 9); err != nil {
					return fmt.Errorf("B: %w", err)
				}
			}
			return do()
		}), a, 9)
		if err != nil {
			return fmt.Errorf("op %d: %w", n, err)
		}
		if !slept {
			return nil
		}
		for first := range int64(9) { // what A was told and what B was told are of one chain
			next, ok := w.acked[fmt.Sprintf("a-0/%d", first)]
			for at := range int64(9) {
				if end, told := found[fmt.Sprintf("a-0/%d", at)]; ok && told && at < next && first < end && (at != first || end != next) {
					return fmt.Errorf("op %d: A was told of [%d,%d), B of [%d,%d)", n, first, next, at, end)
				}
			}
		}
		if err := errors.Join(onceVisible(w.disk.Files()), finishFolding(w.disk, a)); err != nil {
			return fmt.Errorf("op %d: %w", n, err)
		}
	}
}

// mergeBehind: A is about to put its merge when B merges, folds, goes on and folds again.
func mergeBehind() error {
	j, d := newJob(1, 13, 1), commitlogtest.NewDisk()
	if err := foldingWork(bg, d, j, 9); err != nil {
		return err
	}
	paused := false
	l, err := commitlog.Start(bg, commitlogtest.Wrap(d, func(op commitlogtest.Op, do func() error) error {
		if !paused && (op.Kind == "link" || op.Kind == "rename") && strings.HasPrefix(op.Name, "_commits/r1/a-0/merge-") {
			paused = true
			other, err := commitlog.Start(bg, d, j.run)
			if err == nil {
				err = errors.Join(foldOn(bg, other, j, 11), foldOn(bg, other, j, 13))
			}
			if err != nil {
				return err
			}
		}
		return do()
	}), j.run)
	if err != nil {
		return err
	}
	g, err := l.Merging(bg, l.Run().Plan[0])
	if err != nil {
		return err
	}
	files, err := mergedFiles(bg, g, 0, 1)
	if err != nil {
		return err
	}
	if err := g.Put(bg, 0, 1, files); err == nil || !paused {
		return fmt.Errorf("paused: %v; a merge behind a fold that is gone was put", paused)
	} else if !errors.Is(err, commitlog.ErrFenced) {
		return err
	}
	return finishFolding(d, j)
}

// TestFold: records go, and what they stand for stays, whoever is killed or sleeps, wherever, and whatever power losses take.
func TestFold(t *testing.T) {
	for name, scenario := range map[string]func() error{
		"killed": func() error { return foldSweep(false, 1) }, "power": func() error { return foldSweep(true, 3) },
		"same": func() error { return foldBehind(2) }, "other": func() error { return foldBehind(3) }, "merge": mergeBehind,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "killed" || name == "power" || name == "same") {
				t.Skip("one goroutine, and every operation cut off: it is run whole where the race detector does not slow it")
			}
			if err := scenario(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFoldBounds: however long a partition gets, the records in its folder are as many.
func TestFoldBounds(t *testing.T) {
	j, d := newJob(1, 200, 1), commitlogtest.NewDisk()
	l, err := commitlog.Start(bg, d, j.run)
	if err != nil {
		t.Fatal(err)
	}
	p := l.Run().Plan[0]
	for at := int64(0); at < 200; at += 10 {
		c, err := l.Chain(bg, p)
		if err != nil {
			t.Fatal(err)
		}
		for c.Next < at+10 {
			files, err := j.write(bg, l, p, c.Next, c.Next+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Commit(bg, commitlog.Commit{First: c.Next, Next: c.Next + 1, Files: files, Counts: map[string]int64{"rows": 1}, Bytes: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if c.Records() != int(at)+10 {
			t.Fatalf("record number %d of %d", c.Records(), at+10)
		}
		g, err := l.Merging(bg, p)
		if err != nil {
			t.Fatal(err)
		}
		files, err := mergedFiles(bg, g, 0, len(g.Records)-1)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Put(bg, 0, len(g.Records)-1, files); err != nil {
			t.Fatal(err)
		}
		if did, err := l.Fold(bg, p, 12); err != nil || did != (at%20 == 10) {
			t.Fatal(at, did, err)
		}
		if commits, merges, folds := inFolder(d.Files()); commits > 21 || merges > 1 || folds > 1 {
			t.Fatalf("at %d: %d commits, %d merges, %d folds", at, commits, merges, folds)
		}
	}
	rows, bytes, records := int64(0), int64(0), 0
	if err := l.Settle(bg, func(_ pipeline.Partition, r commitlog.Record) error {
		rows, bytes, records = rows+r.Counts["rows"], bytes+r.Bytes, records+1
		return nil
	}); err != nil || rows != 200 || bytes != 400 || records != 1 {
		t.Fatal(err, rows, bytes, records)
	}
}

// TestFoldDamaged: a fold that is not what was put, or is missing, is refused.
func TestFoldDamaged(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"flipped": func(b []byte) []byte { b[len(b)-20] ^= 4; return b }, "cut": func(b []byte) []byte { return b[:len(b)/2] }, "gone": nil,
	} {
		j, d := newJob(1, 9, 1), commitlogtest.NewDisk()
		if err := foldingWork(bg, d, j, 9); err != nil {
			t.Fatal(err)
		}
		for file := range d.Files() {
			if !strings.Contains(file, "/fold-") {
				continue
			}
			err := error(nil)
			if harm == nil {
				err = d.Remove(file)
			} else {
				err = d.Corrupt(file, harm)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		l, err := commitlog.Start(bg, d, j.run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Chain(bg, l.Run().Plan[0]); !isA[*commitlog.DamagedError](err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
