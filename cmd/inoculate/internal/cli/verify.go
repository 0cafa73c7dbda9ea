package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/verify"
	"inoculate/pipeline/pool"
	"inoculate/sinks/dataset"
)

func (a *app) verifyCommand() *cobra.Command {
	var tier string
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Prove the separation of a folder that inoculate wrote, from its files alone",
		Long: `Prove the separation of a folder that inoculate wrote: the chain of commit records is whole, every file
has the digest it was written with, no other file stands where loaders look, no string of a test record
holds a prompt, and each train record carries the prompts that its provenance says. Of the arms of one run
it also proves that they differ in nothing but the texts that were put in. --tier searches the test records
for more than exact copies, as audit does.`,
		Example: "  inoculate verify out",
		Args:    exactly(1, "a folder that inoculate wrote"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := catalog.Tier(tier); err != nil {
				return usageError{fmt.Errorf("--tier: %w", err)}
			}
			if arms, err := dataset.ReadArms(args[0]); !errors.Is(err, fs.ErrNotExist) {
				if err != nil {
					return err
				}
				reports, err := verify.Arms(c.Context(), args[0], tier, pool.New(poolBytes))
				if err != nil {
					return err
				}
				return a.reportArms(args[0], arms.What(), reports)
			}
			r, err := verify.Folder(c.Context(), args[0], tier, pool.New(poolBytes))
			if err != nil {
				return err
			}
			if a.format == "json" {
				b, err := json.Marshal(r)
				if err != nil {
					return fmt.Errorf("encoding the report: %w", err)
				}
				fmt.Fprintf(a.out, "%s\n", b)
			} else {
				a.report(r)
			}
			if !r.OK() {
				return codeError{exitLeak, fmt.Sprintf("%s: the separation is broken: %d test and %d train records", args[0], r.Leaks, r.Breaks)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&tier, "tier", "", "how far a text may be from a prompt to be a leak: exact, normalized, encoded or near; empty: as the run had it")
	return c
}

func (a *app) report(r *verify.Report) {
	for _, p := range r.Proofs {
		word := "ok"
		if !p.OK {
			word = "BROKEN"
		}
		fmt.Fprintf(a.out, "%-7s %-24s %s\n", word, p.Name, p.Detail)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(a.out, "  %s of prompt %s in %s: %s\n", f.Kind, f.Prompt, f.Field, f.Detail)
	}
	switch {
	case !r.OK():
	case r.Unread:
		fmt.Fprintf(a.out, "\n%s: the commit log is whole; the records are in topics\n", r.Folder)
	default:
		fmt.Fprintf(a.out, "\n%s: the separation holds\n", r.Folder)
	}
}
