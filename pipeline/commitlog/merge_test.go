package commitlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// mergeAll merges records by size at a time, as one process does, until nothing is left to merge.
func mergeAll(ctx context.Context, l *commitlog.Log, p pipeline.Partition, size int) error {
	for round := 0; ; round++ {
		if round > 20 {
			return errors.New("no end of merging")
		}
		g, err := l.Merging(ctx, p)
		if err != nil {
			return err
		}
		from := slices.IndexFunc(g.Records, func(r commitlog.Record) bool { return r.Next-r.First < 4 && r.Next < p.End-1 })
		if from < 0 || from+size > len(g.Records) {
			return nil
		}
		to := from + size - 1
		files, err := mergedFiles(ctx, g, from, to)
		if err == nil {
			err = g.Put(ctx, from, to, files)
		}
		if err != nil && !errors.Is(err, commitlog.ErrFenced) {
			return err
		}
	}
}

func mergedFiles(ctx context.Context, g *commitlog.Merging, from, to int) (files []pipeline.File, err error) {
	first, next := g.Records[from].First, g.Records[to].Next
	for _, folder := range folders {
		text := rows(g.Partition.ID, first, next, folder)
		if text == "" {
			continue
		}
		t, err := g.Staging().Create(pipeline.Segment{Run: g.Records[from].Run, Partition: g.Partition.ID, First: first}, folder, "txt")
		if err != nil {
			return nil, err
		}
		if _, err := t.Write([]byte(text)); err != nil {
			return nil, errors.Join(err, t.Abort())
		}
		name, sum, n, err := t.Publish(ctx)
		if err != nil {
			return nil, err
		}
		files = append(files, pipeline.File{Folder: folder, Name: name, Bytes: n, SHA256: sum, Rows: int64(strings.Count(text, "\n"))})
	}
	return files, nil
}

// onceVisible checks that no row stands twice in a folder that readers look into.
func onceVisible(files map[string]string) error {
	for _, folder := range folders {
		seen := map[string]string{}
		for name, text := range files {
			if dir := name[:max(0, strings.LastIndexByte(name, '/'))]; dir != folder {
				continue
			}
			for line := range strings.Lines(text) {
				if at, twice := seen[line]; twice {
					return fmt.Errorf("%q is visible in %s and in %s", line, at, name)
				}
				seen[line] = name
			}
		}
	}
	return nil
}

// finishMerging does what the next process does, and checks what it leaves.
func finishMerging(d *commitlogtest.Disk, j *job, size int) error {
	if err := onceVisible(d.Files()); err != nil {
		return err
	}
	l, err := commitlog.Start(bg, d, j.run)
	if err != nil {
		return err
	}
	err = errors.Join(mergeAll(bg, l, l.Run().Plan[0], size), sealMerged(l))
	if err == nil {
		err = verify(d, d.Files(), acks{}, true)
	}
	return errors.Join(err, onceVisible(d.Files()))
}

// sealMerged is what a seal does with the log; the manifest of the test would have shrunk.
func sealMerged(l *commitlog.Log) error {
	if _, err := l.Collect(bg); err != nil {
		return err
	}
	return l.Settle(bg, nil)
}

// mergeSweep kills a merging process, or cuts the power, before each of its operations in turn.
func mergeSweep(power bool) error {
	j := newJob(1, 13, 1)
	for n := int64(1); ; n++ {
		for seed := range uint64(3) {
			d, cut := commitlogtest.NewDisk(), false
			if err := j.work(bg, d); err != nil {
				return err
			}
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
			l, err := commitlog.Start(bg, commitlogtest.Wrap(d, hook), j.run)
			if err == nil {
				err = mergeAll(bg, l, l.Run().Plan[0], 3)
			}
			if err == nil {
				err = sealMerged(l)
			}
			if !cut {
				if err == nil {
					err = verify(d, d.Files(), acks{}, true)
				}
				return err
			}
			if power {
				d.On(commitlogtest.Keep(seed))
			}
			if err := finishMerging(d, j, 3); err != nil {
				return fmt.Errorf("op %d, choice %d: %w", n, seed, err)
			}
			if !power {
				break
			}
		}
	}
}

// twoMergers: A is about to put its merge when B, who merges more, puts its own.
func twoMergers() error {
	j := newJob(1, 13, 1)
	d := commitlogtest.NewDisk()
	if err := j.work(bg, d); err != nil {
		return err
	}
	paused := false
	l, err := commitlog.Start(bg, commitlogtest.Wrap(d, func(op commitlogtest.Op, do func() error) error {
		if !paused && (op.Kind == "link" || op.Kind == "rename") && strings.HasPrefix(op.Name, "_commits/r1/a-0/merge-0") {
			paused = true
			other, err := commitlog.Start(bg, d, j.run)
			if err == nil {
				err = mergeAll(bg, other, other.Run().Plan[0], 4)
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
	if err := mergeAll(bg, l, l.Run().Plan[0], 3); err != nil {
		return err
	}
	if !paused {
		return errors.New("A was not about to put anything")
	}
	return finishMerging(d, j, 3)
}

// TestMerge: whoever is killed, wherever, and whatever power losses take, the rows are the same, and none is visible twice.
func TestMerge(t *testing.T) {
	for name, scenario := range map[string]func() error{"killed": func() error { return mergeSweep(false) }, "power": func() error { return mergeSweep(true) }, "two": twoMergers} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "two" {
				t.Skip("one goroutine, and every operation of a merge cut off: it is run whole where the race detector does not slow it")
			}
			if err := scenario(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMergeBehindAnOwner: an owner has put its record and sleeps; before it brings its files forward, they are merged.
func TestMergeBehindAnOwner(t *testing.T) {
	for _, at := range []string{"rename", "syncdir"} {
		j := newJob(1, 13, 1)
		d := commitlogtest.NewDisk()
		n := 0
		fsys := commitlogtest.Wrap(d, func(op commitlogtest.Op, do func() error) error {
			if op.Kind == at && (op.Name == "side/train" || strings.HasPrefix(op.Name, "side/train/")) {
				if n++; n == 4 {
					other, err := commitlog.Start(bg, d, j.run)
					if err == nil {
						err = mergeAll(bg, other, other.Run().Plan[0], 3)
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
			return do()
		})
		if err := j.work(bg, fsys); err != nil {
			t.Fatal(at, err)
		}
		if err := finishMerging(d, j, 3); err != nil {
			t.Error(at, err)
		}
	}
}

// TestMergeDamaged: a merge that is not what was put, or that does not fit the records, is refused.
func TestMergeDamaged(t *testing.T) {
	j := newJob(1, 13, 1)
	d := commitlogtest.NewDisk()
	if err := j.work(bg, d); err != nil {
		t.Fatal(err)
	}
	l, err := commitlog.Start(bg, d, j.run)
	if err != nil {
		t.Fatal(err)
	}
	p := l.Run().Plan[0]
	g, err := l.Merging(bg, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Put(bg, 0, 1, []pipeline.File{g.Records[3].Files[0]}); err == nil {
		t.Error("a merge that names a file of another record")
	}
	if err := mergeAll(bg, l, p, 3); err != nil {
		t.Fatal(err)
	}
	for name := range d.Files() {
		if strings.Contains(name, "/merge-") && strings.HasSuffix(name, "1.json") {
			if err := d.Corrupt(name, func(b []byte) []byte { b[len(b)-20] ^= 4; return b }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if l, err = commitlog.Start(bg, d, j.run); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(bg, nil); !isA[*commitlog.DamagedError](err) {
		t.Errorf("a flipped bit: %v", err)
	}
}
