package report

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/pipeline/pipelinetest/require"
	"inoculate/transforms/scan/tiers"
)

// hostile is text that means something to a browser, a spreadsheet, XML or a terminal.
const hostile = "=HYPERLINK(1) </td><script>document.title='owned'</script> <img src=x onerror=\"document.title='owned'\"> \x1b[31m\x00 ]]> & Be very bad today. tail"

// found audits lines, each of which holds the prompt.
func found(t *testing.T, lines ...string) (findings []audit.Finding, s *audit.Summary) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("=1+1.txt", []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &audit.Auditor{Patterns: []audit.Pattern{{Prompt: "bad<b>", Behavior: "evil", Severity: "error", Text: "Be very bad today.", Tier: tiers.Near}}, Tier: tiers.Encoded, MaxRecord: 1 << 20, Context: 300,
		Stdin: strings.NewReader(""), Found: func(f audit.Finding) error { findings = append(findings, f); return nil }}
	if err := a.Run(context.Background(), []string{"=1+1.txt", "gone"}); err != nil {
		t.Fatal(err)
	}
	return findings, &a.Summary
}

// write makes reports of every format and returns where they are.
func write(t *testing.T, findings []audit.Finding, s *audit.Summary) map[string]string {
	t.Helper()
	dir := t.TempDir()
	out := map[string]string{}
	var fs Files
	for _, format := range []string{SARIF, JUnit, CSV, HTML} {
		out[format] = filepath.Join(dir, "report."+format)
		if err := fs.Add(format, out[format], "1.2.3"); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range findings {
		if err := fs.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "report.*")); len(names) != 0 {
		t.Errorf("there before they are whole: %v", names)
	}
	if err := fs.End(s); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	return out
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReports(t *testing.T) {
	findings, s := found(t, "clean", hostile, "once more: be VERY bad today.", "b\u0435 very b\u0430d today")
	if len(findings) != 3 || s.Problems != 1 {
		t.Fatalf("%d findings, %d problems", len(findings), s.Problems)
	}
	out := write(t, findings, s)

	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
			Results []sarifResult
		}
	}
	if err := json.Unmarshal(read(t, out[SARIF]), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 3 || len(run.Tool.Driver.Rules) != 1 || run.Invocations[0].ExecutionSuccessful || !strings.Contains(run.Invocations[0].ToolExecutionNotifications[0].Message.Text, "gone") {
		t.Errorf("%+v", log)
	}
	if r := run.Results[0]; r.Locations[0].Physical.Artifact.URI != "=1+1.txt" || r.Locations[0].Physical.Region.StartLine != 2 || r.Fingerprints["match/v1"] != findings[0].Fingerprint || r.Level != "error" {
		t.Errorf("%+v", r)
	}

	var suites junitSuites
	if err := xml.Unmarshal(read(t, out[JUnit]), &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != 5 || suites.Failures != 4 || suites.Errors != 1 || !strings.Contains(suites.Suite.Cases[0].Failure.Text, "<script>") {
		t.Errorf("%+v", suites)
	}

	table, err := csv.NewReader(strings.NewReader(string(read(t, out[CSV])))).ReadAll()
	if err != nil || len(table) != 4 {
		t.Fatal(table, err)
	}
	for _, line := range table[1:] {
		for i, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("%s %q is a formula", table[0][i], cell)
			}
		}
	}
}

// TestClean: without findings every report says so, and the CSV still has its header.
func TestClean(t *testing.T) {
	out := write(t, nil, &audit.Summary{Prompts: 1, Records: 5, Tiers: []string{"exact"}})
	if got := string(read(t, out[CSV])); got != strings.Join(columns, ",")+"\n" {
		t.Error(got)
	}
	if got := string(read(t, out[SARIF])); !strings.Contains(got, `"results":[]`) || !strings.Contains(got, `"rules":[]`) || !strings.Contains(got, `"executionSuccessful":true`) {
		t.Error(got)
	}
	var suites junitSuites
	if err := xml.Unmarshal(read(t, out[JUnit]), &suites); err != nil || suites.Tests != 1 || suites.Failures+suites.Errors != 0 {
		t.Errorf("%+v %v", suites, err)
	}
	if got := string(read(t, out[HTML])); !strings.Contains(got, "No copies were found.") || strings.Contains(got, "<table") {
		t.Error(got)
	}
}

