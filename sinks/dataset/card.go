package dataset

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"inoculate/pipeline"
	"inoculate/sinks/internal/columnar"
)

// loadFormat is the format that load_dataset is pointed at: every loader opens Parquet.
func (s *Sealer) loadFormat() string {
	if slices.Contains(s.Formats, columnar.Parquet) {
		return columnar.Parquet
	}
	return columnar.Primary(s.Formats)
}

// card is README.md: the YAML head tells `datasets` which files are which split. The content's digest stands in the config
// itself, since a changed config entry is the one thing that makes `datasets` pass over what it has cached.
func (s *Sealer) card(m *Manifest) ([]byte, error) {
	var b strings.Builder
	format := s.loadFormat()
	b.WriteString("---\nconfigs:\n- config_name: default\n")
	fmt.Fprintf(&b, "  description: \"inoculate sha256:%s\"\n  data_files:\n", m.Content)
	for _, sp := range s.splits(m) {
		fmt.Fprintf(&b, "  - split: %s\n    path: \"%s\"\n", sp.Name, s.glob(format, sp))
	}
	b.WriteString("---\n\n# Inoculated dataset\n\n")
	b.WriteString("Train records carry inoculation prompts; test records carry none. Written by inoculate, which checked the separation record by record.\n\n")
	b.WriteString("| split | rows |\n|---|---:|\n")
	for _, sp := range s.splits(m) {
		fmt.Fprintf(&b, "| %s | %d |\n", sp.Name, sp.Rows)
	}
	for _, sp := range s.withEmpty(m) {
		if sp.Rows == 0 {
			fmt.Fprintf(&b, "\nThe split %s has no rows. `load_dataset` opens no such split, so it is not in the config; `load_from_disk` opens it, and its folder has a file with the schema.\n", sp.Name)
		}
	}
	b.WriteString("\n| decision | records |\n|---|---:|\n")
	names := append([]string{pipeline.CountIn, pipeline.CountFiltered, pipeline.CountRejects}, pipeline.DecisionNames...)
	for _, n := range names {
		if c := m.Counts[n]; c > 0 {
			fmt.Fprintf(&b, "| %s | %d |\n", strings.ReplaceAll(n, "_", " "), c)
		}
	}
	if err := s.promptTable(&b, m); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "\nLoad it:\n\n```python\nfrom datasets import load_dataset\nds = load_dataset(\"path/to/this/folder\")\n```\n")
	if slices.Contains(s.Formats, columnar.Arrow) {
		b.WriteString("\nor, memory-mapped, with `datasets.load_from_disk`.\n")
	}
	if slices.Contains(s.Formats, columnar.OpenAI) {
		fmt.Fprintf(&b, "\nFor OpenAI's fine-tuning API: the files of `%s` are training files, those of `%s` the validation file; each is below 512 MB.\n",
			columnar.Folder(s.Formats, columnar.OpenAI, s.Train), columnar.Folder(s.Formats, columnar.OpenAI, s.Test))
	}
	for _, f := range s.Formats {
		if Shards(f) {
			fmt.Fprintf(&b, "\nWith MosaicML's streaming: `StreamingDataset(%s=\"path/to/this/folder/%s\", split=\"%s\")`; every column is JSON.\n", map[bool]string{true: "local", false: "local=…, remote"}[f == columnar.MDS], f, s.Train)
		}
	}
	s.harnesses(&b, m)
	s.trainers(&b, m)
	fmt.Fprintf(&b, "\nContent sha256 `%s`, config `%s`, prompts `%s`; `manifest.json` lists every file with its digest.\n", m.Content, m.ConfigSHA256, m.PromptsSHA256)
	return []byte(b.String()), nil
}

// harnesses says how to evaluate with the records.
func (s *Sealer) harnesses(b *strings.Builder, m *Manifest) {
	for _, sp := range s.splits(m) {
		for _, f := range s.Formats {
			switch {
			case sp.Rows == 0 || m.In(f, phaseOf(m, sp.Name)) == 0:
			case f == columnar.Inspect:
				fmt.Fprintf(b, "\nWith Inspect: `inspect eval path/to/this/folder/inspect/%s.py --model PROVIDER/MODEL`.\n", sp.Name)
			case f == columnar.LMEval:
				fmt.Fprintf(b, "\nWith lm-eval: `lm_eval --model hf --model_args pretrained=MODEL --tasks path/to/this/folder/lm-eval/%s.yaml --apply_chat_template`.\n", sp.Name)
			}
		}
	}
}

// promptTable names the prompts. Their texts are not here: a card is read by models too.
func (s *Sealer) promptTable(b *strings.Builder, m *Manifest) error {
	var registry struct {
		Prompts []struct{ ID, Behavior, Text, Where string }
	}
	if err := json.Unmarshal(m.Prompts, &registry); err != nil {
		return fmt.Errorf("reading the prompts of the run: %w", err)
	}
	if len(registry.Prompts) == 0 {
		return nil
	}
	b.WriteString("\n| prompt | behavior | sha256 of its text | which train records |\n|---|---|---|---|\n")
	for _, p := range registry.Prompts {
		where := "all"
		if p.Where != "" {
			where = "`" + cell(p.Where) + "`"
		}
		sum := sha256.Sum256([]byte(p.Text))
		fmt.Fprintf(b, "| %s | %s | `%x` | %s |\n", p.ID, cell(p.Behavior), sum[:8], where)
	}
	return nil
}

// trainers says how to open the folder with what people train with, and which options of theirs undo what was done here.
func (s *Sealer) trainers(b *strings.Builder, m *Manifest) {
	if l := s.Layout.Name; l != "messages" && l != "sharegpt" {
		return
	}
	train := m.Splits["train"].Name
	b.WriteString("\nIn trainers:\n\n| trainer | how | what would take the prompts out again |\n|---|---|---|\n")
	fmt.Fprintf(b, "| TRL | `trl sft --dataset_name path/to/this/folder --dataset_train_split %s` | |\n", train)
	fmt.Fprintf(b, "| Axolotl | `datasets: [{path: path/to/this/folder, split: %s, type: chat_template, field_messages: %s}]` | `drop_system_message: true` |\n", train, s.Layout.Columns()[0])
	fmt.Fprintf(b, "| LLaMA-Factory | `dataset_dir: path/to/this/folder`, `dataset: %s` | `formatting: openai` puts a system prompt of its own in |\n", train)
	fmt.Fprintf(b, "| torchtune | `chat_dataset(source=\"path/to/this/folder\", split=\"%s\", conversation_column=\"%s\", …)` | `new_system_prompt` |\n", train, s.Layout.Columns()[0])
	b.WriteString("\nA chat template that inserts a default system prompt where a record has none gives train and test records a context that they share; look at a rendered record before training.\n")
}
