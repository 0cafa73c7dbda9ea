package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/audit"
)

func (a *app) auditBaselineCommand() *cobra.Command {
	var f auditFlags
	var out, label, reason, expires string
	c := &cobra.Command{
		Use:   "baseline PATH… --prompts FILE --out FILE",
		Short: "Write down what an audit finds now, so that later audits tell of what is new",
		Long: `Write down what an audit finds now: digests and labels, no text. audit --baseline then tells of the rest only.
Where the file is there already, findings that are still found keep their labels, new ones get --label, and what
is gone is left out. What could not be searched makes the exit code 3, and the file is written all the same.`,
		Example: `  inoculate audit baseline eval/ --prompts prompts.yaml --out known.json --label accepted --reason "quotes the paper"`,
		Args:    someInput,
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out names the file that the baseline goes to")}
			}
			if _, err := time.Parse(time.DateOnly, expires); expires != "" && err != nil {
				return usageError{fmt.Errorf("--expires is a day like 2027-12-31, not %q", expires)}
			}
			au, err := f.auditor(a)
			if err != nil {
				return err
			}
			had := map[string]audit.Known{}
			old, err := audit.ReadBaseline(out)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return usageError{err}
			}
			if err == nil {
				for _, k := range old.Findings {
					had[k.Occurrence] = k
				}
			}
			fresh, kept := audit.Baseline{}, 0
			seen := map[string]bool{}
			au.Found = func(x audit.Finding) error {
				if seen[x.Occurrence] {
					return nil
				}
				seen[x.Occurrence] = true
				k, ok := had[x.Occurrence]
				if ok {
					kept++
				} else {
					k = audit.Known{Occurrence: x.Occurrence, Fingerprint: x.Fingerprint, Prompt: x.Prompt, Tier: x.Tier, Label: label, Reason: reason, Expires: expires}
				}
				fresh.Findings = append(fresh.Findings, k)
				return nil
			}
			if err := au.Run(c.Context(), args); err != nil {
				return err
			}
			if err := fresh.Write(out); err != nil {
				return err
			}
			n := len(fresh.Findings)
			fmt.Fprintf(a.out, "%s: %s, %d of them new, %d gone\n", out, counted(n, "finding"), n-kept, len(had)-kept)
			p := &auditPrinter{app: a}
			return p.incomplete(&au.Summary)
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVarP(&out, "out", "o", "", "file of the baseline")
	fl.StringVar(&label, "label", "accepted", "what the new findings are: accepted, false, …")
	fl.StringVar(&reason, "reason", "", "why, for people")
	fl.StringVar(&expires, "expires", "", "last day on which the new entries count, like 2027-12-31")
	return c
}
