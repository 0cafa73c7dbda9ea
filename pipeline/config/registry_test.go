package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLoadRegistry(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("more.txt", "\xef\xbb\xbfthird\r\n\r\nSecond\n")
	write("empty.txt", "\n")
	r, _, l := LoadRegistry(write("good.yaml", "prompts:\n  - {id: a, text: first, variants: [second, FIRST], files: [more.txt], behavior: b}\n  - {id: b, text: fourth, severity: note, where: x, place: {turn: system}}\n"))
	if l.Err() != nil || len(l) != 2 || !strings.Contains(l[0].String(), `good.yaml:2:45: the text differs from `) || !strings.Contains(l[0].String(), `good.yaml:2 in letter case alone`) ||
		!strings.Contains(l[1].String(), `more.txt:3:1: the text differs from `) {
		t.Fatal(l)
	}
	if p := r.Prompts[0]; !slices.Equal(p.Variants, []string{"second", "third"}) || p.Severity != "error" || r.Prompts[1].Severity != "note" {
		t.Errorf("%+v", r)
	}
	for text, want := range map[string]string{
		"":                              "no prompts",
		"prompts: []":                   "no prompts",
		"prompts: [{id: a}]":            `1:11: prompt "a" has no text`,
		"prompts: [{text: a}]":          "prompt 1 has no id",
		"prompts: [{id: a b, text: x}]": `prompt id "a b" cannot be used`,
		"prompts: [{id: a, txt: x}]":    `unknown key "txt" below prompts[0] (did you mean "text"?)`,
		"prompts: [{id: a, text: x}, {id: a, text: y}]":                                   `two prompts have the id "a"`,
		"prompts: [{id: a, text: x}, {id: b, text: X}]":                                   `and "b" have the same text`,
		"prompts: [{id: a, text: x, severity: high}]":                                     `severity is error, warning or note, not "high"`,
		"prompts: [{id: a, text: x, files: [none-*]}]":                                    "no file matches",
		"prompts: [{id: a, text: x, files: [empty.txt]}]":                                 "holds no text",
		"prompts: [{id: a, text: x, variants: ['']}]":                                     "empty variant",
		"prompts: [{id: a, text: x, tier: wide}]":                                         `a tier is one of exact, normalized, encoded, near, not "wide"`,
		"prompts: [{id: a, text: x, force: 1}]":                                           "it takes true or false",
		"prompts: [{id: a, text: x}]\nallow: [{reason: r}]":                               "the rule allows everything",
		"prompts: [{id: a, text: x}]\nallow: [{hash: h}]":                                 "the rule has no reason",
		"prompts: [{id: a, text: x}]\nallow: [{source: s, reason: ' '}]":                  "the rule has no reason",
		"prompts: [{id: a, text: x, files: [more.txt]}, {id: b, text: THIRD}]":            `1:62: prompts "a" (`,
		"prompts: [{id: b, text: THIRD}, {id: a, text: x, files: [more.txt]}]":            `bad.yaml:1) and "a" have the same text "third"`,
		"prompts: [{id: a, text: x}]\nallow: [{prompt: b, reason: r}]":                    `there is no prompt "b"`,
		"prompts: [{id: a, text: x}]\nallow: [{path: '[', reason: r}]":                    "is no glob",
		"prompts: [{id: a, text: x}]\nallow: [{path: x, reason: r, expires: 'tomorrow'}]": `"tomorrow" is no day`,
		"prompts: [": "did not find expected",
		"\xff":       "not UTF-8",
	} {
		_, _, l := LoadRegistry(write("bad.yaml", text))
		if !strings.Contains(l.Error(), want) {
			t.Errorf("%q: %v, want %s", text, l, want)
		}
	}
	if _, _, l := LoadRegistry(filepath.Join(dir, "none.yaml")); len(l) != 1 {
		t.Error("a registry that is not there")
	}
}

