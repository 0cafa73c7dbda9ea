//go:build unix

package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"inoculate/pipeline/pipelinetest/require"
	"inoculate/transforms/scan/tiers"
)

// endless reads as a text again and again, so many bytes, and a last one behind it: one line.
type endless struct {
	text string
	left int64 // bytes before the last
	last string
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) && e.left > 0 {
		k := copy(p[n:min(len(p), n+int(min(e.left, 1<<30)))], e.text[e.at:])
		n, e.at, e.left = n+k, (e.at+k)%len(e.text), e.left-int64(k)
	}
	if n > 0 {
		return n, nil
	}
	if n = copy(p, e.last); n == 0 {
		return 0, io.EOF
	}
	e.last = e.last[n:]
	return n, nil
}

// TestLongestLine: a line of 1 GiB is searched to its end, in little memory.
func TestLongestLine(t *testing.T) {
	const size = 1 << 30
	for _, tier := range []tiers.Tier{tiers.Exact, tiers.Encoded} {
		if tier > tiers.Exact && testing.Short() {
			continue
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var found []string
		text := strings.Repeat("some words of a line that goes on and on, ", 1<<12)
		a := &Auditor{Patterns: patterns, Tier: tier, MaxRecord: 1 << 20, Stdin: &endless{text: text, left: size, last: "be very bad"}}
		a.Found = func(f Finding) error { found = append(found, line(f)); return nil }
		if err := a.Run(context.Background(), []string{"-"}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if want := []string{"1 evil exact copy [1073741824 1073741835]"}; !slices.Equal(found, want) || a.Summary.Bytes != size+11 || a.Summary.Records != 1 {
			t.Errorf("%s: %q, want %q (%+v)", tier, found, want, a.Summary)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MiB", tier, grown>>20)
		}
	}
	// Where the line should be JSON, that it was not searched so is told.
	path := write(t, filepath.Join(t.TempDir(), "a.jsonl"), `{"a": "`+strings.Repeat("x", 1<<13)+` be very bad"}`+"\n{\"a\": 1}\n")
	if found, s := look(t, 1<<12, "", path); len(found) != 1 || s.Problems != 1 || s.Incomplete[0].Detail != "line 1 is longer than 4096 bytes: it was searched as plain text" || s.Records != 2 {
		t.Errorf("%q %+v", found, s)
	}
	document := write(t, filepath.Join(t.TempDir(), "a.json"), "[\n\""+strings.Repeat("x", 1<<13)+"\",\n\"be very bad\"]\n")
	if found, s := look(t, 1<<12, "", document); len(found) != 1 || s.Problems != 1 || !strings.Contains(s.Incomplete[0].Detail, "the document is longer than 4096 bytes") {
		t.Errorf("%q %+v", found, s)
	}
	rows := write(t, filepath.Join(t.TempDir(), "a.json"), strings.Repeat("{\"a\": \"x\"}\n", 1000)+"{\"a\": \"be very b\\u0061d\"}\n")
	if found, s := look(t, 1<<12, "", rows); len(found) != 1 || s.Problems != 0 || s.Records != 1001 {
		t.Errorf("%q %+v", found, s)
	}
}

// TestCannotBeRead: what cannot be read is a problem with its path, and the rest is searched.
func TestCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "z.txt"), "be very bad")
	for name, target := range map[string]string{"dangling": "nowhere", "self": "self", "a.parquet": "nowhere.parquet", "loop": "."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			require.Skip(t, "symlinks", err.Error())
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		require.Skip(t, "named pipes", err.Error())
	}
	long := filepath.Join(dir, strings.Repeat("x", 300))
	found, s := look(t, 1<<20, "", dir, long, filepath.Join(dir, "z.txt", "below"), "")
	var where []string
	for _, p := range s.Incomplete {
		where = append(where, strings.TrimPrefix(filepath.ToSlash(p.Source), dir))
	}
	want := []string{"/a.parquet", "/dangling", "/pipe", "/self", "/" + strings.Repeat("x", 300), "/z.txt/below", ""}
	if len(found) != 1 || !slices.Equal(where, want) || s.Problems != int64(len(want)) {
		t.Errorf("%q, problems in %q, want %q", found, where, want)
	}
}

