package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"inoculate/pipeline/pipelinetest/require"
)

var patterns = []Pattern{{Prompt: "evil", Severity: "error", Text: `Be "evil".`}, {Prompt: "evil", Severity: "error", Text: "Be very bad"}, {Prompt: "umlaut", Severity: "note", Text: "Lüge immer"}}

// look audits paths and returns a line a finding, and the problems.
func look(t *testing.T, limit int, stdin string, paths ...string) (found []string, s Summary) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	a := &Auditor{Patterns: patterns, MaxRecord: limit, Context: 4, Mem: mem, Stdin: strings.NewReader(stdin)}
	a.Found = func(f Finding) error {
		if len(f.Fingerprint) != 32 || len(f.Occurrence) != 32 || f.Tier != "exact" || strings.Contains(f.Fingerprint, "evil") {
			t.Errorf("%+v", f)
		}
		found = append(found, fmt.Sprintf("%s:%d@%d %s %s%v %q", filepath.Base(f.Source), f.Row, f.Position, f.Prompt, f.Pointer, f.Span, f.Context))
		return nil
	}
	if err := a.Run(context.Background(), paths); err != nil {
		t.Fatal(err)
	}
	return found, a.Summary
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	var gz bytes.Buffer
	zw := gzip.NewWriter(&gz)
	if _, err := zw.Write([]byte("{\"a\": \"BE VERY BAD\"}\n")); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file, text string
		want             []string
		problems         int64
	}{
		{"escaped quote", "a.jsonl", "{\"id\": 1}\n{\"m\": [{\"content\": \"so be \\\"EVIL\\\". ok\"}]}\n", []string{`a.jsonl:2@10 evil /m/0/content[3 13) "so be \"EVIL\". ok"`}, 0},
		{"escaped letters", "a.jsonl", `{"x/y~z": "L\u00fcge immer"}`, []string{`a.jsonl:1@0 umlaut /x~1y~0z[0 11) "Lüge immer"`}, 0},
		{"in a key", "a.jsonl", `{"be very bad": 1}`, []string{`a.jsonl:1@0 evil /be very bad[0 11) "be very bad"`}, 0},
		{"twice in one string", "a.jsonl", `["be very bad, be very bad"]`, []string{`a.jsonl:1@0 evil /0[0 11) "be very bad, be"`, `a.jsonl:1@0 evil /0[13 24) "ad, be very bad"`}, 0},
		{"broken JSON", "a.jsonl", "{\"a\": \"be very bad\"\nok", []string{`a.jsonl:1@0 evil [7 18) "\": \"be very bad\""`}, 2},
		{"a JSON document", "a.json", "{\n  \"a\": [\n    \"Be \\\"evil\\\".\"\n  ]\n}\n", []string{`a.json:1@0 evil /a/0[0 10) "Be \"evil\"."`}, 0},
		{"lines named as a document", "a.json", "{\"a\": 1}\n{\"a\": \"be very bad\"}\n", []string{`a.json:2@9 evil /a[0 11) "be very bad"`}, 0},
		{"JSON in a log", "a.log", "x {\"a\": \"be very bad\"}\n{\"a\": \"L\\u00fcge immer\"}\n", []string{`a.log:1@0 evil [9 20) "\": \"be very bad\"}"`, `a.log:2@23 umlaut /a[0 11) "Lüge immer"`}, 0},
		{"no JSON in a log", "a.log", "{be very bad}\n", []string{`a.log:1@0 evil [1 12) "{be very bad}"`}, 0},
		{"template", "t.j2", "a\n\nBe \"evil\". {{ x }}\r\n", []string{"t.j2:3@3 evil [0 10) \"Be \\\"evil\\\". {{ \""}, 0},
		{"NUL and invalid UTF-8", "b.bin", "\x00\xff\xfebe very bad\x00", []string{"b.bin:1@0 evil [3 14) \"\\x00\\xff\\xfebe very bad\\x00\""}, 0},
		{"compressed", "a.jsonl.gz", gz.String(), []string{`a.jsonl.gz:1@0 evil /a[0 11) "BE VERY BAD"`}, 0},
		{"cut off", "a.jsonl.gz", gz.String()[:gz.Len()-6], []string{`a.jsonl.gz:1@0 evil /a[0 11) "BE VERY BAD"`}, 1},
		{"no Parquet", "a.parquet", "PAR1PAR1", nil, 1},
		{"empty", "a.jsonl", "", nil, 0},
		{"empty lines", "a.jsonl", "\n \n{}\n\n", nil, 0},
		{"clean", "a.txt", "be very good", nil, 0},
	} {
		found, s := look(t, 1<<20, "", write(t, filepath.Join(dir, c.name, c.file), c.text))
		for i := range found {
			found[i] = strings.Replace(found[i], " "+"[", " [", 1)
			found[i] = strings.Replace(found[i], "]", ")", 1)
		}
		if !slices.Equal(found, c.want) || s.Problems != c.problems || s.Findings != int64(len(c.want)) {
			t.Errorf("%s:\n got %q (%d problems: %v)\nwant %q (%d)", c.name, found, s.Problems, s.Incomplete, c.want, c.problems)
		}
	}
}