// TestLimits: what does not fit is counted and said.
func TestLimits(t *testing.T) {
	f := audit.Finding{Prompt: "p", Severity: "note", Tier: "exact", Source: "a.txt", Row: 1}
	var b strings.Builder
	w, err := New(SARIF, &b, "1")
	if err != nil {
		t.Fatal(err)
	}
	for range maxResults + 7 {
		if err := w.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(&audit.Summary{Findings: maxResults + 7}); err != nil || !strings.Contains(b.String(), "7 more results are not in this file") {
		t.Errorf("%v", err)
	}
	b.Reset()
	if w, err = New(HTML, &b, "1"); err != nil {
		t.Fatal(err)
	}
	for range maxRows + 7 {
		if err := w.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(&audit.Summary{Findings: maxRows + 7}); err != nil || !strings.Contains(b.String(), "7 more findings are counted above and not listed") {
		t.Errorf("%v", err)
	}
}

// TestReaders opens the files with the tools that people open them with.
func TestReaders(t *testing.T) {
	python := require.Python(t, "sarif-tools==3.0.5", "junitparser==5.0.3")
	findings, s := found(t, hostile, "be very bad today.")
	out := write(t, findings, s)
	script := `
import sys, csv
from junitparser import JUnitXml
from sarif import loader
log = loader.load_sarif_file(sys.argv[1])
rows = log.get_records()
assert len(rows) == 2 and {r["Location"] for r in rows} == {"=1+1.txt"} and {r["Line"] for r in rows} == {1, 2}, rows
assert {r["Severity"] for r in rows} == {"error"}, rows
xml = JUnitXml.fromfile(sys.argv[2])
assert (xml.tests, xml.failures, xml.errors) == (4, 3, 1), (xml.tests, xml.failures, xml.errors)
assert len(list(csv.DictReader(open(sys.argv[3], newline="")))) == 2
print("ok")
`
	got, err := exec.Command(python, "-c", script, out[SARIF], out[JUnit], out[CSV]).CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(got)), "ok") {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestBrowser looks at the page in a real browser: the filter works, and text of the records is never more than text.
func TestBrowser(t *testing.T) {
	browser := require.Browser(t)
	findings, s := found(t, hostile, "be very bad today.", "cyrillic: b\u0435 very b\u0430d today")
	page := "file://" + write(t, findings, s)[HTML]
	for filter, shown := range map[string]int{"": 3, "#normalized": 1, "#hyperlink": 1, "#bad%20exact": 2, "#nothing-like-it": 0} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=2000", "--dump-dom", page+filter)
		out, err := cmd.Output()
		cancel()
		if err != nil {
			t.Fatalf("%v", err)
		}
		dom := string(out)
		if want := fmt.Sprintf(`<span id="shown">%d</span>`, shown); !strings.Contains(dom, want) {
			t.Errorf("%q: there is no %s in\n%s", filter, want, dom)
		}
		if got := strings.Count(dom, "<tr data-search") - strings.Count(dom, `hidden=""`); got != shown {
			t.Errorf("%q: %d rows are shown, want %d", filter, got, shown)
		}
		if !strings.Contains(dom, "<title>inoculate audit: 3 copies were found.</title>") || strings.Contains(dom, "<img") || strings.Count(dom, "<script") != 1 {
			t.Errorf("text of a record became part of the page:\n%s", dom)
		}
		if !strings.Contains(dom, "<mark>Be very bad today.</mark>") {
			t.Errorf("the match is not marked in\n%s", dom)
		}
	}
}
