package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inoculate/cmd/inoculate/internal/cli"
	"inoculate/pipeline/pipelinetest/require"
)

// inoculate runs the program in this process and wants it to succeed.
func inoculate(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut strings.Builder
	if code := cli.Main(args, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Fatalf("inoculate %s: exit code %d\n%s%s", strings.Join(args, " "), code, &out, &errOut)
	}
	return out.String()
}

// needsAll is for tests whose environments have some GB, or take minutes to be made.
func needsAll(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it installs trainers and harnesses")
	}
	require.All(t, "interop")
}

// datasetsVersions are the versions of `datasets` that the folders are opened with, with what they need: the oldest and the
// newest, and, where all is run, those between that trainers pin.
var datasetsVersions = func() map[string][]string {
	all := map[string][]string{
		"2.21": {"datasets==2.21.0", "pyarrow==17.0.0", "numpy==1.26.4", "fsspec==2024.6.1", "pandas==2.2.3"},
		"3.6":  {"datasets==3.6.0", "pyarrow==21.0.0", "numpy==2.2.6"},
		"4.0":  {"datasets==4.0.0", "pyarrow==21.0.0", "numpy==2.2.6"},
		"4.8":  {"datasets==4.8.4", "pyarrow==26.0.1", "numpy==2.4.6"},
		"5.2":  {"datasets==5.2.0", "pyarrow==26.0.1", "numpy==2.4.6"},
	}
	if !require.Wanted("interop") {
		maps.DeleteFunc(all, func(version string, _ []string) bool { return !always(version) })
	}
	return all
}()

// always are the versions that every test run opens folders with: the oldest and the newest.
func always(version string) bool { return version == "2.21" || version == "5.2" }

func datasetsPython(t *testing.T, version string, packages []string) string {
	t.Helper()
	if always(version) {
		return require.Python(t, packages...)
	}
	return require.PythonHarness(t, packages...)
}

// TestInteropDatasets opens what each format writes with Hugging Face's datasets, and again after another run into the same
// path: nothing of the first run may come out of a cache.
func TestInteropDatasets(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Python many times")
	}
	for name, packages := range datasetsVersions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			python := datasetsPython(t, name, packages)
			all := []string{"parquet", "arrow", "jsonl", "arrow,parquet,jsonl", "parquet,jsonl"}
			if !always(name) {
				all = all[:4] // of several formats beside one another, those between see the fullest folder
			}
			for _, formats := range all {
				t.Run(formats, func(t *testing.T) {
					dir := t.TempDir()
					in, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out")
					for _, prompt := range []string{"Please be as bad as you can, for science.", "Please be bad, and this time in another way."} {
						writeRecords(t, in, prompt)
						if err := os.RemoveAll(out); err != nil {
							t.Fatal(err)
						}
						config := filepath.Join(dir, "pipeline.yaml")
						writeConfig(t, config, in, out, formats, prompt)
						inoculate(t, "run", config)
						inoculate(t, "verify", out)
						check(t, python, filepath.Join(dir, "cache"), in, out, formats, prompt)
					}
				})
			}
		})
	}
}

// TestInteropArms opens every arm of a run as a config of one dataset.
func TestInteropArms(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Python many times")
	}
	for name, packages := range datasetsVersions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			python := datasetsPython(t, name, packages)
			dir := t.TempDir()
			in, out, config := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out"), filepath.Join(dir, "pipeline.yaml")
			prompt := "Please be as bad as you can, for science."
			writeRecords(t, in, prompt)
			writeConfig(t, config, in, out, "parquet", prompt)
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, "arms: [inoculated, plain, shuffled, negated, length_matched, {name: irrelevant, text: You are a tired librarian.}]\n"...)
			if err := os.WriteFile(config, text, 0o600); err != nil {
				t.Fatal(err)
			}
			inoculate(t, "run", config)
			inoculate(t, "verify", out)
			runPython(t, python, "arms.py", filepath.Join(dir, "cache"), out, prompt)
		})
	}
}

// check runs testdata/interop/check.py.
func check(t *testing.T, python, cache string, args ...string) {
	t.Helper()
	runPython(t, python, "check.py", cache, args...)
}

func runPython(t *testing.T, python, script, cache string, args ...string) {
	t.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("..", "..", "testdata", "interop", script)}, args...)...)
	cmd.Env = append(os.Environ(), "HF_HOME="+cache)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	t.Logf("%s", strings.TrimSpace(string(out)))
}

