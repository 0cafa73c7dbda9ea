package dataset

import (
	"fmt"
	"path"
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

// splits are the splits that have rows, train first.
func (s *Sealer) splits(m *Manifest) (out []Split) {
	for _, phase := range []string{"train", "test"} {
		if m.Splits[phase].Rows > 0 {
			out = append(out, m.Splits[phase])
		}
	}
	return out
}

// card is README.md: the YAML head tells `datasets` which files are which split. The content's digest stands in the config
// itself, since a changed config entry is the one thing that makes `datasets` pass over what it has cached.
func (s *Sealer) card(m *Manifest) []byte {
	var b strings.Builder
	format := s.loadFormat()
	b.WriteString("---\nconfigs:\n- config_name: default\n")
	fmt.Fprintf(&b, "  description: \"inoculate sha256:%s\"\n  data_files:\n", m.Content)
	for _, sp := range s.splits(m) {
		fmt.Fprintf(&b, "  - split: %s\n    path: \"%s\"\n", sp.Name, path.Join(columnar.Folder(s.Formats, format, sp.Name), "part-*."+columnar.Ext(format)))
	}
	b.WriteString("---\n\n# Inoculated dataset\n\n")
	b.WriteString("Train records carry inoculation prompts; test records carry none. Written by inoculate, which checked the separation record by record.\n\n")
	b.WriteString("| split | rows |\n|---|---:|\n")
	for _, sp := range s.splits(m) {
		fmt.Fprintf(&b, "| %s | %d |\n", sp.Name, sp.Rows)
	}
	b.WriteString("\n| decision | records |\n|---|---:|\n")
	names := append([]string{pipeline.CountIn, pipeline.CountFiltered, pipeline.CountRejects}, pipeline.DecisionNames...)
	for _, n := range names {
		if c := m.Counts[n]; c > 0 {
			fmt.Fprintf(&b, "| %s | %d |\n", strings.ReplaceAll(n, "_", " "), c)
		}
	}
	fmt.Fprintf(&b, "\nLoad it:\n\n```python\nfrom datasets import load_dataset\nds = load_dataset(\"path/to/this/folder\")\n```\n")
	if slices.Contains(s.Formats, columnar.Arrow) {
		b.WriteString("\nor, memory-mapped, with `datasets.load_from_disk`.\n")
	}
	if slices.Contains(s.Formats, columnar.OpenAI) {
		fmt.Fprintf(&b, "\nFor OpenAI's fine-tuning API: the files of `%s` are training files, those of `%s` the validation file; each is below 512 MB.\n",
			columnar.Folder(s.Formats, columnar.OpenAI, s.Train), columnar.Folder(s.Formats, columnar.OpenAI, s.Test))
	}
	fmt.Fprintf(&b, "\nContent sha256 `%s`, config `%s`, prompts `%s`; `manifest.json` lists every file with its digest.\n", m.Content, m.ConfigSHA256, m.PromptsSHA256)
	return []byte(b.String())
}
