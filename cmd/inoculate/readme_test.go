package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"inoculate/cmd/inoculate/internal/cli"
	"inoculate/pipeline/config"
)

// blocks finds the fenced blocks of README.md in a language.
func blocks(t *testing.T, lang string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)\n```"+lang+"\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("README.md has no %s block", lang)
	}
	return out
}

// vary is what differs from run to run, or from one version to the next.
var vary = regexp.MustCompile(`[0-9.]+ ?(ms|µs|s|[kMG]?B(/s)?)\b|\b[0-9a-f]{12}\b`)

// TestReadmeSessions runs the commands of the README's sessions, one after the other in one folder, and wants the output that it shows.
func TestReadmeSessions(t *testing.T) {
	sessions := blocks(t, "console")
	repo, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS(filepath.Join("testdata", "quickstart"), os.DirFS(filepath.Join(repo, "testdata", "quickstart"))); err != nil {
		t.Fatal(err)
	}
	for _, session := range sessions {
		for step := range strings.SplitSeq("\n"+session, "\n$ inoculate ") {
			command, want, _ := strings.Cut(step, "\n")
			args := append([]string{"inoculate"}, strings.Fields(command)...)
			if len(args) == 1 {
				continue
			}
			var out, errOut strings.Builder
			want, code, _ := strings.Cut(want, "$ echo $?\n") // 0 where the session does not ask
			if got := cli.Main(args[1:], strings.NewReader(""), &out, &errOut); strconv.Itoa(got) != cmp.Or(strings.TrimSpace(code), "0") {
				t.Errorf("$ %s: exit code %d\n%s", command, got, &errOut)
			}
			got := out.String()
			if got, want := settled(got), settled(want); got != want {
				t.Errorf("$ %s\n got:\n%s\nREADME.md:\n%s", command, got, want)
			}
		}
	}
}

// settled is output without what varies, and without blanks at line ends.
func settled(text string) string {
	var lines []string
	for line := range strings.SplitSeq(vary.ReplaceAllString(strings.TrimSpace(text), "*"), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

// TestReadmeConfigs loads the pipeline files of the README.
func TestReadmeConfigs(t *testing.T) {
	for _, text := range blocks(t, "yaml") {
		if !strings.HasPrefix(text, "version:") {
			continue
		}
		file := filepath.Join(t.TempDir(), "pipeline.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, l := config.Load(file); len(l) > 0 {
			t.Errorf("%v\n%s", l, text)
		}
	}
}
