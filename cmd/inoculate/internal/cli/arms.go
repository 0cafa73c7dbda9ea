package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/verify"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/pool"
	"inoculate/sinks/dataset"
)

// armLine is what is told of one arm.
type armLine struct {
	Arm     string           `json:"arm"`
	Path    string           `json:"path"`
	Run     string           `json:"run"`
	Content string           `json:"content_sha256"`
	Counts  map[string]int64 `json:"counts"`
	Checks  dataset.Checks   `json:"checks"`
}

// arm is a run whose output is one folder of several.
type arm struct {
	entry    dataset.ArmEntry // its name, and what it is
	cfg      *loaded
	assemble func(context.Context) (*catalog.Pipeline, error)
}

// runArms writes each arm of a pipeline into a folder of its own, and proves that they differ in nothing but the prompts.
func (a *app) runArms(parent context.Context, cfg *loaded, f *runFlags) error {
	if f.shard != "" {
		return usageError{errors.New("--shard: arms are not shared between processes")}
	}
	var arms []arm
	names := make([]string, len(cfg.Arms))
	for i, of := range cfg.Arms {
		names[i] = of.Name
		c, err := cfg.Arm(of)
		if err != nil {
			return diag.List{cfg.At(fmt.Sprintf("arms[%d]", i), err.Error(), "")}
		}
		l := &loaded{c, cfg.text}
		arms = append(arms, arm{dataset.ArmEntry{Name: of.Name}, l, func(ctx context.Context) (*catalog.Pipeline, error) { return a.assemble(ctx, l) }})
	}
	if err := dataset.CheckArmsFolder(cfg.Sink.Path, names); err != nil {
		return diag.List{cfg.At("sink.path", err.Error(), "")}
	}
	return a.writeArms(parent, cfg.Sink.Path, &dataset.Arms{}, arms, f)
}

// writeArms runs the arms, proves that they are alike, and makes folder one dataset of them.
func (a *app) writeArms(parent context.Context, folder string, all *dataset.Arms, arms []arm, f *runFlags) error {
	all.Tool = "inoculate " + Version
	var lines []armLine
	var manifests []*dataset.Manifest
	for _, arm := range arms {
		done, err := a.execute(parent, arm.cfg, f, arm.assemble)
		if err != nil {
			return fmt.Errorf("%s %s: %w", all.What(), arm.entry.Name, err)
		}
		if err := a.verdict(arm.cfg.Config, done.manifest); err != nil {
			return fmt.Errorf("%s %s: %w", all.What(), arm.entry.Name, err)
		}
		m := done.manifest
		manifests = append(manifests, m)
		arm.entry.Run, arm.entry.Content, arm.entry.Texts = m.Run, m.Content, textsOf(arm.cfg.Config)
		all.Arms = append(all.Arms, arm.entry)
		lines = append(lines, armLine{Arm: arm.entry.Name, Path: arm.cfg.Sink.Path, Run: m.Run, Content: m.Content, Counts: m.Counts, Checks: m.Checks})
	}
	for i, arm := range all.Arms {
		at := filepath.Join(folder, arm.Name)
		r, err := verify.Restore(parent, at, pool.New(poolBytes))
		if err != nil {
			return fmt.Errorf("%s %s: %w", all.What(), arm.Name, err)
		}
		if i == 0 {
			all.Restored, all.Records = r.SHA256, r.Records
		}
		if r.SHA256 != all.Restored {
			return &verify.DamageError{File: at, Cause: fmt.Sprintf("it differs from %s %s in more than the prompts", all.What(), all.Arms[0].Name)}
		}
	}
	if err := dataset.WriteArms(folder, all, manifests); err != nil {
		return err
	}
	return a.armsSummary(folder, all, lines)
}

// textsOf are the texts that an arm puts in.
func textsOf(c *config.Config) map[string]string {
	out := map[string]string{}
	for _, p := range c.Prompts {
		if p.Where != "false" {
			out[p.ID] = p.Text
		}
	}
	return out
}

func (a *app) armsSummary(folder string, all *dataset.Arms, lines []armLine) error {
	if a.format == "json" {
		b, err := json.Marshal(struct {
			Path     string    `json:"path"`
			Kind     string    `json:"kind,omitempty"`
			Arms     []armLine `json:"arms"`
			Records  int64     `json:"records"`
			Restored string    `json:"restored_sha256"`
		}{folder, all.Kind, lines, all.Records, all.Restored})
		if err != nil {
			return fmt.Errorf("encoding the summary: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	if all.Kind == dataset.Probes {
		fmt.Fprintln(w, "probe\trecords\tgot the text\tsealed as")
	} else {
		fmt.Fprintln(w, "arm\ttrain\tgot a text\ttest\tstripped\tsealed as")
	}
	for _, l := range lines {
		if all.Kind == dataset.Probes {
			fmt.Fprintf(w, "%s\t%d\t%d\t%.12s\n", l.Arm, l.Counts["train"], l.Counts["injected"], l.Content)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.12s\n", l.Arm, l.Counts["train"], l.Counts["injected"], l.Counts["test"], l.Counts["stripped"], l.Content)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	fmt.Fprintf(a.out, "\n%s: %s, alike in all %d records apart from the text that was put in\n", folder, counted(len(lines), all.What()), all.Records)
	return nil
}

// reportArms prints what was proved of each arm.
func (a *app) reportArms(folder, what string, reports []*verify.Report) error {
	if a.format == "json" {
		b, err := json.Marshal(map[string]any{"folder": folder, "arms": reports})
		if err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
	}
	var broken []string
	for _, r := range reports {
		if a.format != "json" {
			a.report(r)
			fmt.Fprintln(a.out)
		}
		if !r.OK() {
			broken = append(broken, r.Folder)
		}
	}
	if len(broken) > 0 {
		return codeError{exitLeak, "the separation is broken in " + strings.Join(broken, ", ")}
	}
	if a.format != "json" {
		fmt.Fprintf(a.out, "%s: %s, alike apart from the prompts\n", folder, counted(len(reports), what))
	}
	return nil
}
