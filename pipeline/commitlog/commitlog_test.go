package commitlog_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

func plan(n, end int64) []pipeline.Partition {
	var ps []pipeline.Partition
	for i := range n {
		ps = append(ps, pipeline.Partition{ID: string(rune('a'+i)) + "-0", Source: "in", First: 0, End: end, Fingerprint: "f"})
	}
	return ps
}

func TestLocalFolder(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "x", "out")
	fsys, err := commitlog.OpenOS(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := commitlog.Run{ConfigSHA256: "c", Plan: plan(2, 5)}
	l, err := commitlog.Start(ctx, fsys, want)
	if err != nil {
		t.Fatal(err)
	}
	again, err := commitlog.Start(ctx, fsys, want)
	if err != nil || again.Run().ID != l.Run().ID || len(l.Run().ID) != 8 {
		t.Fatalf("second start: run %q, want %q: %v", again.Run().ID, l.Run().ID, err)
	}
	want.ConfigSHA256 = "d"
	if _, err := commitlog.Start(ctx, fsys, want); !isA[*commitlog.MismatchError](err) {
		t.Fatalf("another config: %v", err)
	}
	p := l.Run().Plan[0]
	c, err := l.Chain(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := l.Staging().Create(pipeline.Segment{Run: l.Run().ID, Partition: p.ID, First: 0}, "parquet/train", "parquet")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmp.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	name, sum, n, err := tmp.Publish(ctx)
	if err != nil || n != 5 {
		t.Fatal(n, err)
	}
	f := pipeline.File{Folder: "parquet/train", Name: name, Bytes: n, SHA256: sum, Rows: 3}
	if _, err := os.Stat(filepath.Join(dir, "parquet")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("visible before its record")
	}
	if err := c.Commit(ctx, commitlog.Commit{First: 0, Next: 3, Files: []pipeline.File{f}, Counts: map[string]int64{"train": 3}}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "parquet/train", name)); err != nil || string(b) != "hello" {
		t.Fatalf("%q %v", b, err)
	}
	if _, err := l.Collect(ctx); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(filepath.Join(dir, ".staging")); len(names) != 0 {
		t.Fatalf("left in staging: %v", names)
	}
	if err := l.Settle(ctx, nil); !isA[*commitlog.IncompleteError](err) {
		t.Fatalf("settled an unfinished run: %v", err)
	}
	pr, err := l.Progress(ctx)
	if err != nil || pr[0].Next != 3 || pr[0].Done || pr[1].Next != 0 {
		t.Fatalf("%+v %v", pr, err)
	}
	if err := l.WriteFile(ctx, "README.md", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "_commits/run.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := commitlog.Start(ctx, fsys, want); !isA[*commitlog.NotEmptyError](err) {
		t.Fatalf("started in a folder with data: %v", err)
	}
}

// TestNotEmpty: a new run takes no folder that holds files, wherever they lie: nothing of the user's is mixed with its data
// or written over.
func TestNotEmpty(t *testing.T) {
	for name, refused := range map[string]bool{
		"README.md": true, "jsonl/train/part-1.jsonl": true, "train/data/notes/a.txt": true, "_commits/0123abcd/p0/start.json": true,
		".gitkeep": false, ".git/config": false, "train/": false, ".staging/tmp-x": false,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			at := filepath.Join(dir, name)
			folder := filepath.Dir(at)
			if strings.HasSuffix(name, "/") {
				folder = at
			}
			if err := os.MkdirAll(folder, 0o750); err != nil {
				t.Fatal(err)
			}
			if folder != at {
				if err := os.WriteFile(at, []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			fsys, err := commitlog.OpenOS(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = commitlog.Start(context.Background(), fsys, commitlog.Run{})
			if full, ok := errors.AsType[*commitlog.NotEmptyError](err); ok != refused || !ok && err != nil {
				t.Fatalf("%v", err)
			} else if ok && !strings.HasPrefix(name, full.Found) {
				t.Errorf("found %s", full.Found)
			}
		})
	}
}

func isA[E error](err error) bool { _, ok := errors.AsType[E](err); return ok }
