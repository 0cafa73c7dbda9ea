package cli

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/cmd/inoculate/internal/report"
	"inoculate/pipeline/config"
	"inoculate/pipeline/pool"
	"inoculate/transforms/scan/tiers"
)

// auditFlags say what is looked for, and how.
type auditFlags struct {
	prompts, limit, tier string
	context              int
	expansion            int64
	redact               bool
}

func (f *auditFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVarP(&f.prompts, "prompts", "p", "", "registry of prompts to look for")
	fl.IntVar(&f.context, "context", 40, "bytes of text shown on either side of a finding")
	fl.BoolVar(&f.redact, "redact", false, "show the match alone, not the text around it")
	fl.StringVar(&f.tier, "tier", "encoded", "how far a copy may be from a prompt: exact, normalized, encoded or near")
	fl.Int64Var(&f.expansion, "max-expansion", 1000, "how many times its size a .gz or .zst file may hold, and 1 GiB at least, or a page of Parquet, and 64 MiB at least; beyond that it is not searched, and the exit code is 3 (0: anything)")
	fl.StringVar(&f.limit, "max-record", "16MiB", "a longer line or JSON document is searched as plain text, and makes the exit code 3; memory is about six times as much, and 128 MiB")
}

// auditor makes an auditor of the registry.
func (f *auditFlags) auditor(a *app) (*audit.Auditor, error) {
	if f.prompts == "" {
		return nil, usageError{errors.New("--prompts names the file with the prompts to look for")}
	}
	size, err := config.ParseSize(f.limit)
	if err != nil {
		return nil, usageError{fmt.Errorf("--max-record: %w", err)}
	}
	// What a record takes is a few times its size; the rest would be garbage that the collector lets wait.
	debug.SetMemoryLimit(6*int64(size) + 96<<20)
	tier, err := tiers.Parse(f.tier)
	if err != nil {
		return nil, usageError{fmt.Errorf("--tier: %w", err)}
	}
	registry, text, l := config.LoadRegistry(f.prompts)
	if l.Err() != nil {
		return nil, sourceError{l, text}
	}
	if err := l.Text(a.errOut, text); err != nil {
		return nil, err
	}
	patterns, common := audit.Patterns(registry)
	return &audit.Auditor{Patterns: patterns, Tier: tier, Allow: registry.Allow, Common: common, MaxRecord: int(size), Context: f.context, Expansion: f.expansion, Redact: f.redact, Mem: pool.New(poolBytes), Stdin: a.in}, nil
}

func (a *app) auditCommand() *cobra.Command {
	var f auditFlags
	var failOn, baseline string
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
      files: ["rephrasings/*.txt"]              # one wording a line; in .jsonl, a JSON string or {"text": …} a line
      severity: error                           # error | warning | note
      tier: normalized                          # the widest tier for this one
      force: true                               # error, though ordinary text holds it too; without, a note
  allow:                                        # findings that are fine
    - {path: "papers/*", reason: "quotes the prompts", expires: "2027-12-31"}   # also: source, field, prompt, hash

The search is for copies: a paraphrase that is not in the registry is mostly not found. Exit codes: 0 clean,
3 not all could be searched, 4 found. With --baseline, what it knows of is counted only.`,
		Example: `  inoculate audit logs/*.jsonl.zst eval/*.parquet templates/ --prompts prompts.yaml
  inoculate audit eval/ --prompts prompts.yaml --baseline known.json --sarif audit.sarif --report audit.html`,
		Args: someInput,
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"error", "warning", "note"}, failOn) {
				return usageError{fmt.Errorf("--fail-on is error, warning or note, not %q", failOn)}
			}
			au, err := f.auditor(a)
			if err != nil {
				return err
			}
			if baseline != "" {
				b, err := audit.ReadBaseline(baseline)
				if err != nil {
					return usageError{err}
				}
				au.Known = b.Filter()
			}
			p := &auditPrinter{app: a, out: bufio.NewWriter(a.out)}
			au.Found = p.finding
			if err := p.warn(au.Common); err != nil {
				return err
			}
			for _, format := range slices.Sorted(maps.Keys(reports)) {
				if *reports[format] == "" {
					continue
				}
				if *reports[format] == "-" {
					err := usageError{fmt.Errorf("the %s report needs a file: the standard output has the findings (--format json)", format)}
					return errors.Join(err, p.files.Abort())
				}
				if err := p.files.Add(format, *reports[format], Version); err != nil {
					return errors.Join(err, p.files.Abort())
				}
			}
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
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&failOn, "fail-on", "note", "the least severity that makes the exit code 4: note, warning or error")
	fl.StringVar(&baseline, "baseline", "", "findings that are known of (see audit baseline): only what is new is told")
	fl.StringVar(reports[report.HTML], "report", "", "write a page for the browser to this file: counts, and the findings in a table that can be filtered")
	fl.StringVar(reports[report.SARIF], "sarif", "", "write SARIF 2.1.0 to this file, for code scanning")
	fl.StringVar(reports[report.JUnit], "junit", "", "write JUnit XML to this file, for CI")
	fl.StringVar(reports[report.CSV], "csv", "", "write CSV to this file, for spreadsheets")
	c.AddCommand(a.auditBaselineCommand(), a.auditExplainCommand(), a.auditSelftestCommand())
	return c
}
