package commitlog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// A job is a small run: each position of a partition is a row, even ones train, odd ones test.
type job struct {
	run   commitlog.Run
	cut   int64 // positions in a segment
	ahead bool  // write the next segment before the first one is committed
	acked func(p string, first, next int64)
}

func newJob(parts, end, cut int64) *job {
	return &job{cut: cut, run: commitlog.Run{ID: "r1", Version: "test", Created: time.Unix(0, 0).UTC(),
		ConfigSHA256: "c", PromptsSHA256: "p", SchemaSHA256: "s", Config: "config", Plan: plan(parts, end)}}
}

// rows is what a segment writes into a folder. The sidecar holds the very bytes of the train file.
func rows(p string, first, next int64, folder string) string {
	var b strings.Builder
	for i := first; i < next; i++ {
		if (i%2 == 1) == (folder == "test") {
			fmt.Fprintf(&b, "%s %d\n", p, i)
		}
	}
	return b.String()
}

var folders = []string{"train", "test", "side/train"}

func (j *job) write(ctx context.Context, l *commitlog.Log, p pipeline.Partition, first, next int64) (files []pipeline.File, err error) {
	seg := pipeline.Segment{Run: l.Run().ID, Partition: p.ID, First: first}
	for _, folder := range folders {
		text := rows(p.ID, first, next, folder)
		if text == "" {
			continue
		}
		t, err := l.Staging().Create(seg, folder, "txt")
		if err != nil {
			return files, err
		}
		if _, err := t.Write([]byte(text)); err != nil {
			return files, errors.Join(err, t.Abort())
		}
		name, sum, n, err := t.Publish(ctx)
		if err != nil {
			return files, err
		}
		files = append(files, pipeline.File{Folder: folder, Name: name, Bytes: n, SHA256: sum, Rows: int64(strings.Count(text, "\n"))})
	}
	return files, nil
}

func (j *job) next(p pipeline.Partition, first int64) int64 { return min(first+j.cut, p.End) }

// work does the job as one process does.
func (j *job) work(ctx context.Context, fsys commitlog.FS) error {
	l, err := commitlog.Start(ctx, fsys, j.run)
	if err != nil {
		return err
	}
	for _, p := range l.Run().Plan {
		for round := 0; ; round++ {
			if round > 50 {
				return fmt.Errorf("no progress on %s", p.ID)
			}
			c, err := l.Chain(ctx, p)
			if err != nil {
				return err
			}
			if c.Done() {
				break
			}
			if err := j.extend(ctx, l, c); err != nil && !errors.Is(err, commitlog.ErrFenced) {
				return err
			}
		}
	}
	return j.seal(ctx, l)
}

// extend commits segments until the end, or until it is fenced.
func (j *job) extend(ctx context.Context, l *commitlog.Log, c *commitlog.Chain) error {
	p := c.Partition
	var ahead []pipeline.File
	for !c.Done() {
		first := c.Next
		next := j.next(p, first)
		files, err := ahead, error(nil)
		if ahead == nil {
			if files, err = j.write(ctx, l, p, first, next); err != nil {
				return err
			}
		}
		ahead = nil
		if j.ahead && next < p.End {
			if ahead, err = j.write(ctx, l, p, next, j.next(p, next)); err != nil {
				return err
			}
		}
		err = c.Commit(ctx, commitlog.Commit{First: first, Next: next, Files: files, Counts: map[string]int64{"rows": next - first}})
		if errors.Is(err, commitlog.ErrFenced) {
			return errors.Join(err, c.Discard(ctx, append(files, ahead...)))
		}
		if err != nil {
			return err
		}
		if j.acked != nil {
			j.acked(p.ID, first, next)
		}
	}
	return nil
}