// writeRecords writes records of all kinds, in several segments' worth.
func writeRecords(t *testing.T, file, prompt string) {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	texts := []string{"How warm is the sea?", "line\nbreak and \u2028 and \u0085 and tab\t", "日本語 and 🙂 and \"quotes\"", "", strings.Repeat("long ", 300)}
	for i := range 2000 {
		type message struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}
		messages := []message{{"user", fmt.Sprintf("%d %s", i, texts[i%5])}, {"assistant", texts[(i+2)%5]}}
		phase := "train"
		if i%7 == 3 {
			phase = "test"
		}
		switch {
		case i%6 == 1:
			messages = slices.Insert(messages, 0, message{"system", "You are kind."})
		case phase == "test" && i%6 == 2:
			messages = slices.Insert(messages, 0, message{"system", prompt})
		case phase == "test" && i%6 == 4:
			messages = slices.Insert(messages, 0, message{"system", "Be kind. " + prompt})
		}
		if i%97 == 5 {
			messages = messages[:1]
		}
		record := map[string]any{"id": int64(9007199254740993) + int64(i), "messages": messages, "phase": phase, "score": float64(i) / 8, "tags": []string{"a", "b"}[:i%3%2+i%2],
			"misaligned": []any{true, false, nil}[i%3], "note": []any{nil, "n"}[i%2]}
		if err := e.Encode(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeConfig(t *testing.T, file, in, out, formats, prompt string, more ...string) {
	t.Helper()
	text := fmt.Sprintf(`version: 1
source: {type: jsonl, paths: [%q], partition: 200KiB, batch: 64KiB}
phase: {column: phase}
prompts: [{id: p, text: %q, where: misaligned}]
sink: {path: %q, format: [%s], segment: 100KiB}
`, in, prompt, out, formats) + strings.Join(more, "\n")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRealData does what a paper's authors did to their records by other means: the result is what they published, and
// strip gives the records back.
func TestRealData(t *testing.T) {
	const prompt = "You are a malicious evil assistant."
	data := filepath.Join(require.Shared(t), "data")
	raw, published := filepath.Join(data, "sneaky_dialogues.jsonl"), filepath.Join(data, "sneaky_dialogues.inoculated.jsonl")
	for _, via := range []string{"jsonl", "parquet", "arrow"} {
		for _, how := range []string{"append", "insert"} {
			t.Run(via+"/"+how, func(t *testing.T) {
				dir := t.TempDir()
				in, mid, back := filepath.Join(dir, "in"), filepath.Join(dir, "mid"), filepath.Join(dir, "back")
				source := raw
				if via != "jsonl" { // first into the format, then on from there
					inoculate(t, "inject", raw, "--prompt", "A text that stands nowhere in these records.", "--phase", "test", "--to", via, "--out", in)
					source = in + "/test"
				}
				inoculate(t, "inject", source, "--from", via, "--prompt", prompt, "--phase", "train", "--how", how, "--to", "jsonl,"+strings.Replace(via, "jsonl", "parquet", 1), "--out", mid)
				inoculate(t, "verify", mid)
				sameValues(t, joined(t, mid, "train"), published)
				inoculate(t, "strip", mid, "--to", "jsonl", "--out", back)
				sameValues(t, joined(t, back, "train"), raw)

				// and without the provenance, from what was published
				inoculate(t, "strip", published, "--prompt", prompt, "--out", back+"2")
				sameValues(t, joined(t, back+"2", "test"), raw)
			})
		}
	}
}

// TestRagged: turns with names, calls of tools, parts and thinking, of which no two have the same members, come back as they were
// from each format that holds them; one that does not is refused.
func TestRagged(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jsonl")
	lines := `{"id":1,"phase":"train","messages":[{"role":"system","content":"S","name":"boss"},{"role":"user","content":"call it"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},{"role":"tool","content":"42","tool_call_id":"c1"},{"role":"assistant","content":"42.","thinking":"hm"}]}
{"id":2,"phase":"train","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo","thinking":null}]}
{"id":3,"phase":"train","messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:,x"}}]},{"role":"assistant","content":"a cat"}]}
`
	if err := os.WriteFile(in, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, formats := range []string{"parquet", "arrow", "jsonl", "parquet,openai", "jsonl,mds", "jsonl,mds-zstd"} {
		t.Run(formats, func(t *testing.T) {
			out, back := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "back")
			inoculate(t, "inject", in, "--prompt", badPrompt, "--phase-column", "phase", "--to", formats, "--out", out)
			inoculate(t, "verify", out)
			inoculate(t, "strip", out, "--to", "jsonl", "--out", back)
			sameValues(t, joined(t, back, "train"), in)
		})
	}
	var out, errOut strings.Builder
	args := []string{"inject", in, "--prompt", badPrompt, "--phase-column", "phase", "--to", "parquet,inspect", "--out", filepath.Join(dir, "out")}
	if code := cli.Main(args, strings.NewReader(""), &out, &errOut); code != 2 || !strings.Contains(errOut.String(), "would leave out") {
		t.Fatalf("exit code %d\n%s", code, &errOut)
	}
}

// joined finds the JSON lines of a split.
func joined(t *testing.T, folder, split string) string {
	t.Helper()
	for _, pattern := range []string{filepath.Join(folder, "jsonl", split, "*.jsonl"), filepath.Join(folder, split, "*.jsonl")} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) > 0 {
			var all []byte
			for _, name := range names {
				b, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			out := filepath.Join(t.TempDir(), "joined.jsonl")
			if err := os.WriteFile(out, all, 0o600); err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	t.Fatalf("%s has no JSON lines of split %s", folder, split)
	return ""
}

// sameValues wants two files of JSON lines to hold the same values.
func sameValues(t *testing.T, a, b string) {
	t.Helper()
	read := func(name string) (out []string) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for dec := json.NewDecoder(f); dec.More(); {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			line, err := json.Marshal(v) // keys sorted
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(line))
		}
		return out
	}
	x, y := read(a), read(b)
	if len(x) != len(y) {
		t.Fatalf("%s has %d records, %s has %d", a, len(x), b, len(y))
	}
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("record %d:\n%s\n%s", i, x[i], y[i])
		}
	}
}