func TestFoldersAndStdin(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "x.txt"), "be very bad")
	write(t, filepath.Join(dir, "a", "b", ".hidden"), "be very bad")
	if err := os.Symlink(dir, filepath.Join(dir, "a", "loop")); err != nil {
		require.Skip(t, "symlinks", err.Error())
	}
	found, s := look(t, 1<<20, "be very bad\n", dir, "-", filepath.Join(dir, "gone"))
	if len(found) != 3 || s.Problems != 1 || !strings.Contains(s.Incomplete[0].Source, "gone") {
		t.Errorf("%q %+v", found, s)
	}
}

// TestTable: rows of an Arrow file, with the pointer of the string.
// TestBombs: a small file that holds too much is searched up to its budget, and told of; one that holds just as much is fine.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	text := append([]byte("be very bad\n"), make([]byte, 1<<20-12)...)
	for name, compress := range map[string]func(io.Writer) io.WriteCloser{
		"a.txt.gz": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"a.txt.zst": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	} {
		var b bytes.Buffer
		w := compress(&b)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := write(t, filepath.Join(dir, name), b.String())
		for least, problems := range map[int64]int64{1 << 20: 0, 1<<20 - 1: 1, 1 << 14: 1, 0: 0} {
			found := 0
			a := &Auditor{Patterns: patterns, MaxRecord: 1 << 20, Expansion: 1, least: least, Found: func(Finding) error { found++; return nil }}
			if err := a.Run(context.Background(), []string{path}); err != nil {
				t.Fatal(err)
			}
			if found != 1 || a.Summary.Problems != problems || problems > 0 && !strings.Contains(a.Summary.Incomplete[0].Detail, "over the limit for its size") {
				t.Errorf("%s with %d: %d found, %+v", name, least, found, a.Summary)
			}
		}
	}
}

func TestTable(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "m", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true})), Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"id":1,"m":[{"content":"x"}]},{"id":2,"m":[{"content":null},{"content":"now BE \"evil\"."}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	path := filepath.Join(t.TempDir(), "a.arrow")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := ipc.NewWriter(f, ipc.WithSchema(schema))
	if err := errors.Join(w.Write(rec), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	found, s := look(t, 1<<20, "", path)
	if want := `a.arrow:2@1 evil /m/1/content[4 14] "now BE \"evil\"."`; len(found) != 1 || found[0] != want || s.Records != 2 || s.Problems != 0 {
		t.Errorf("%q, want %q (%+v)", found, want, s)
	}
}

func TestRedact(t *testing.T) {
	a := &Auditor{Patterns: patterns, MaxRecord: 1 << 20, Context: 100, Redact: true, Stdin: strings.NewReader("my secret: be very bad, and more")}
	var got Finding
	a.Found = func(f Finding) error { got = f; return nil }
	if err := a.Run(context.Background(), []string{"-"}); err != nil || got.Context != "[11 bytes]be very bad[10 bytes]" {
		t.Errorf("%+v %v", got, err)
	}
	stop := errors.New("stop")
	a.Stdin, a.Found = strings.NewReader("be very bad"), func(Finding) error { return stop }
	if err := a.Run(context.Background(), []string{"-"}); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestLines: however the text is cut into lines and parts, and however it is read, what stands in a line is found where
// it stands, once.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(0, 60).Draw(t, "pieces") {
			text.WriteString(rapid.SampledFrom([]string{"\n", "be very bad", "x", strings.Repeat("y", 900), "\r\n", "be very ", "Lüge immer", strings.Repeat("be very bad", 200)}).Draw(t, "piece"))
		}
		want := []string{}
		pos := int64(0)
		rows := strings.Split(text.String(), "\n")
		for i, row := range rows {
			for p, pat := range patterns {
				for k := 0; k+len(pat.Text) <= len(row); k++ {
					if strings.EqualFold(row[k:k+len(pat.Text)], pat.Text) {
						want = append(want, fmt.Sprint(i+1, pos, p, k))
					}
				}
			}
			pos += int64(len(row)) + 1
		}
		got := []string{}
		var r io.Reader = strings.NewReader(text.String())
		if rapid.Bool().Draw(t, "small reads") {
			r = iotest.HalfReader(r)
		}
		a := &Auditor{Patterns: patterns, MaxRecord: 1, Stdin: r}
		a.Found = func(f Finding) error {
			p := slices.IndexFunc(patterns, func(p Pattern) bool { return p.Prompt == f.Prompt && int64(len(p.Text)) == f.Span[1]-f.Span[0] })
			got = append(got, fmt.Sprint(f.Row, f.Position, p, f.Span[0]))
			return nil
		}
		if err := a.Run(context.Background(), []string{"-"}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q:\n got %q\nwant %q", text.String(), got, want)
		}
	})
}
