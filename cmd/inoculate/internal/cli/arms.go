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

// runArms writes each arm of a pipeline into a folder of its own, and proves that they differ in nothing but the prompts.
func (a *app) runArms(parent context.Context, cfg *loaded, f *runFlags) error {
	if f.shard != "" {
		return usageError{errors.New("--shard: arms are not shared between processes")}
	}
	names := make([]string, len(cfg.Arms))
	for i, arm := range cfg.Arms {
		names[i] = arm.Name
	}
	if err := dataset.CheckArmsFolder(cfg.Sink.Path, names); err != nil {
		return diag.List{cfg.At("sink.path", err.Error(), "")}
	}
	all := &dataset.Arms{Tool: "inoculate " + Version}
	var lines []armLine
	var manifests []*dataset.Manifest
	for i, arm := range cfg.Arms {
		c, err := cfg.Arm(arm)
		if err != nil {
			return diag.List{cfg.At(fmt.Sprintf("arms[%d]", i), err.Error(), "")}
		}
		l := &loaded{c, cfg.text}
		done, err := a.execute(parent, l, f, func(ctx context.Context) (*catalog.Pipeline, error) { return a.assemble(ctx, l) })
		if err != nil {
			return fmt.Errorf("arm %s: %w", arm.Name, err)
		}
		if err := a.verdict(c, done.manifest); err != nil {
			return fmt.Errorf("arm %s: %w", arm.Name, err)
		}
		m := done.manifest
		manifests = append(manifests, m)
		all.Arms = append(all.Arms, dataset.ArmEntry{Name: arm.Name, Run: m.Run, Content: m.Content, Texts: textsOf(c)})
		lines = append(lines, armLine{Arm: arm.Name, Path: c.Sink.Path, Run: m.Run, Content: m.Content, Counts: m.Counts, Checks: m.Checks})
	}
	for i, arm := range cfg.Arms {
		r, err := verify.Restore(parent, filepath.Join(cfg.Sink.Path, arm.Name), pool.New(poolBytes))
		if err != nil {
			return fmt.Errorf("arm %s: %w", arm.Name, err)
		}
		if i == 0 {
			all.Restored, all.Records = r.SHA256, r.Records
		}
		if r.SHA256 != all.Restored {
			return &verify.DamageError{File: filepath.Join(cfg.Sink.Path, arm.Name), Cause: fmt.Sprintf("it differs from arm %s in more than the prompts", cfg.Arms[0].Name)}
		}
	}
	if err := dataset.WriteArms(cfg.Sink.Path, all, manifests); err != nil {
		return err
	}
	return a.armsSummary(cfg.Sink.Path, all, lines)
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
			Arms     []armLine `json:"arms"`
			Records  int64     `json:"records"`
			Restored string    `json:"restored_sha256"`
		}{folder, lines, all.Records, all.Restored})
		if err != nil {
			return fmt.Errorf("encoding the summary: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "arm\ttrain\tgot a text\ttest\tstripped\tsealed as")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.12s\n", l.Arm, l.Counts["train"], l.Counts["injected"], l.Counts["test"], l.Counts["stripped"], l.Content)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	fmt.Fprintf(a.out, "\n%s: %s, alike in all %d records apart from the text that was put in\n", folder, counted(len(lines), "arm"), all.Records)
	return nil
}

// reportArms prints what was proved of each arm.
func (a *app) reportArms(folder string, reports []*verify.Report) error {
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
		fmt.Fprintf(a.out, "%s: %s, alike apart from the prompts\n", folder, counted(len(reports), "arm"))
	}
	return nil
}
