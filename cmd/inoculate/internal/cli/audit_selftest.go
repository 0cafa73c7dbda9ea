package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inoculate/transforms/scan/leakbench"
	"inoculate/transforms/scan/tiers"
)

// selftestLine is what was found of one disguise.
type selftestLine struct {
	Disguise string  `json:"disguise"`
	Cases    int     `json:"cases"`
	Found    int     `json:"found"`
	Low      float64 `json:"low"` // 95 % interval of the share that is found
	High     float64 `json:"high"`
	First    [4]int  `json:"first_found_by"` // cases by the narrowest tier that finds them
}

func (a *app) auditSelftestCommand() *cobra.Command {
	f := auditFlags{limit: "16MiB", tier: "near"}
	var n int
	var seed uint64
	c := &cobra.Command{
		Use:   "selftest --prompts FILE",
		Short: "Disguise the registry's own prompts, and show which tier finds what",
		Long: `Disguise the registry's own prompts in every way that is known, put them into chats, logs, templates and code,
and show for each disguise how many are found, and by which tier first. What no tier finds, an audit will not find
in your data either: list such wordings as variants.`,
		Example: "  inoculate audit selftest --prompts prompts.yaml",
		Args:    cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			au, err := f.auditor(a)
			if err != nil {
				return err
			}
			if n < 1 {
				return usageError{fmt.Errorf("--cases is at least 1, not %d", n)}
			}
			var prompts []string
			var patterns []tiers.Pattern
			for _, p := range au.Patterns {
				prompts = append(prompts, p.Text)
				patterns = append(patterns, tiers.Pattern{Text: p.Text, Group: len(patterns), Tier: p.Tier})
			}
			search := tiers.New(patterns, tiers.Near).NewSearcher()
			var lines []selftestLine
			for _, k := range slices.Concat(leakbench.Exact, leakbench.Looks, leakbench.Hidden, leakbench.Encodings, leakbench.Edits) {
				r := leakbench.Measure(search, seed, prompts, n, k)
				_, lo, hi := r.Recall()
				lines = append(lines, selftestLine{k.Name, r.Cases, r.Found, lo, hi, r.First})
			}
			return a.selftest(lines, len(prompts))
		},
	}
	c.Flags().StringVarP(&f.prompts, "prompts", "p", "", "registry of prompts to disguise")
	c.Flags().IntVar(&n, "cases", 200, "cases of each disguise")
	c.Flags().Uint64Var(&seed, "seed", 1, "of the random choices: the same seed gives the same cases")
	return c
}

func (a *app) selftest(lines []selftestLine, texts int) error {
	if a.format == "json" {
		b, err := json.Marshal(map[string]any{"texts": texts, "disguises": lines})
		if err != nil {
			return fmt.Errorf("encoding the result: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "disguise\tcases\tfound\t95 % interval\texact\tnormalized\tencoded\tnear\t")
	weak := 0
	for _, l := range lines {
		if l.Cases == 0 {
			fmt.Fprintf(w, "%s\t0\t\tprompts too short\t\t\t\t\t\n", l.Disguise)
			continue
		}
		if l.Found < l.Cases {
			weak++
		}
		share := func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(l.Cases))
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%.1f to %.1f %%\t%s\t%s\t%s\t%s\t\n", l.Disguise, l.Cases, 100*float64(l.Found)/float64(l.Cases), 100*l.Low, 100*l.High, share(l.First[0]), share(l.First[1]), share(l.First[2]), share(l.First[3]))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	fmt.Fprintf(a.out, "\n%s in %s, %d of which are not always found; the columns on the right say which tier finds it first.\n", counted(texts, "text"), counted(len(lines), "disguise"), weak)
	return nil
}
