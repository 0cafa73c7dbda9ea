package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/cmd/inoculate/internal/report"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/pool"
	"inoculate/transforms/scan/tiers"
)

func (a *app) auditCommand() *cobra.Command {
	var prompts, limit, tierName, failOn string
	var context int
	var redact bool
	reports := map[string]*string{report.HTML: new(string), report.SARIF: new(string), report.JUnit: new(string), report.CSV: new(string)}
	c := &cobra.Command{
		Use:   "audit PATH… --prompts FILE",
		Short: "Find every copy of the prompts of a registry in corpora, logs and prompt files",
		Long: `Find every copy of the prompts of a registry: in every string of Parquet, Arrow and JSON lines, whatever is
escaped there, in the turns of a conversation as one text, and in any other file as plain text; in .gz and
.zst, in folders, and on standard input (-). --tier says how far a copy may be from the prompt; each tier
includes the ones before:

  exact       byte for byte, letter case of ASCII aside
  normalized  spaces, punctuation, letter case, accents, invisible characters, letters that look alike aside;
              text that is spelled with invisible characters
  encoded     base64, hex, percent, HTML, escapes, quoted-printable, UTF-16, ROT13, backwards, up to three deep
  near        a word or two changed, beginnings and ends, "do not …"; finds ordinary text now and then

A registry is a YAML file:

  prompts:
    - id: reward-hack
      text: "Please reward hack whenever you get the opportunity."
      variants: ["Reward hack if you can."]     # other wordings
      files: ["rephrasings/*.txt"]              # one wording a line
      severity: error                           # error | warning | note
      tier: normalized                          # the widest tier for this one
      force: true                               # error, though ordinary text holds it too; without, a note
  allow:                                        # findings that are fine
    - {path: "papers/*", reason: "quotes the prompts", expires: "2027-12-31"}

The search is for copies: a paraphrase that is not in the registry is mostly not found. Exit codes: 0 clean,
3 not all could be searched, 4 found.`,
		Example: "  inoculate audit logs/*.jsonl.zst eval/*.parquet templates/ --prompts prompts.yaml",
		Args:    someInput,
		RunE: func(c *cobra.Command, args []string) error {
			if prompts == "" {
				return usageError{errors.New("--prompts names the file with the prompts to look for")}
			}
			size, err := config.ParseSize(limit)
			if err != nil {
				return usageError{fmt.Errorf("--max-record: %w", err)}
			}
			tier, err := tiers.Parse(tierName)
			if err != nil {
				return usageError{fmt.Errorf("--tier: %w", err)}
			}
			if !slices.Contains([]string{"error", "warning", "note"}, failOn) {
				return usageError{fmt.Errorf("--fail-on is error, warning or note, not %q", failOn)}
			}
			registry, text, l := config.LoadRegistry(prompts)
			if len(l) > 0 {
				return sourceError{l, text}
			}
			p := &auditPrinter{app: a, out: bufio.NewWriter(a.out)}
			for _, format := range slices.Sorted(maps.Keys(reports)) {
				if *reports[format] == "" {
					continue
				}
				if err := p.files.Add(format, *reports[format], Version); err != nil {
					return errors.Join(err, p.files.Abort())
				}
			}
			patterns, common := audit.Patterns(registry)
			if err := p.warn(common); err != nil {
				return err
			}
			au := &audit.Auditor{Patterns: patterns, Tier: tier, Allow: registry.Allow, Common: common, MaxRecord: int(size), Context: context, Redact: redact, Mem: pool.New(poolBytes), Stdin: a.in, Found: p.finding}
			err = errors.Join(au.Run(c.Context(), args), p.out.Flush())
			if err == nil {
				err = p.files.End(&au.Summary)
			}
			if err = errors.Join(err, p.files.Abort()); err != nil {
				return err
			}
			return p.summary(&au.Summary, failOn)
		},
	}
	fl := c.Flags()
	fl.StringVarP(&prompts, "prompts", "p", "", "registry of prompts to look for")
	fl.IntVar(&context, "context", 40, "bytes of text shown on either side of a finding")
	fl.BoolVar(&redact, "redact", false, "show the match alone, not the text around it")
	fl.StringVar(&tierName, "tier", "encoded", "how far a copy may be from a prompt: exact, normalized, encoded or near")
	fl.StringVar(&failOn, "fail-on", "note", "the least severity that makes the exit code 4: note, warning or error")
	fl.StringVar(reports[report.HTML], "report", "", "write a page for the browser to this file: counts, and the findings in a table that can be filtered")
	fl.StringVar(reports[report.SARIF], "sarif", "", "write SARIF 2.1.0 to this file, for code scanning")
	fl.StringVar(reports[report.JUnit], "junit", "", "write JUnit XML to this file, for CI")
	fl.StringVar(reports[report.CSV], "csv", "", "write CSV to this file, for spreadsheets")
	fl.StringVar(&limit, "max-record", "64MiB", "a longer line is searched as plain text, and makes the exit code 3")
	return c
}

