package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/engine"
	"inoculate/sinks/dataset"
)

// summary prints what a run did, and returns the error that its exit code stands for.
func (a *app) summary(cfg *config.Config, p *catalog.Pipeline, m *dataset.Manifest, stats *engine.Stats, took time.Duration) error {
	verdict := a.verdict(cfg, m)
	if a.format == "json" {
		code := exitCode(verdict)
		out := struct {
			Path    string                   `json:"path"`
			Run     string                   `json:"run"`
			Layout  string                   `json:"layout"`
			Content string                   `json:"content_sha256"`
			Splits  map[string]dataset.Split `json:"splits"`
			Counts  map[string]int64         `json:"counts"`
			Checks  dataset.Checks           `json:"checks"`
			Files   int                      `json:"files"`
			Seconds float64                  `json:"seconds"`
			Exit    int                      `json:"exit_code"`
		}{cfg.Sink.Path, m.Run, p.Layout.Name, m.Content, m.Splits, m.Counts, m.Checks, len(m.Files), took.Seconds(), code}
		b, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("encoding the summary: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
		return verdict
	}
	fmt.Fprintf(a.out, "layout %s: %s\n\n", p.Layout.Name, p.Layout.Why)
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	for _, line := range countLines(m, p.Prior != nil) {
		fmt.Fprintf(w, "%s\t%d\t%s\n", line.name, line.n, line.what)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	bytes, files := int64(0), 0
	for _, f := range m.Files {
		if f.Phase == "train" || f.Phase == "test" {
			bytes += f.Bytes
			files++
		}
	}
	speed := ""
	if n := stats.Bytes.Load(); n > 1e6 && took > 0 {
		speed = fmt.Sprintf(", %.0f MB/s", float64(n)/1e6/took.Seconds())
	}
	if p.Outlet != nil {
		fmt.Fprintf(a.out, "\n%s", p.Outlet)
	}
	if !cfg.Sink.Files() {
		fmt.Fprintf(a.out, "\n%s: the commit log and what it names, in %s%s\n", cfg.Sink.Path, took.Round(time.Millisecond), speed)
		return verdict
	}
	fmt.Fprintf(a.out, "\n%s: %s of %s, %s, sealed as %s in %s%s\n", cfg.Sink.Path, counted(files, "file"), strings.Join(m.Formats, " and "), humanBytes(bytes), m.Content[:12], took.Round(time.Millisecond), speed)
	return verdict
}

// humanBytes writes a size as people read it.
func humanBytes(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type countLine struct {
	name string
	n    int64
	what string
}

// countLines are the counts in the order in which people read them, those that are zero left out. Restored
// says that a folder was put back to what it was.
func countLines(m *dataset.Manifest, restored bool) (out []countLine) {
	add := func(name, key, what string) {
		if n := m.Counts[key]; n > 0 {
			out = append(out, countLine{name, n, what})
		}
	}
	out = append(out, countLine{"records read", m.Counts[pipeline.CountIn], ""})
	add("  train", pipeline.CountTrain, "")
	if restored {
		add("    restored", "stripped", "are what they were before a prompt was put in")
	}
	add("    injected", "injected", "got a prompt")
	add("    already present", "already_present", "carried the prompt at its place before")
	add("    unselected", "unselected", "`where` left them alone")
	add("    selected by null", "selected_by_null", "`where` was null or failed: inoculated to be safe")
	add("    natural", "natural", "a prompt stands in the source itself")
	add("  test", pipeline.CountTest, "")
	if !restored {
		add("    stripped", "stripped", "a prompt was taken out")
	}
	add("  filtered", pipeline.CountFiltered, "")
	byReason := func(prefix string) {
		for _, k := range slices.Sorted(maps.Keys(m.Counts)) {
			if strings.HasPrefix(k, prefix) {
				add("    "+strings.TrimPrefix(k, prefix), k, "")
			}
		}
	}
	byReason(pipeline.FilteredPrefix)
	add("  rejects", pipeline.CountRejects, "see the folder rejects")
	byReason(pipeline.RejectPrefix)
	for _, t := range []struct{ name, key, what string }{
		{"LLaMA-Factory drops", "llama_factory_drops", "without a word"}, {"torchtune refuses", "torchtune_refuses", "and stops"}, {"TRL refuses", "trl_refuses", "and stops"},
		{"Axolotl refuses", "axolotl_refuses", "and stops"}, {"OpenAI refuses", "openai_refuses", "with the file"},
	} {
		add(t.name, t.key, "train and test records, "+t.what+" (check: {for: …} makes them rejects)")
	}
	out = append(out, countLine{"prompts left in test records", m.Checks.Leaks, ""})
	if m.Checks.Violations > 0 {
		out = append(out, countLine{"train records that break the separation", m.Checks.Violations, ""})
	}
	if c := m.Checks.BothPhases; c.Conversations+c.UserPrompts > 0 {
		out = append(out, countLine{"test records whose conversation is in train too", c.Conversations, ""},
			countLine{"test records whose user prompt is in train too", c.UserPrompts, ""})
	}
	if c, all := m.Checks.BothPhases.Records, m.Counts[pipeline.CountTrain]+m.Counts[pipeline.CountTest]; c < all && len(m.Formats) > 0 {
		out = append(out, countLine{"records compared between the phases", c, "a later seal compares the rest"})
	}
	return out
}

// verdict is the error that a finished run ends with: leaks first, then rejects that nobody allowed.
func (a *app) verdict(cfg *config.Config, m *dataset.Manifest) error {
	if n := m.Checks.Leaks + m.Checks.Violations; n > 0 {
		return codeError{exitLeak, fmt.Sprintf("%d records break the separation", n)}
	}
	if n := m.Counts[pipeline.CountRejects]; n > 0 && !cfg.Rejects.Allow.Fine(n, m.Counts[pipeline.CountIn]) {
		return codeError{exitIncomplete, fmt.Sprintf("%d of %d records were rejected; they stand in %s/rejects (rejects: {allow: …} says how many are fine)", n, m.Counts[pipeline.CountIn], cfg.Sink.Path)}
	}
	return nil
}
