package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/cmd/inoculate/internal/report"
	"inoculate/pipeline/diag"
	"inoculate/transforms/scan/tiers"
)

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
		if s.Known > 0 {
			fmt.Fprintf(p.app.errOut, "  %d more %s known by the baseline\n", s.Known, isOrAre(s.Known))
		}
		if s.Stale > 0 {
			fmt.Fprintf(p.app.errOut, "  %d of the baseline %s not there any more, or %s not searched for\n", s.Stale, isOrAre(s.Stale), wasOrWere(s.Stale))
		}
		if s.Allowed > 0 {
			fmt.Fprintf(p.app.errOut, "  %d more %s allowed by rules of the registry\n", s.Allowed, isOrAre(s.Allowed))
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
		return notAll(s)
	case failing > 0:
		if failing == 1 {
			return codeError{exitLeak, "1 copy of a prompt found"}
		}
		return codeError{exitLeak, fmt.Sprintf("%d copies of prompts found", failing)}
	}
	return nil
}

func isOrAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func wasOrWere(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func notAll(s *audit.Summary) error {
	return codeError{exitIncomplete, fmt.Sprintf("%s could not be searched as it should be", counted(int(s.Problems), "place"))}
}

// incomplete says what could not be searched.
func (p *auditPrinter) incomplete(s *audit.Summary) error {
	for _, pr := range s.Incomplete {
		fmt.Fprintf(p.app.errOut, "%s: %s\n", visible(pr.Source), visible(pr.Detail))
	}
	if s.Problems > 0 {
		return notAll(s)
	}
	return nil
}