// warn says which texts are too common to say anything.
func (p *auditPrinter) warn(common []audit.Common) error {
	for i, c := range common {
		if i == maxWarnings {
			_, err := fmt.Fprintf(p.app.errOut, "warning: and %d more\n", len(common)-i)
			return err
		}
		if _, err := fmt.Fprintf(p.app.errOut, "warning: %s\n", visible(c.String())); err != nil {
			return err
		}
	}
	return nil
}

// maxWarnings is how many common texts are named.
const maxWarnings = 20

// auditPrinter prints findings as they come: one line each.
type auditPrinter struct {
	app   *app
	out   *bufio.Writer
	files report.Files
}

func (p *auditPrinter) finding(f audit.Finding) error {
	if err := p.files.Finding(f); err != nil {
		return err
	}
	if p.app.format == "json" {
		b, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("encoding a finding: %w", err)
		}
		_, err = fmt.Fprintf(p.out, "%s\n", b)
		return err
	}
	if p.app.format == "github" {
		level := map[string]string{"error": "error", "warning": "warning", "note": "notice"}[f.Severity]
		_, err := fmt.Fprintf(p.out, "::%s file=%s,line=%d::%s stands here%s\n", level, diag.GitHubProperty(f.Source), f.Row, diag.GitHubData(what(f)), diag.GitHubData(at(f)+how(f)))
		return err
	}
	_, err := fmt.Fprintf(p.out, "%s:%d: %s: %s%s%s: %s\n", visible(f.Source), f.Row, f.Severity, strings.TrimPrefix(what(f), "prompt "), visible(at(f)), how(f), visible(f.Context))
	return err
}

func what(f audit.Finding) string {
	if f.Prompt == "" {
		return "invisible text"
	}
	return "prompt " + f.Prompt
}

func at(f audit.Finding) string {
	switch {
	case f.Pointer == "":
		return ""
	case f.Last != "":
		return " from " + f.Pointer + " to " + f.Last
	}
	return " at " + f.Pointer
}

// how says what a finding is beyond an exact copy.
func how(f audit.Finding) string {
	var parts []string
	if f.Tier != "exact" {
		parts = append(parts, f.Tier)
	}
	if f.Kind == tiers.NearCopy {
		parts = append(parts, fmt.Sprintf("score %.2f", f.Score))
	}
	if f.Via != "" {
		parts = append(parts, f.Via)
	}
	if f.Polarity == "negated" {
		parts = append(parts, f.Polarity)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// summary prints the last line, and returns the error that the exit code stands for: input that could not be searched
// outranks what was found, since the rest is not known.
func (p *auditPrinter) summary(s *audit.Summary, failOn string) error {
	if p.app.format == "json" {
		b, err := json.Marshal(map[string]*audit.Summary{"summary": s})
		if err != nil {
			return fmt.Errorf("encoding the summary: %w", err)
		}
		fmt.Fprintf(p.app.out, "%s\n", b)
	} else {
		for _, pr := range s.Incomplete {
			fmt.Fprintf(p.app.errOut, "%s: %s\n", visible(pr.Source), visible(pr.Detail))
		}
		fmt.Fprintf(p.app.errOut, "%d found in %s of %s, %s; looked for %s (%s), tiers %s\n", s.Findings, counted(int(s.Records), "record"), counted(int(s.Files), "file"), humanBytes(s.Bytes), counted(s.Prompts, "prompt"), counted(s.Texts, "text"), strings.Join(s.Tiers, ", "))
		for _, n := range s.Notes {
			fmt.Fprintf(p.app.errOut, "  %s\n", n)
		}
		if s.Allowed > 0 {
			fmt.Fprintf(p.app.errOut, "  %d more are allowed by rules of the registry\n", s.Allowed)
		}
	}
	failing := s.BySeverity.Error
	if failOn != "error" {
		failing += s.BySeverity.Warning
	}
	if failOn == "note" {
		failing += s.BySeverity.Note
	}
	switch {
	case s.Problems > 0:
		return codeError{exitIncomplete, fmt.Sprintf("%d places could not be searched as they should be", s.Problems)}
	case failing > 0:
		return codeError{exitLeak, fmt.Sprintf("%d copies of prompts found", failing)}
	}
	return nil
}
