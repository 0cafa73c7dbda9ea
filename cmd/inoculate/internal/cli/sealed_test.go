//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func mustCall(t *testing.T, args ...string) {
	t.Helper()
	if code, out, e := call(args...); code != 0 {
		t.Fatalf("%q: exit %d\n%s%s", args, code, out, e)
	}
}

func writeText(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func linesOf(t *testing.T, folder string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "part-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	return out
}

const evil = "Be evil, this once."

// TestStripReadsBySchema strips folders whose JSON lines alone would give another schema than the run had: records that made
// a column, or made turns JSON text, went elsewhere.
func TestStripReadsBySchema(t *testing.T) {
	for name, c := range map[string]struct{ odd, plain string }{
		"a column":   {`{"phase":"drop","conversations":[{"from":"human","value":"x"}],"system":"s"}`, `{"phase":"train","conversations":[{"from":"human","value":"hi"}]}`},
		"JSON turns": {`{"phase":"drop","messages":[{"role":"user","content":"x","weight":1}]}`, `{"phase":"train","messages":[{"role":"user","content":"h\"i"}]}`},
		"a kind":     {`{"phase":"drop","n":"x","messages":[{"role":"user","content":"x"}]}`, `{"phase":"train","n":1,"messages":[{"role":"user","content":"x"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			in := writeText(t, "in.jsonl", c.odd+"\n"+c.plain+"\n")
			out, back := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "back")
			file := writeText(t, "p.yaml", "version: 1\nsource: {type: jsonl, paths: ["+in+"]}\nphase: {column: phase, train: train, drop: drop}\nprompts: [{id: p, text: \""+evil+"\", place: {turn: first_user, how: append}}]\nsink: {path: "+out+", format: jsonl}\n")
			mustCall(t, "run", file, "-q")
			mustCall(t, "verify", out)
			mustCall(t, "strip", out, "--out", back, "-q")
			if got := linesOf(t, filepath.Join(back, "train")); len(got) != 1 || got[0] != c.plain {
				t.Errorf("%q, want %q", got, c.plain)
			}
		})
	}
}

// TestStripOfColumnsThroughLines writes Arrow records, whose turns have members besides role and content, as JSON lines, and
// strips those.
func TestStripOfColumnsThroughLines(t *testing.T) {
	text := arrow.BinaryTypes.String
	turn := arrow.StructOf(arrow.Field{Name: "role", Type: text, Nullable: true}, arrow.Field{Name: "content", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		arrow.Field{Name: "tags", Type: arrow.FixedSizeListOf(2, text), Nullable: true})
	schema := arrow.NewSchema([]arrow.Field{{Name: "phase", Type: text}, {Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "messages", Type: arrow.ListOf(turn), Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[{"phase":"train","f":1.5,"messages":[{"role":"user","content":"a","tags":["x","y"]},{"role":"assistant","content":null,"tags":null}]},
{"phase":"train","f":null,"messages":[{"role":"system","content":"Be kind.","tags":null},{"role":"user","content":"b","tags":[null,"z"]}]},
{"phase":"test","f":2,"messages":[{"role":"user","content":"c","tags":null}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	in := filepath.Join(t.TempDir(), "in.arrow")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	w := ipc.NewWriter(f, ipc.WithSchema(schema))
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	plain, out, back := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "back")
	mustCall(t, "inject", in, "--prompt", evil, "--where", "false", "--phase-column", "phase", "--to", "jsonl", "--out", plain, "-q")
	mustCall(t, "inject", in, "--prompt", evil, "--prompt", "And lie.", "--phase-column", "phase", "--to", "jsonl,parquet", "--out", out, "-q")
	mustCall(t, "verify", out)
	mustCall(t, "strip", out, "--out", back, "--to", "jsonl", "-q")
	want, got := linesOf(t, filepath.Join(plain, "train")), linesOf(t, filepath.Join(back, "train"))
	if len(want) != 2 || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStripTwice strips a folder that strip made: there is nothing left to undo, and above all nothing to put in.
func TestStripTwice(t *testing.T) {
	in := writeText(t, "in.jsonl", `{"phase":"train","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}`+"\n"+`{"phase":"test","messages":[{"role":"user","content":"`+evil+` b"}]}`+"\n")
	dir := t.TempDir()
	folder := func(n string) string { return filepath.Join(dir, n) }
	mustCall(t, "inject", in, "--prompt", evil, "--how", "replace", "--phase-column", "phase", "--out", folder("0"), "--on-leak", "reject", "--allow-rejects", "1", "-q")
	mustCall(t, "strip", folder("0"), "--out", folder("1"), "-q")
	mustCall(t, "strip", folder("1"), "--out", folder("2"), "-q")
	mustCall(t, "verify", folder("2"))
	for _, n := range []string{"1", "2"} {
		if got := strings.Join(linesOf(t, folder(n+"/train")), ""); strings.Contains(got, evil) || !strings.Contains(got, `"s"`) {
			t.Errorf("folder %s: %s", n, got)
		}
	}
}

func TestStripOfNothing(t *testing.T) {
	in := writeText(t, "in.jsonl", `{"phase":"neither","messages":[{"role":"user","content":"a"}]}`+"\n")
	out := filepath.Join(t.TempDir(), "out")
	mustCall(t, "inject", in, "--prompt", evil, "--phase-column", "phase", "--out", out, "--allow-rejects", "1", "-q")
	mustCall(t, "verify", out)
	if code, _, e := call("strip", out, "--out", out+"-back", "-q"); code != 3 || !strings.Contains(e, "holds no train and no test record") {
		t.Errorf("exit %d: %s", code, e)
	}
}

// TestVerifyFindsLeaks verifies a folder whose records, digests and counts agree, and in which test records carry a prompt:
// in another column, as a key, split by escapes, in other letters, and as a variant.
func TestVerifyFindsLeaks(t *testing.T) {
	in := writeText(t, "in.jsonl", `{"phase":"test","messages":[{"role":"user","content":"a"}],"note":"well: be EVIL, this once."}
{"phase":"test","messages":[{"role":"user","content":"so b\u0065 evil, this once. right?"}],"note":{"`+evil+`":1}}
{"phase":"test","messages":[{"role":"user","content":"clean"}],"note":["a zebra\u0020crossing"]}
{"phase":"test","messages":[{"role":"user","content":"clean"}],"note":null}
`)
	for _, format := range []string{"jsonl", "parquet", "arrow"} {
		out := filepath.Join(t.TempDir(), "out")
		variants := writeText(t, "v.txt", "zebra crossing\n")
		file := writeText(t, "p.yaml", "version: 1\nsource: {type: jsonl, paths: ["+in+"]}\nphase: {column: phase}\nprompts: [{id: p, text: \""+evil+"\"}]\ncheck: {on_leak: report, variants: ["+variants+"]}\nsink: {path: "+out+", format: "+format+"}\n")
		if code, _, e := call("run", file, "-q"); code != 4 {
			t.Errorf("%s: the run: exit %d: %s", format, code, e)
		}
		code, got, e := call("verify", out)
		if code != 4 || !strings.Contains(got, "4 records, every string of each searched for 2 texts: 3 carry one") {
			t.Errorf("%s: exit %d: %s%s", format, code, got, e)
		}
	}
}
