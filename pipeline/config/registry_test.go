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
	if l.Err() != nil || len(l) != 2 || !strings.Contains(l[0].String(), `good.yaml:2:45: prompt "a" has this text already`) || !strings.Contains(l[1].String(), `more.txt:3:1: prompt "a" has this text already`) {
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
		"prompts: [{id: a, text: x}, {id: b, text: X}]":                                   `prompts "a" and "b" have the same text`,
		"prompts: [{id: a, text: x, severity: high}]":                                     `severity is error, warning or note, not "high"`,
		"prompts: [{id: a, text: x, files: [none-*]}]":                                    "no file matches",
		"prompts: [{id: a, text: x, files: [empty.txt]}]":                                 "holds no text",
		"prompts: [{id: a, text: x, variants: ['']}]":                                     "empty variant",
		"prompts: [{id: a, text: x, tier: wide}]":                                         `a tier is one of exact, normalized, encoded, near, not "wide"`,
		"prompts: [{id: a, text: x, force: 1}]":                                           "it takes true or false",
		"prompts: [{id: a, text: x}]\nallow: [{reason: r}]":                               "the rule allows everything",
		"prompts: [{id: a, text: x}]\nallow: [{hash: h}]":                                 "the rule has no reason",
		"prompts: [{id: a, text: x}]\nallow: [{source: s, reason: ' '}]":                  "the rule has no reason",
		"prompts: [{id: a, text: x, files: [more.txt]}, {id: b, text: THIRD}]":            `1:62: prompts "a" in `,
		"prompts: [{id: b, text: THIRD}, {id: a, text: x, files: [more.txt]}]":            `more.txt:1:1: prompts "b" and "a" have the same text "third"`,
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