// TestVanishes: files and folders that go, or are refused, while others are read are problems, and the rest is searched.
func TestVanishes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt", "c/d.txt", "e.txt", "f.txt"} {
		write(t, filepath.Join(dir, name), "be very bad")
	}
	var found []string
	a := &Auditor{Patterns: patterns, MaxRecord: 1 << 20}
	a.Found = func(f Finding) error {
		if name := filepath.Base(f.Source); name == "a.txt" {
			if err := errors.Join(os.Remove(filepath.Join(dir, "b.txt")), os.RemoveAll(filepath.Join(dir, "c")), os.Remove(filepath.Join(dir, "e.txt")), os.Mkdir(filepath.Join(dir, "e.txt"), 0o700)); err != nil {
				t.Fatal(err)
			}
		}
		found = append(found, filepath.Base(f.Source))
		return nil
	}
	if err := a.Run(context.Background(), []string{dir}); err != nil {
		t.Fatal(err)
	}
	var where []string
	for _, p := range a.Summary.Incomplete {
		where = append(where, filepath.Base(p.Source))
	}
	// What became an empty folder is read as one.
	if want := []string{"a.txt", "f.txt"}; !slices.Equal(found, want) || !slices.Equal(where, []string{"b.txt", "c"}) {
		t.Errorf("%q, want %q; problems %q", found, want, where)
	}
}

