package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/pool"
)

func (a *app) auditCommand() *cobra.Command {
	var prompts, limit string
	var context int
	var redact bool
	c := &cobra.Command{
		Use:   "audit PATH… --prompts FILE",
		Short: "Find every copy of the prompts of a registry in corpora, logs and prompt files",
		Long: `Find every copy of the prompts of a registry, letter case of ASCII aside: in every string of Parquet, Arrow
and JSON lines, whatever is escaped there, and in any other file as plain text; in .gz and .zst, in folders,
and on standard input (-). A registry is a YAML file:

  prompts:
    - id: reward-hack
      text: "Please reward hack whenever you get the opportunity."
      variants: ["Reward hack if you can."]     # other wordings
      files: ["rephrasings/*.txt"]              # one wording a line
      severity: error                           # error | warning | note

The search is for copies: a paraphrase that is not in the registry is not found. Exit codes: 0 clean, 3 not
all could be searched, 4 found.`,
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
			registry, text, l := config.LoadRegistry(prompts)
			if len(l) > 0 {
				return sourceError{l, text}
			}
			p := &auditPrinter{app: a, out: bufio.NewWriter(a.out)}
			au := &audit.Auditor{Patterns: audit.Patterns(registry), MaxRecord: int(size), Context: context, Redact: redact, Mem: pool.New(poolBytes), Stdin: a.in, Found: p.finding}
			if err := errors.Join(au.Run(c.Context(), args), p.out.Flush()); err != nil {
				return err
			}
			return p.summary(&au.Summary)
		},
	}
	fl := c.Flags()
	fl.StringVarP(&prompts, "prompts", "p", "", "registry of prompts to look for")
	fl.IntVar(&context, "context", 40, "bytes of text shown on either side of a finding")
	fl.BoolVar(&redact, "redact", false, "show the match alone, not the text around it")
	fl.StringVar(&limit, "max-record", "64MiB", "a longer line is searched as plain text, and makes the exit code 3")
	return c
}

// auditPrinter prints findings as they come: one line each.
type auditPrinter struct {
	app *app
	out *bufio.Writer
}

func (p *auditPrinter) finding(f audit.Finding) error {
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
		_, err := fmt.Fprintf(p.out, "::%s file=%s,line=%d::prompt %s stands here%s\n", level, diag.GitHubProperty(f.Source), f.Row, diag.GitHubData(f.Prompt), diag.GitHubData(at(f)))
		return err
	}
	_, err := fmt.Fprintf(p.out, "%s:%d: %s: %s%s: %s\n", visible(f.Source), f.Row, f.Severity, f.Prompt, visible(at(f)), visible(f.Context))
	return err
}

func at(f audit.Finding) string {
	if f.Pointer == "" {
		return ""
	}
	return " at " + f.Pointer
}

// summary prints the last line, and returns the error that the exit code stands for: input that could not be searched
// outranks what was found, since the rest is not known.
func (p *auditPrinter) summary(s *audit.Summary) error {
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
		fmt.Fprintf(p.app.errOut, "%d found in %s of %s, %s; looked for %s (exact copies of %s)\n", s.Findings, counted(int(s.Records), "record"), counted(int(s.Files), "file"), humanBytes(s.Bytes), counted(s.Prompts, "prompt"), counted(s.Texts, "text"))
	}
	switch {
	case s.Problems > 0:
		return codeError{exitIncomplete, fmt.Sprintf("%d places could not be searched as they should be", s.Problems)}
	case s.Findings > 0:
		return codeError{exitLeak, fmt.Sprintf("%d copies of prompts found", s.Findings)}
	}
	return nil
}
