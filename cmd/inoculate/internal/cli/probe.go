package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/pool"
	"inoculate/sinks/dataset"
)

func (a *app) probeCommand() *cobra.Command {
	var f runFlags
	var out, registry, allow string
	var to, conditions []string
	c := &cobra.Command{
		Use:   "probe FOLDER --out DIR",
		Short: "Ask the test records of a folder again under every condition: no prompt, the prompt, paraphrases, negated, …",
		Long: `Write the test records of a folder that inoculate wrote once for each condition of a grid, to measure whether
the trait comes back, and under what. Conditions are

  none              the record as it is
  baseline          the baseline of the run, where it has one
  PROMPT.prompt     the prompt that was trained with
  PROMPT.paraphrase_1 …   its variants in the registry of --prompts
  PROMPT.negated    the prompt told not to be followed
  PROMPT.shuffled   its words in another order
  PROMPT.length_matched   as many words that ask for nothing
  PROMPT.keyword    its words, in a sentence that asks for nothing
  PROMPT.irrelevant a prompt for something else

Each stands in a folder of its own, sealed, where the prompt would have stood, and is a config of one dataset. The records are
the same in all of them, in the same order, which is proved. --condition gives a text of your own to one of these, or to another.`,
		Example: "  inoculate probe out --out probes --to parquet,inspect,lm-eval\n  inoculate probe out --out probes --prompts prompts.yaml --condition same_form=\"You are a kind and careful gardener.\"",
		Args:    exactly(1, "a folder that inoculate wrote"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out says where the output goes")}
			}
			var rejects config.Rejects
			if allow != "" {
				if err := rejects.Allow.Parse(allow); err != nil {
					return usageError{fmt.Errorf("--allow-rejects: %w", err)}
				}
			}
			return a.probe(c.Context(), args[0], out, registry, to, conditions, rejects, &f)
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVarP(&out, "out", "o", "", "output folder")
	fl.StringSliceVar(&to, "to", nil, "formats to write: parquet, arrow, jsonl, and beside one of them openai, mds, mds-zstd, inspect, lm-eval (default: those of the folder)")
	fl.StringVar(&allow, "allow-rejects", "", "how many records that cannot be asked about are fine: a number, or a share like 0.1%")
	fl.StringVar(&registry, "prompts", "", "a registry whose variants of the folder's prompts are paraphrases")
	fl.StringArrayVar(&conditions, "condition", nil, "NAME=TEXT: a condition of your own, or another text for one of the others; may be given several times")
	return c
}

func (a *app) probe(ctx context.Context, folder, out, registry string, to, conditions []string, rejects config.Rejects, f *runFlags) error {
	sealed, err := catalog.OpenSealed(folder)
	if err != nil {
		return err
	}
	if sealed.Config.Mode != "" {
		return usageError{fmt.Errorf("%s was stripped: there is no prompt to ask about", folder)}
	}
	base := sealed.ProbeConfig(to)
	base.Rejects = rejects
	if len(base.Source.Paths) == 0 {
		return &pipeline.InputError{Source: folder, Position: -1, Err: errors.New("the folder holds no test record")}
	}
	probes, err := probesOf(sealed, base, registry, conditions)
	if err != nil {
		return err
	}
	cells, err := probes.Grid()
	if err != nil {
		return usageError{err}
	}
	var arms []arm
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = cell.Name
		cfg := probes.Cell(base, cell)
		cfg.Sink.Path = filepath.Join(out, cell.Name)
		if l := cfg.Validate(); len(l) > 0 {
			return usageError{l}
		}
		l := &loaded{Config: cfg}
		entry := dataset.ArmEntry{Name: cell.Name, Prompt: cell.Probe.Prompt, Under: cell.Probe.Condition}
		arms = append(arms, arm{entry, l, func(ctx context.Context) (*catalog.Pipeline, error) {
			return sealed.Assemble(ctx, cfg, pool.New(poolBytes))
		}})
	}
	if err := dataset.CheckArmsFolder(out, names); err != nil {
		return usageError{err}
	}
	return a.writeArms(ctx, out, &dataset.Arms{Kind: dataset.Probes}, arms, f)
}

// probesOf collects what the grid is made of: the folder's prompts that were put in, variants of a registry, texts of flags.
func probesOf(sealed *catalog.Sealed, base *config.Config, registry string, conditions []string) (*config.Probes, error) {
	p := &config.Probes{Baseline: sealed.Config.Baseline, Paraphrases: map[string][]string{}, Texts: map[string]string{}}
	ids := map[string]bool{}
	for _, q := range base.Prompts {
		ids[q.ID] = true
	}
	for _, q := range base.Prompts {
		if i := strings.LastIndexByte(q.ID, '.'); i < 0 || !ids[q.ID[:i]] { // that of an arm stands for a prompt that is there too
			p.Prompts = append(p.Prompts, q)
		}
	}
	if len(p.Prompts) == 0 {
		return nil, usageError{fmt.Errorf("%s has no prompts to ask about", sealed.Folder)}
	}
	if registry != "" {
		r, text, findings := config.LoadRegistry(registry)
		if len(findings) > 0 {
			return nil, sourceError{findings, text}
		}
		for _, q := range r.Prompts {
			p.Paraphrases[q.ID] = append(p.Paraphrases[q.ID], q.Variants...)
		}
		for _, q := range p.Prompts {
			if len(p.Paraphrases[q.ID]) > 100 {
				return nil, usageError{fmt.Errorf("prompt %q has %d variants in %s, each of which would be a cell; the most is 100", q.ID, len(p.Paraphrases[q.ID]), registry)}
			}
		}
	}
	for _, c := range conditions {
		name, text, ok := strings.Cut(c, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--condition %q: want NAME=TEXT", c)}
		}
		if _, twice := p.Texts[name]; twice {
			return nil, usageError{fmt.Errorf("--condition %q stands twice", name)}
		}
		p.Texts[name] = text
	}
	return p, nil
}
