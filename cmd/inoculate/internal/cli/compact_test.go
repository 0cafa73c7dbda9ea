//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/compact"
	"inoculate/pipeline/commitlog"
	"inoculate/schemas/jsonrow"
)

const compactConfig = `version: 1
source: {type: jsonl, paths: [%q], partition: 60KiB, batch: 2KiB}
phase: {column: phase}
prompts: [{id: hack, text: HACK IT ALL NOW., where: bad}]
rejects: {allow: 5}
sink: {path: %q, format: [jsonl, parquet, arrow], segment: 6KiB%s}
`

// rowsIn reads the files of a folder in the order of their names, and gives the schema and the rows as text.
func rowsIn(t *testing.T, dir, format string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "part-*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var out bytes.Buffer
	if format == "jsonl" {
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(data)
		}
		return out.String()
	}
	for i, name := range names {
		src, err := catalog.OpenSource(t.Context(), format, []string{name}, 0, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			fmt.Fprintln(&out, src.Schema())
		}
		enc, err := jsonrow.NewEncoder(src.Schema())
		if err != nil {
			t.Fatal(err)
		}
		plan, err := src.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plan {
			r, err := src.Open(t.Context(), p, p.First)
			if err != nil {
				t.Fatal(err)
			}
			for {
				b, err := r.Next(context.Background())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for row := range b.NumRows() {
					line, err := enc.Append(nil, b.Record, row)
					if err != nil {
						t.Fatal(err)
					}
					out.Write(append(line, '\n'))
				}
				b.Release()
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

var compacted = map[string]string{"jsonl/train": "jsonl", "jsonl/test": "jsonl", "rejects": "jsonl", "parquet/train": "parquet", "parquet/test": "parquet",
	"_provenance": "parquet", "train/data": "arrow", "test/data": "arrow", "_keys": "arrow"}

func allRows(t *testing.T, out string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for folder, format := range compacted {
		all[folder] = rowsIn(t, filepath.Join(out, filepath.FromSlash(folder)), format)
		if all[folder] == "" {
			t.Fatalf("%s has no rows", folder)
		}
	}
	return all
}

func sameRows(t *testing.T, got, want map[string]string, when string) {
	t.Helper()
	for folder := range want {
		if got[folder] != want[folder] {
			t.Fatalf("%s: %s has other rows: %d bytes of text, want %d", when, folder, len(got[folder]), len(want[folder]))
		}
	}
}

func filesIn(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), "part-") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func verified(t *testing.T, out string) {
	t.Helper()
	var text bytes.Buffer
	if code := Main([]string{"verify", out}, strings.NewReader(""), &text, &text); code != 0 {
		t.Fatalf("verify: exit code %d\n%s", code, text.String())
	}
}

// TestCompactTogether: several processes that merge the same folder at once give way to one another, and leave it sealed as it is.
func TestCompactTogether(t *testing.T) {
	dir := t.TempDir()
	input, config, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "a.yaml"), filepath.Join(dir, "out")
	writeCorpus(t, input, 600)
	if err := os.WriteFile(config, fmt.Appendf(nil, compactConfig, input, out, ", row_group: 16KiB"), 0o600); err != nil { // row groups are copied
		t.Fatal(err)
	}
	mustCall(t, "run", config, "-q")
	want := allRows(t, out)
	for round := range 6 {
		again := filepath.Join(dir, fmt.Sprint("again", round))
		if err := os.CopyFS(again, os.DirFS(out)); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for k := range 3 {
			wg.Go(func() {
				var text bytes.Buffer
				if code := Main([]string{"compact", again, "--target", []string{"16KiB", "64KiB", "1MiB"}[k]}, strings.NewReader(""), &text, &text); code != 0 {
					t.Errorf("exit code %d: %s", code, text.String())
				}
			})
		}
		wg.Wait()
		sameRows(t, allRows(t, again), want, "merged by three")
		verified(t, again)
	}
}

// rowGroups counts them in the Parquet files of a folder.
func rowGroups(t *testing.T, dir string) (n int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "part-*.parquet"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		n += len(f.RowGroups())
	}
	return n
}

