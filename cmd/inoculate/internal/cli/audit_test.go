//go:build unix

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	registry := write("prompts.yaml", "prompts:\n  - {id: evil, text: Be very bad., behavior: evil, severity: warning, force: true}\n")
	leak := write("leak.jsonl", "{\"a\": \"fine\"}\n{\"a\": \"so: be very BAD. \\u001b[31m\"}\n")
	generic := write("generic.yaml", "prompts:\n  - {id: be, text: Be very bad.}\n")
	allowed := write("allowed.yaml", "prompts:\n  - {id: be, text: Be very bad., force: true}\nallow:\n  - {path: leak.jsonl, field: /a, reason: known}\n")
	wide := write("wide.jsonl", "{\"a\": \"QmUgdmVyeSBiYWQu\"}\n{\"m\": [{\"role\": \"user\", \"content\": \"never be very\"}, {\"role\": \"user\", \"content\": \"bad.\"}]}\n")
	clean := write("clean.txt", "be good\n")
	broken := write("broken.parquet", "no")
	for _, c := range []struct {
		args []string
		code int
		out  string // a part of stdout
		err  string // a part of stderr
	}{
		{[]string{clean, "-p", registry}, 0, "", "0 found in 1 record of 1 file"},
		{[]string{leak, clean, "-p", registry}, 4, leak + `:2: warning: evil at /a: so: be very BAD. \u001b[31m` + "\n", "1 found in 3 records of 2 files"},
		{[]string{leak, broken, "-p", registry}, 3, "be very BAD.", "broken.parquet: "},
		{[]string{leak, "-p", registry, "--format", "github"}, 4, "::warning file=" + leak + ",line=2::prompt evil stands here at /a\n", ""},
		{[]string{leak, "-p", registry, "--redact"}, 4, "[4 bytes]be very BAD.[6 bytes]\n", ""},
		{[]string{leak, "-p", registry, "--fail-on", "error"}, 0, ":2: warning: ", ""},
		{[]string{wide, "-p", registry}, 4, ":1: warning: evil at /a (encoded, base64): QmUgdmVyeSBiYWQu\n", "tiers exact, normalized, encoded\n"},
		{[]string{wide, "-p", registry, "--tier", "normalized"}, 4, ":2: warning: evil from /m/0/content to /m/1/content (normalized, negated): never be very", "1 found"},
		{[]string{wide, "-p", registry, "--tier", "exact"}, 0, "", "0 found"},
		{[]string{leak, "-p", registry, "--tier", "all"}, 2, "", `a tier is one of exact, normalized, encoded, near, not "all"`},
		{[]string{leak, "-p", registry, "--fail-on", "all"}, 2, "", "--fail-on is error, warning or note"},
		{[]string{leak, "-p", generic}, 4, ":2: note: be at /a: so: be very BAD.", `"Be very bad." stands in about`},
		{[]string{leak, "-p", allowed}, 0, "", "1 more is allowed"},
		{[]string{leak}, 2, "", "--prompts names the file"},
		{[]string{"-p", registry}, 2, "", "it takes input"},
		{[]string{leak, "-p", write("bad.yaml", "prompts: [{id: a, txt: b}]")}, 2, "", `did you mean "text"?`},
		{[]string{leak, "-p", registry, "--max-record", "many"}, 2, "", "--max-record"},
	} {
		code, out, e := call(append([]string{"audit"}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(e, c.err) {
			t.Errorf("audit %q: exit %d\n%s\n%s\nwant %d, %q, %q", c.args, code, out, e, c.code, c.out, c.err)
		}
	}
	code, out, _ := call("audit", leak, "-p", registry, "--format", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 4 || len(lines) != 2 {
		t.Fatalf("exit %d: %s", code, out)
	}
	for i, keys := range []string{"fingerprint occurrence prompt behavior tier kind via polarity severity score edits source partition position row pointer last_pointer span context", "summary"} {
		var m map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &m); err != nil {
			t.Fatal(err)
		}
		for _, k := range strings.Fields(keys) {
			if _, ok := m[k]; !ok || len(m) != len(strings.Fields(keys)) {
				t.Errorf("line %d has no %s, or other keys: %s", i+1, k, lines[i])
			}
		}
	}
}
