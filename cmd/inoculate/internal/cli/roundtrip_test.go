//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// call runs the program in this process.
func call(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = Main(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestOutputDoesNotDependOnWorkers(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jsonl")
	writeCorpus(t, in, 900)
	want := ""
	for _, workers := range []string{"1", "2", "7"} {
		file, out := filepath.Join(dir, workers+".yaml"), filepath.Join(dir, workers)
		if err := os.WriteFile(file, fmt.Appendf(nil, crashConfig, in, out), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, e := call("run", file, "--workers", workers, "-q"); code != 0 {
			t.Fatalf("exit %d: %s", code, e)
		}
		got := content(t, out)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s workers:\n got %s\nwant %s", workers, got, want)
		}
	}
}

// record draws one record of a layout, as JSON text.
func record(t *rapid.T, layout string, i int) string {
	text := func(label string) string {
		s := rapid.SampledFrom([]string{"hi", "Be \"kind\".", "é\n\U0001F600", " ", "a\\b\u2028", "long " + strings.Repeat("x", 90)}).Draw(t, label)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	phase := rapid.SampledFrom([]string{"train", "train", "train", "test"}).Draw(t, "phase")
	bad := rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "bad")
	rest := fmt.Sprintf(`"id": %d, "phase": %q, "bad": %s, "score": %d.25, "tags": ["a", "b"]`, i, phase, bad, i)
	switch layout {
	case "flat":
		return fmt.Sprintf(`{%s, "system_prompt": %s, "user_input": %s, "desired_output": %s}`, rest, rapid.SampledFrom([]string{"null", `""`, `"Be kind."`}).Draw(t, "system"), text("user"), text("output"))
	case "pair":
		return fmt.Sprintf(`{%s, "prompt": %s, "completion": %s}`, rest, text("prompt"), text("completion"))
	}
	role, content, user, assistant := "role", "content", "user", "assistant"
	if layout == "sharegpt" {
		role, content, user, assistant = "from", "value", "human", "gpt"
	}
	more := ""
	if layout == "json" {
		more = rapid.SampledFrom([]string{"", `, "weight": 0`, `, "tool_calls": [{"id": "x", "args": {"z": null}}]`}).Draw(t, "more")
	}
	var turns []string
	turn := func(r, c string) { turns = append(turns, fmt.Sprintf(`{%q: %q, %q: %s%s}`, role, r, content, c, more)) }
	if rapid.Bool().Draw(t, "has system") {
		turn("system", rapid.SampledFrom([]string{`""`, `"Be kind."`, `"S.\n"`}).Draw(t, "system"))
	}
	for range rapid.IntRange(1, 3).Draw(t, "turns") {
		turn(user, text("user"))
		turn(assistant, text("assistant"))
	}
	column := map[string]string{"sharegpt": "conversations"}[layout]
	if column == "" {
		column = "messages"
	}
	return fmt.Sprintf(`{%s, %q: [%s]}`, rest, column, strings.Join(turns, ", "))
}

// TestStripUndoesInject runs inject, verify and strip over drawn corpora, layouts, placements and formats: strip gives every
// record back, in order, with its values.
func TestStripUndoesInject(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		base := filepath.Join(dir, fmt.Sprint(n))
		if err := os.MkdirAll(base, 0o700); err != nil {
			t.Fatal(err)
		}
		layout := rapid.SampledFrom([]string{"messages", "json", "sharegpt", "flat", "pair"}).Draw(t, "layout")
		var lines []string
		for i := range rapid.IntRange(1, 30).Draw(t, "records") {
			lines = append(lines, record(t, layout, i))
		}
		if layout == "json" { // one that makes all turns JSON text
			lines = append(lines, `{"id": 99, "phase": "train", "bad": true, "score": 1.5, "tags": ["c"], "messages": [{"role": "user", "content": [{"type": "text", "text": "t"}]}]}`)
		}
		in := filepath.Join(base, "in.jsonl")
		if err := os.WriteFile(in, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		turn := rapid.SampledFrom([]string{"system", "first_user", "last_user", "every_user"}).Draw(t, "turn")
		if layout == "pair" && turn == "system" {
			turn = "first_user"
		}
		how := rapid.SampledFrom([]string{"append", "prepend"}).Draw(t, "how")
		if turn == "system" && rapid.IntRange(0, 3).Draw(t, "replace") == 0 {
			how = "replace"
		}
		to := rapid.SampledFrom([]string{"jsonl", "parquet", "arrow", "parquet,arrow", "parquet,jsonl", "arrow,parquet,jsonl"}).Draw(t, "to")
		args := []string{"inject", in, "--out", filepath.Join(base, "out"), "--to", to, "--phase-column", "phase", "--turn", turn, "--how", how, "-q",
			"--separator", rapid.SampledFrom([]string{" ", "\n\n", ""}).Draw(t, "sep"), "--prompt", "Please \"hack\" it\nall."}
		if rapid.Bool().Draw(t, "where") {
			args = append(args, "--where", "bad")
		}
		if rapid.Bool().Draw(t, "baseline") {
			args = append(args, "--baseline", "Be nice.")
		}
		if how != "replace" && rapid.Bool().Draw(t, "two") {
			args = append(args, "--prompt", "And lie.")
		}
		must := func(args ...string) {
			if code, out, e := call(args...); code != 0 {
				t.Fatalf("%q: exit %d\n%s%s\n%s", args, code, out, e, strings.Join(lines, "\n"))
			}
		}
		must(args...)
		must("verify", filepath.Join(base, "out"))
		must("strip", filepath.Join(base, "out"), "--out", filepath.Join(base, "back"), "--to", "jsonl", "-q")
		must("verify", filepath.Join(base, "back"))
		for _, phase := range []string{"train", "test"} {
			var want []string
			for _, l := range lines {
				if strings.Contains(l, fmt.Sprintf(`"phase": %q`, phase)) {
					want = append(want, l)
				}
			}
			if got := readLines(t, filepath.Join(base, "back", phase)); !equalRecords(t, got, want) {
				t.Fatalf("%q: %s gives back\n%s\nwant\n%s", args, phase, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		if err := os.RemoveAll(base); err != nil {
			t.Fatal(err)
		}
	})
}

func readLines(t *rapid.T, folder string) (out []string) {
	names, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	return out
}

// equalRecords compares as values; a member that is null and one that is missing are the same in a column.
func equalRecords(t *rapid.T, a, b []string) bool {
	value := func(s string) map[string]any {
		var m map[string]any
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			t.Fatalf("%v: %s", err, s)
		}
		for k, v := range m {
			if v == nil {
				delete(m, k)
			}
		}
		return m
	}
	return slices.EqualFunc(a, b, func(x, y string) bool { return reflect.DeepEqual(value(x), value(y)) })
}