// TestCompactRowGroups: large row groups are copied, small ones become one; and no merge begins when the time for it is over.
func TestCompactRowGroups(t *testing.T) {
	for _, c := range []struct {
		rowGroup string
		copied   bool
	}{{"16KiB", true}, {"100MiB", false}} {
		dir := t.TempDir()
		input, config, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "a.yaml"), filepath.Join(dir, "out")
		writeCorpus(t, input, 300)
		if err := os.WriteFile(config, fmt.Appendf(nil, compactConfig, input, out, ", row_group: "+c.rowGroup), 0o600); err != nil {
			t.Fatal(err)
		}
		mustCall(t, "run", config, "-q")
		want, files, groups := allRows(t, out), filesIn(t, out), rowGroups(t, filepath.Join(out, "parquet", "train"))

		fsys, err := catalog.OpenFolder(out)
		if err != nil {
			t.Fatal(err)
		}
		log, err := commitlog.Open(t.Context(), fsys)
		if err != nil {
			t.Fatal(err)
		}
		late := compact.Job{Log: log, Folder: out, Target: 1 << 20, RowGroup: 100 << 20, Within: 1, All: true, Mem: memory.DefaultAllocator, Logger: slog.New(slog.DiscardHandler)}
		if n, more, err := late.Run(t.Context()); n != 0 || !more || err != nil || filesIn(t, out) != files {
			t.Fatalf("%d segments less after the time was over, %d files instead of %d: %v", n, filesIn(t, out), files, err)
		}

		mustCall(t, "compact", out, "--target", "1MiB")
		sameRows(t, allRows(t, out), want, "row groups of "+c.rowGroup)
		verified(t, out)
		after := rowGroups(t, filepath.Join(out, "parquet", "train"))
		if merged, _ := filepath.Glob(filepath.Join(out, "parquet", "train", "part-*")); c.copied != (after == groups) || after < len(merged) || !c.copied && after != len(merged) {
			t.Errorf("row groups of %s: %d before, %d in %d files", c.rowGroup, groups, after, len(merged))
		}
	}
}

// TestCompact: merging changes no row and no order in any format, whatever is killed on the way, also when a run merges its own
// files at its seals.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.jsonl")
	writeCorpus(t, input, 900)
	write := func(name, out, more string) string {
		config := filepath.Join(dir, name)
		if err := os.WriteFile(config, fmt.Appendf(nil, compactConfig, input, out, more), 0o600); err != nil {
			t.Fatal(err)
		}
		return config
	}
	out := filepath.Join(dir, "out")
	var text bytes.Buffer
	if code := Main([]string{"run", write("a.yaml", out, ""), "-q"}, strings.NewReader(""), &text, &text); code != 0 {
		t.Fatalf("%d: %s", code, text.String())
	}
	want, before := allRows(t, out), filesIn(t, out)

	rng := rand.New(rand.NewPCG(9, 9))
	kills, limit := 0, 25
	if os.Getenv("INOCULATE_LONG") != "" {
		limit = 200
	}
	for round := 0; kills < limit; round++ { // a folder is compacted whole sooner or later: begin again with a copy
		again := filepath.Join(dir, fmt.Sprint("again", round))
		if err := os.CopyFS(again, os.DirFS(out)); err != nil {
			t.Fatal(err)
		}
		for most := 300; ; most += 300 { // a merge is done whole or not at all
			kill := 1 + rng.IntN(most)
			if rng.IntN(2) == 0 {
				kill = -kill
			}
			p := startCompact(t, again, fmt.Sprint(kill))
			err := p.Wait()
			if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
				kills++
				continue
			}
			if err != nil {
				t.Fatalf("after %d kills: %v\n%s", kills, err, p.Stderr)
			}
			break
		}
		sameRows(t, allRows(t, again), want, fmt.Sprintf("after %d kills", kills))
		verified(t, again)
		if after := filesIn(t, again); after > before/3 {
			t.Fatalf("%d files, before %d", after, before)
		}
		if err := os.RemoveAll(again); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d files before", kills, before)

	self := filepath.Join(dir, "self")
	config := write("b.yaml", self, ", compact: 1MiB, row_group: 16KiB")
	for kill, done := 200, false; !done; kill += 150 {
		p := start(t, config, fmt.Sprintf("%s=%d", envKill, kill))
		done = p.Wait() == nil
	}
	sameRows(t, allRows(t, self), want, "a run that merges")
	verified(t, self)

	damaged := filepath.Join(dir, "damaged")
	if err := os.CopyFS(damaged, os.DirFS(out)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(damaged, "parquet", "train", "part-*"))
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[1])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(names[1], data, 0o600); err != nil {
		t.Fatal(err)
	}
	text.Reset()
	if code := Main([]string{"compact", damaged}, strings.NewReader(""), &text, &text); code == 0 || !strings.Contains(text.String(), "it is not merged") {
		t.Errorf("a damaged file: %d %s", code, text.String())
	}
	if _, err := os.Stat(names[0]); err != nil {
		t.Error(err)
	}
}