func (j *job) seal(ctx context.Context, l *commitlog.Log) error {
	if _, err := l.Collect(ctx); err != nil {
		return err
	}
	var b strings.Builder
	err := l.Settle(ctx, func(p pipeline.Partition, r commitlog.Record) error {
		for _, f := range r.Files {
			fmt.Fprintf(&b, "%s/%s %d\n", f.Folder, f.Name, f.Rows)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.WriteFile(ctx, "README.md", []byte("readme\n")); err != nil {
		return err
	}
	return l.WriteManifest(ctx, "manifest.json", []byte(b.String()), func(old []byte) bool { return len(old) > b.Len() })
}

// acks remembers what processes were told is committed.
type acks map[string]int64 // partition/first → next

func (a acks) add(p string, first, next int64) { a[fmt.Sprintf("%s/%d", p, first)] = next }

// verify looks at a folder as it stands, at any time, and says what the protocol has broken. final: after a whole run.
func verify(fsys commitlog.FS, files map[string]string, acked acks, final bool) (err error) {
	commitlog.Unmutated(func() { err = verifyStrict(fsys, files, acked, final) })
	return err
}

func verifyStrict(fsys commitlog.FS, files map[string]string, acked acks, final bool) error {
	ctx := context.Background()
	named, found := map[string]bool{}, acks{}
	if _, started := files["_commits/run.json"]; started {
		l, err := commitlog.Open(ctx, fsys)
		if err != nil {
			return err
		}
		for _, p := range l.Run().Plan {
			end := p.First
			err := l.Walk(ctx, p, func(r commitlog.Record) error {
				found.add(p.ID, r.First, r.Next)
				end = r.Next
				return verifyRecord(files, p, r, named)
			})
			if err != nil {
				return err
			}
			if final && end != p.End {
				return fmt.Errorf("partition %s ends at %d", p.ID, end)
			}
		}
	}
	for k, next := range acked {
		if found[k] != next {
			return fmt.Errorf("%s was acknowledged up to %d and its record ends at %d", k, next, found[k])
		}
	}
	for name := range files {
		top, _, _ := strings.Cut(name, "/")
		switch top {
		case "_commits", "README.md", "manifest.json":
		case ".staging":
			if final {
				return fmt.Errorf("left behind: %s", name)
			}
		default:
			if !named[name] {
				return fmt.Errorf("visible, and no record names it: %s", name)
			}
			delete(named, name)
		}
	}
	if final && len(named) > 0 {
		return fmt.Errorf("not brought forward: %v", slices.Sorted(maps.Keys(named)))
	}
	return nil
}

func verifyRecord(files map[string]string, p pipeline.Partition, r commitlog.Record, named map[string]bool) error {
	want := 0
	for _, folder := range folders {
		if rows(p.ID, r.First, r.Next, folder) != "" {
			want++
		}
	}
	if len(r.Files) != want {
		return fmt.Errorf("record [%d,%d) of %s names %d files, want %d", r.First, r.Next, p.ID, len(r.Files), want)
	}
	for _, f := range r.Files {
		name := f.Folder + "/" + f.Name
		named[name] = true
		copies := 0
		staged := strings.ReplaceAll(f.Folder, "/", ".") + "+" + f.Name
		places := []string{name, ".staging/" + staged}
		for at := range files {
			if strings.HasPrefix(at, ".staging/merge-") && strings.HasSuffix(at, "-"+staged) {
				places = append(places, at)
			}
		}
		for _, at := range places {
			got, ok := files[at]
			if !ok {
				continue
			}
			copies++
			if got != rows(p.ID, r.First, r.Next, f.Folder) {
				return fmt.Errorf("%s of record [%d,%d) holds %q", at, r.First, r.Next, got)
			}
		}
		if copies == 0 {
			return fmt.Errorf("record [%d,%d) of %s names %s, which is gone", r.First, r.Next, p.ID, name)
		}
	}
	return nil
}

// undisturbed is the tree of a run in which nothing happens.
func diffTrees(got, want map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[name]; !ok {
			return fmt.Errorf("missing: %s", name)
		} else if g != want[name] {
			return fmt.Errorf("differs: %s: %q, want %q", name, g, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("extra: %s", name)
		}
	}
	return nil
}
