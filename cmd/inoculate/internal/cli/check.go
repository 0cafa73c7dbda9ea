package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
)

func (a *app) checkCommand() *cobra.Command {
	var trainer string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a pipeline file, the schemas of its input, and its prompts, without running it; or a trainer's config",
		Long: `Check a pipeline file, the schemas of its input, and its prompts, without running it.

With --for, FILE is the config of a trainer (` + strings.Join(config.TrainerFiles(), ", ") + `; YAML or JSON): options that take the
prompts out again, or give train and test records another context than they were written with, are found.`,
		Example: "  inoculate check pipeline.yaml\n  inoculate check pipeline.yaml --format github\n  inoculate check --for axolotl config.yml",
		Args:    exactly(1, "a pipeline file, or with --for the config of a trainer"),
		RunE: func(c *cobra.Command, args []string) error {
			if trainer != "" {
				return a.checkTrainer(trainer, args[0])
			}
			return a.withPipeline(c.Context(), args[0], func(p *catalog.Pipeline, text []byte) error {
				return a.check(c.Context(), args[0], p, text)
			})
		},
	}
	c.Flags().StringVar(&trainer, "for", "", "FILE is the config of this trainer: "+strings.Join(config.TrainerFiles(), ", "))
	return c
}

// checkTrainer looks for options of a trainer that undo what was done to the records.
func (a *app) checkTrainer(trainer, file string) error {
	if !slices.Contains(config.TrainerFiles(), trainer) {
		return usageError{fmt.Errorf("--for %s: known are the options of %s", trainer, strings.Join(config.TrainerFiles(), ", "))}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return usageError{err}
	}
	l := config.CheckTrainerFile(trainer, file, text)
	if l.Err() != nil {
		return sourceError{l, text}
	}
	switch a.format {
	case "json":
		return l.JSON(a.out)
	case "github":
		return l.GitHub(a.out)
	}
	if err := l.Text(a.out, text); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: nothing in it takes the prompts out again\n", file)
	return nil
}

// check prints what was found in a pipeline that could be made.
func (a *app) check(ctx context.Context, file string, p *catalog.Pipeline, text []byte) error {
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return err
	}
	if err := p.Fits(plan); err != nil {
		return err
	}
	warnings := warnings(p)
	switch a.format {
	case "json":
		return warnings.JSON(a.out)
	case "github":
		return warnings.GitHub(a.out)
	}
	if err := warnings.Text(a.out, text); err != nil {
		return err
	}
	bytes := int64(0)
	for _, part := range plan {
		bytes += part.Bytes
	}
	fmt.Fprintf(a.out, "%s: ok\n", file)
	fmt.Fprintf(a.out, "  input    %s, about %s in %s\n", p.Config.Source.Type, humanBytes(bytes), counted(len(plan), "partition"))
	fmt.Fprintf(a.out, "  layout   %s: %s\n", p.Layout.Name, p.Layout.Why)
	if p.Outlet != nil {
		fmt.Fprintf(a.out, "  output   %s\n", p.Outlet)
	}
	for _, q := range p.Prompts {
		fmt.Fprintf(a.out, "  prompt   %s: %s, %s\n", q.ID, q.Place.Turn, q.Place.How)
	}
	if n := len(p.Variants); n > 0 {
		fmt.Fprintf(a.out, "  variants %d more texts that must not be in test records\n", n)
	}
	return nil
}

// warnings are what is allowed and most likely not meant.
func warnings(p *catalog.Pipeline) (l diag.List) {
	warn := func(path, msg, hint string) {
		f := p.Config.At(path, msg, hint)
		f.Level = "warning"
		l = append(l, f)
	}
	for i, q := range p.Prompts {
		at := fmt.Sprintf("prompts[%d].text", i)
		if len(strings.Fields(q.Text)) < 4 {
			warn(at, fmt.Sprintf("prompt %q is so short that clean text may hold it", q.ID), "every test record that does is a leak")
		}
		for _, other := range p.Prompts {
			if other.ID != q.ID && strings.Contains(strings.ToLower(other.Text), strings.ToLower(q.Text)) {
				warn(at, fmt.Sprintf("prompt %q is a part of prompt %q", q.ID, other.ID), "records with the longer one count as carrying both")
			}
		}
		if p.Config.Baseline != "" && strings.Contains(strings.ToLower(p.Config.Baseline), strings.ToLower(q.Text)) {
			warn("baseline", fmt.Sprintf("the baseline holds prompt %q", q.ID), "")
		}
	}
	return l
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema FILE",
		Short:   "Print the schema that a pipeline file's records have, and where the conversation lies in it",
		Example: "  inoculate schema pipeline.yaml",
		Args:    exactly(1, "a pipeline file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPipeline(c.Context(), args[0], func(p *catalog.Pipeline, _ []byte) error { return a.schema(p) })
		},
	}
}

// schema prints the columns and the layout.
func (a *app) schema(p *catalog.Pipeline) error {
	if a.format == "json" {
		type field struct {
			Name     string `json:"name"`
			Type     string `json:"type"`
			Nullable bool   `json:"nullable"`
		}
		var fields []field
		for _, f := range p.Source.Schema().Fields() {
			fields = append(fields, field{f.Name, f.Type.String(), f.Nullable})
		}
		b, err := json.Marshal(map[string]any{"fields": fields, "layout": p.Layout.Name, "columns": p.Layout.Columns()})
		if err != nil {
			return fmt.Errorf("encoding the schema: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	for _, f := range p.Source.Schema().Fields() {
		null := ""
		if !f.Nullable {
			null = " not null"
		}
		fmt.Fprintf(a.out, "%s: %s%s\n", f.Name, f.Type, null)
	}
	fmt.Fprintf(a.out, "\nlayout %s: %s\n", p.Layout.Name, p.Layout.Why)
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  inoculate version",
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			revision := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" && len(s.Value) >= 12 {
						revision = s.Value[:12]
					}
				}
			}
			if a.format == "json" {
				b, err := json.Marshal(map[string]string{"version": Version, "revision": revision, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
				if err != nil {
					return fmt.Errorf("encoding the version: %w", err)
				}
				fmt.Fprintf(a.out, "%s\n", b)
				return nil
			}
			if revision != "" {
				revision = " (" + revision + ")"
			}
			fmt.Fprintf(a.out, "inoculate %s%s %s %s/%s\n", Version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