// TestRepeats: a text that a prompt has twice is an error with both places, one that differs in letter case or white space a warning.
func TestRepeats(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "one\ntwo\n\none\n")
	write("b.jsonl", "\"two\"\n")
	write("c.txt", "three\n")
	write("d.txt", "Three\nthree\n")
	write("e.jsonl", "\"four  words\\nand so on\"\n\"Four words and so on\"\n\"four words and\\tso on\"\n")
	for _, c := range []struct {
		entry string
		want  []string // parts of what is said, in its order
		texts int      // that are looked for, where nothing is wrong
	}{
		{"text: x, variants: [y, x]", []string{`r.yaml:1:42: prompt "p" has this text twice: r.yaml:1 has it too (take one of them out)`}, 0},
		{"text: x, variants: [y, X]", []string{`r.yaml:1:42: the text differs from r.yaml:1 in letter case alone: it is looked for once`}, 2},
		{"files: [a.txt]", []string{`a.txt:4:1: prompt "p" has this text twice: a.txt:1 has it too (take one of the lines out; awk '!seen[$0]++' a.txt prints each once)`}, 0},
		{"text: one, files: [c.txt]", nil, 2},
		{"text: three, files: [c.txt]", []string{`c.txt:1:1: prompt "p" has this text twice: r.yaml:1 has it too (take the line out of one`}, 0},
		{"files: [a.txt, b.jsonl]", []string{`a.txt:4:1`, `b.jsonl:1:1: prompt "p" has this text twice: a.txt:2 has it too (take the line out of one`}, 0},
		{"files: [c.txt, '[c].txt']", []string{`c.txt:1:1: prompt "p" has this text twice: c.txt:1 has it too (name the file once`}, 0},
		{"text: THREE, files: [d.txt, c.txt]", []string{`c.txt:1:1: prompt "p" has this text twice: d.txt:2 has it too`, `d.txt:1:1: the text differs from r.yaml:1 in letter case alone: it is looked for once; so do 1 more`}, 0},
		{"files: [e.jsonl]", []string{`e.jsonl:2:1: the text differs from e.jsonl:1 in white space alone, which says something to the tier exact only; so do 1 more`}, 3},
	} {
		write("r.yaml", "prompts: [{id: p, "+c.entry+"}]")
		r, _, l := LoadRegistry("r.yaml")
		if (l.Err() == nil) != (c.texts > 0) || len(l) != len(c.want) {
			t.Errorf("%s: %v", c.entry, l)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(l[i].String(), want) {
				t.Errorf("%s: %s, not %s", c.entry, l[i], want)
			}
		}
		if p := r.Prompts[0]; c.texts > 0 && len(p.Variants)+min(1, len(p.Text)) != c.texts {
			t.Errorf("%s: %q %q", c.entry, p.Text, p.Variants)
		}
	}
	write("many.txt", strings.Repeat("one\n", 1000))
	write("r.yaml", "prompts: [{id: p, files: [many.txt]}]")
	if _, _, l := LoadRegistry("r.yaml"); len(l) != maxFindings {
		t.Errorf("%d findings", len(l))
	}
}

// TestEnded: a rule holds on its last day and not after it; that it ended is a warning.
func TestEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(file, []byte("prompts: [{id: a, text: x}]\nallow:\n  - {path: x, reason: r, expires: '2001-02-03'}\n  - {path: x, reason: r, expires: '2999-01-01'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _, l := LoadRegistry(file)
	if l.Err() != nil || len(l) != 1 || l[0].Level != "warning" || !strings.HasSuffix(l[0].String(), "r.yaml:3:35: the rule ended with 2001-02-03: it allows nothing any more (take it out, or give it a later day)") {
		t.Errorf("%v", l)
	}
	for day, want := range map[string]bool{"2001-02-03": false, "2001-02-04": true, "2001-02-02": false} {
		now, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Allow[0].Expired(now.Add(23 * time.Hour)); got != want {
			t.Errorf("%s: %v", day, got)
		}
	}
}