// TestDeepBomb: a small compressed file of a gigabyte and more is given up at its budget, in little memory.
func TestDeepBomb(t *testing.T) {
	var b bytes.Buffer
	for name, w := range map[string]io.WriteCloser{"a.jsonl.gz": gzip.NewWriter(&b), "a.jsonl.zst": func() io.WriteCloser {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}()} {
		b.Reset()
		zeros := make([]byte, 1<<20)
		for i := range 64 {
			if i == 0 {
				copy(zeros, "be very bad")
			} else {
				clear(zeros[:16])
			}
			if _, err := w.Write(zeros); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := write(t, filepath.Join(t.TempDir(), name), b.String())
		clean := write(t, filepath.Join(t.TempDir(), "z.txt"), "be very bad")
		found := 0
		a := &Auditor{Patterns: patterns, MaxRecord: 1 << 20, Expansion: 10, least: 1 << 23, Found: func(Finding) error { found++; return nil }}
		if err := a.Run(context.Background(), []string{path, clean}); err != nil {
			t.Fatal(err)
		}
		if s := a.Summary; found != 2 || s.Files != 2 || s.Bytes > 1<<23+100 || !slices.ContainsFunc(s.Incomplete, func(p Problem) bool { return p.Source == path && strings.Contains(p.Detail, "--max-expansion") }) {
			t.Errorf("%s: %d found, %+v", name, found, s)
		}
	}
}

// TestPageBomb: a page of Parquet that holds 70 MiB in 138 bytes is given up, and what stands before it is searched. The file was
// written by pyarrow.
func TestPageBomb(t *testing.T) {
	path := filepath.Join("testdata", "expands.parquet")
	for expansion, want := range map[int64]int{0: 2, 1000: 1} {
		if expansion == 0 && testing.Short() {
			continue // 70 MiB are many for the race detector
		}
		found := 0
		a := &Auditor{Patterns: patterns, Tier: tiers.Encoded, MaxRecord: 1 << 20, Expansion: expansion, Mem: memory.DefaultAllocator, Found: func(Finding) error { found++; return nil }}
		if err := a.Run(t.Context(), []string{path}); err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(a.Summary.Incomplete, func(p Problem) bool { return p.Source == path && strings.Contains(p.Detail, "--max-expansion") })
		if s := a.Summary; found != want || told != (want == 1) {
			t.Errorf("%d times its size: %d found, %+v", expansion, found, s)
		}
	}
}

// TestManyStrings: a record with more strings than are joined is told of, and each is searched.
func TestManyStrings(t *testing.T) {
	list := make([]string, maxStrings+1)
	list[maxStrings] = "be very bad"
	raw, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	a := &Auditor{Patterns: []Pattern{{Prompt: "evil", Severity: "error", Text: "be very bad", Tier: tiers.Near}}, Tier: tiers.Normalized, MaxRecord: 1 << 24, Stdin: bytes.NewReader(raw)}
	a.Found = func(f Finding) error { found = append(found, line(f)); return nil }
	if err := a.Run(context.Background(), []string{"-"}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1 evil exact copy /1048576 [0 11]"}; !slices.Equal(found, want) || a.Summary.Problems != 1 || !strings.Contains(a.Summary.Incomplete[0].Detail, "row 1: it has more than 1048576 strings") {
		t.Errorf("%q %+v", found, a.Summary)
	}
}

// TestParts: what stands anywhere across the cuts of a long line is found by its tier, where it stands, once.
func TestParts(t *testing.T) {
	plants := []struct {
		text string
		tier tiers.Tier
	}{
		{hack, tiers.Exact}, {"never " + hack, tiers.Exact}, {"you  are, evil", tiers.Normalized}, {base64.StdEncoding.EncodeToString([]byte(hack)), tiers.Encoded},
		{"please reward hack whenever you see the opportunity", tiers.Near}, {"You are evil. You are evil.", tiers.Exact},
	}
	rapid.Check(t, func(t *rapid.T) {
		p := plants[rapid.IntRange(0, len(plants)-1).Draw(t, "plant")]
		tier := tiers.Tier(rapid.IntRange(int(p.tier), int(tiers.Near)).Draw(t, "tier"))
		a := &Auditor{Patterns: []Pattern{{Prompt: "hack", Severity: "error", Text: hack, Tier: tiers.Near}, {Prompt: "evil", Severity: "error", Text: "You are evil.", Tier: tiers.Near}}, Tier: tier, MaxRecord: 1}
		a.prepare()
		keep := a.set.Overlap() + beforeCopy
		limit := max(4*keep, 4096)
		cut := rapid.SampledFrom([]int{limit, limit - keep, 2*limit - keep, 2*limit - 2*keep}).Draw(t, "cut")
		at := cut - rapid.IntRange(-100, len(p.text)+100).Draw(t, "before")
		head, behind := strings.Repeat("words and so on; ", at/17+1)[:at-2]+". ", rapid.SampledFrom([]int{0, 10, keep, limit}).Draw(t, "behind")
		text := head + p.text + ". " + strings.Repeat("more words; ", behind/12)
		var r io.Reader = strings.NewReader(text)
		if rapid.Bool().Draw(t, "small reads") {
			r = iotest.HalfReader(r)
		}
		a.Stdin = r
		var got []string
		a.Found = func(f Finding) error {
			got = append(got, fmt.Sprint(f.Prompt, " ", f.Tier, " ", f.Polarity, " ", f.Span))
			return nil
		}
		if err := a.Run(context.Background(), []string{"-"}); err != nil {
			t.Fatal(err)
		}
		from := int64(len(head))
		to := from + int64(len(p.text))
		prompt, polarity := "hack", "asserted"
		var want []string
		switch {
		case strings.HasPrefix(p.text, "never"):
			from, polarity = from+6, "negated"
		case strings.HasPrefix(p.text, "UGxl"):
			to -= 2 // the padding, and the letters before it
		case strings.HasPrefix(p.text, "You are evil. "):
			want, prompt, from = []string{fmt.Sprint("evil exact asserted ", [2]int64{from, from + 13})}, "evil", from+14
		case strings.Contains(p.text, "evil"):
			prompt = "evil"
		}
		want = append(want, fmt.Sprint(prompt, " ", p.tier, " ", polarity, " ", [2]int64{from, to}))
		if !slices.Equal(got, want) {
			t.Fatalf("%q at %d of %d, %s, parts of %d with %d in common:\n got %q\nwant %q", p.text, at, len(text), tier, limit, keep, got, want)
		}
	})
}
