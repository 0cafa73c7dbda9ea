package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWordings(t *testing.T) {
	long := strings.Repeat("x", maxWording)
	for _, c := range []struct {
		name, text string
		want       []string // LINE TEXT
		bad        []string // LINE: a part of the message
	}{
		{"a.txt", "one\ntwo", []string{"1 one", "2 two"}, nil},
		{"crlf.txt", "\xef\xbb\xbf one \r\n\r\n\ttwo\tparts\r\n", []string{"1 one", "3 two\tparts"}, nil},
		{"empty.txt", "", nil, []string{"0: it holds no text"}},
		{"mark.txt", "\xef\xbb\xbf", nil, []string{"0: it holds no text"}},
		{"blank.txt", "\n \r\n", nil, []string{"0: it holds no text"}},
		{"twice.txt", "one\nONE\n", []string{"1 one", "2 ONE"}, nil},
		{"control.txt", "one\nt\x1b[1mo\nth\x00ree\nd\x7fel\n", []string{"1 one"}, []string{"2: a control character in the line, U+001B at byte 2", "3: U+0000 at byte 3", "4: U+007F at byte 2"}},
		{"mac.txt", "one\rtwo\r", nil, []string{"1: a carriage return in the line"}},
		{"latin1.txt", "one\nL\xfcge\n", []string{"1 one"}, []string{"2: the line is not UTF-8"}},
		{"utf16.txt", "\xff\xfeo\x00n\x00e\x00\n\x00", nil, []string{"1: not UTF-8, and holds zero bytes", "2: a control character in the line, U+0000"}},
		{"long.txt", "one\n" + long + "\nthree\n", []string{"1 one"}, []string{"2: longer than 65536 bytes"}},
		{"a.jsonl", "\xef\xbb\xbf\"one\\ntwo\"\r\n\n{\"text\": \"three\", \"by\": \"x\"}\n{\"n\": 1, \"rephrasing\": \"\\u001b\"}", []string{"1 one\ntwo", "3 three", "4 \x1b"}, nil},
		{"bad.ndjson", "{\"a\": \"x\", \"b\": \"y\"}\n{}\n7\n{\"text\": \n\"\"\n[\"x\"]\n{\"text\": 1}\n", nil, []string{"1: 2 strings", "2: 0 strings", "3: has no text", "4: no JSON", "5: is empty", "6: has no text", "7: 0 strings"}},
		{"noise.txt", strings.Repeat("\x01\n", 100), nil, strings.Split(strings.TrimSuffix(strings.Repeat("control|", maxFindings), "|"), "|")},
	} {
		file := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var r wordings
		got, l := r.file(file)
		var lines []string
		for _, w := range got {
			lines = append(lines, fmt.Sprintf("%d %s", w.line, w.text))
		}
		if strings.Join(lines, "|") != strings.Join(c.want, "|") || len(l) != len(c.bad) || r.texts != len(c.want) {
			t.Errorf("%s: %q, %v", c.name, lines, l)
			continue
		}
		for i, f := range l {
			line, part, ok := strings.Cut(c.bad[i], ": ")
			if !ok {
				line, part = fmt.Sprint(f.Line), c.bad[i]
			}
			if f.File != file || fmt.Sprint(f.Line) != line || !strings.Contains(f.Message, part) || f.Level != "error" || f.Line > 0 && f.Excerpt == "" || strings.ContainsAny(f.Excerpt, "\x00\x1b\r") || len(f.Excerpt) > 130 {
				t.Errorf("%s: %+v, want %s", c.name, f, c.bad[i])
			}
		}
	}
	if _, l := new(wordings).file(t.TempDir()); len(l) != 1 || !strings.Contains(l[0].Message, "is a directory") {
		t.Errorf("a folder: %v", l)
	}
}

// TestManyWordings: as many texts as there may be, and one more.
func TestManyWordings(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range MaxTexts - 2 {
		fmt.Fprintf(&b, "{\"text\": \"wording %d of the prompt\"}\n", i)
	}
	registry, more := filepath.Join(dir, "r.yaml"), filepath.Join(dir, "more.jsonl")
	for file, text := range map[string]string{registry: "prompts:\n  - {id: a, text: first, files: ['*.jsonl'], variants: [second]}\n", more: b.String()} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, _, l := LoadRegistry(registry)
	if len(l) > 0 || len(r.Prompts[0].Variants) != MaxTexts-1 {
		t.Fatalf("%d variants, %v", len(r.Prompts[0].Variants), l)
	}
	b.WriteString("\n\"one more\"\n\"and another\"\n")
	if err := os.WriteFile(more, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, l = LoadRegistry(registry)
	if want := fmt.Sprintf("more.jsonl:%d:1: there are more than %d texts (split the registry", MaxTexts, MaxTexts); len(l) != 1 || !strings.Contains(l.Error(), want) {
		t.Errorf("%v, want %s", l, want)
	}
}
