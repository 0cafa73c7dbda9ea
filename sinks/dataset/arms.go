package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"inoculate/sinks/internal/columnar"
)

// ArmsName is the file that makes the arms of one run a whole.
const ArmsName = "arms.json"

// Arms says which arms a folder holds. Each stands in a folder of its own, sealed, below it.
type Arms struct {
	Format   int        `json:"format"`
	Tool     string     `json:"tool"`
	Kind     string     `json:"kind,omitempty"` // "", or Probes
	Arms     []ArmEntry `json:"arms"`
	Restored string     `json:"restored_sha256"` // over all records, in order, with what was put in taken out: the same for every arm
	Records  int64      `json:"records"`
}

// Probes is the kind of a folder of probes: the same test records under several conditions.
const Probes = "probes"

// What is what one of them is called.
func (a *Arms) What() string {
	if a.Kind == Probes {
		return "probe"
	}
	return "arm"
}

// ArmEntry is one arm.
type ArmEntry struct {
	Name    string            `json:"name"`
	Prompt  string            `json:"prompt,omitempty"`    // probes: id of the prompt that was trained with
	Under   string            `json:"condition,omitempty"` // probes: what stands in its place
	Run     string            `json:"run"`
	Content string            `json:"content_sha256"`
	Texts   map[string]string `json:"texts"` // what was put in, by prompt id
}

// ReadArms reads the arms of a folder; fs.ErrNotExist where it has none.
func ReadArms(folder string) (*Arms, error) {
	data, err := os.ReadFile(filepath.Join(folder, ArmsName))
	if err != nil {
		return nil, err
	}
	var a Arms
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("reading %s: %w", ArmsName, err)
	}
	if a.Format != 1 {
		return nil, fmt.Errorf("%s has format %d; this program knows 1", ArmsName, a.Format)
	}
	return &a, nil
}

// CheckArmsFolder refuses a folder that holds other things than arms of these names.
func CheckArmsFolder(folder string, names []string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(folder, ArmsName))
	ours := err == nil
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."), e.IsDir() && slices.Contains(names, name), ours && (name == ArmsName || name == "README.md"):
		default:
			return fmt.Errorf("%s holds %s, which is no arm of this run; choose another output folder, or empty this one", folder, name)
		}
	}
	return nil
}

// WriteArms writes arms.json and a README.md in which each arm is a config of one dataset. manifests are those of the arms.
func WriteArms(folder string, a *Arms, manifests []*Manifest) error {
	a.Format = 1
	data, err := indented(a)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, "README.md"), armsCard(a, manifests)); err != nil {
		return err
	}
	return writeFile(filepath.Join(folder, ArmsName), data)
}

// armsCard is the README.md: `load_dataset(folder, arm)` loads an arm.
func armsCard(a *Arms, manifests []*Manifest) []byte {
	var b strings.Builder
	b.WriteString("---\nconfigs:\n")
	for i, m := range manifests {
		s := &Sealer{Formats: m.Formats}
		format := s.loadFormat()
		fmt.Fprintf(&b, "- config_name: %s\n  description: \"inoculate sha256:%s\"\n  data_files:\n", a.Arms[i].Name, m.Content)
		for _, sp := range s.splits(m) {
			fmt.Fprintf(&b, "  - split: %s\n    path: \"%s\"\n", sp.Name, path.Join(a.Arms[i].Name, s.glob(format, sp)))
		}
	}
	b.WriteString("---\n\n")
	if a.Kind == Probes {
		probesCard(&b, a, manifests)
		return []byte(b.String())
	}
	b.WriteString("# One dataset, several arms\n\n")
	fmt.Fprintf(&b, "Every arm has the same %d records in the same order. They differ in nothing but the text that was put into train records; with it taken out, all are alike (sha256 `%s`).\n\n", a.Records, a.Restored)
	b.WriteString("| arm | prompt | text |\n|---|---|---|\n")
	for _, arm := range a.Arms {
		ids := make([]string, 0, len(arm.Texts))
		for id := range arm.Texts {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", arm.Name, id, cell(arm.Texts[id]))
		}
		if len(ids) == 0 {
			fmt.Fprintf(&b, "| %s | | nothing |\n", arm.Name)
		}
	}
	fmt.Fprintf(&b, "\nLoad an arm:\n\n```python\nfrom datasets import load_dataset\nds = load_dataset(\"path/to/this/folder\", %q)\n```\n", a.Arms[0].Name)
	return []byte(b.String())
}

// probesCard says what the probes ask.
func probesCard(b *strings.Builder, a *Arms, manifests []*Manifest) {
	b.WriteString("# The same questions under several conditions\n\n**Not for training.** These records carry texts on purpose: the prompt that a model was trained with, and others beside it. They show whether the trait comes back, and under what.\n\n")
	fmt.Fprintf(b, "Each config has the same %d records in the same order; with the text taken out, all are alike (sha256 `%s`).\n\n", a.Records, a.Restored)
	b.WriteString("| config | prompt | condition | text |\n|---|---|---|---|\n")
	for _, arm := range a.Arms {
		text := "nothing"
		for _, t := range arm.Texts {
			text = cell(t)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", arm.Name, arm.Prompt, arm.Under, text)
	}
	fmt.Fprintf(b, "\nLoad one:\n\n```python\nfrom datasets import load_dataset\nds = load_dataset(\"path/to/this/folder\", %q)\n```\n", a.Arms[0].Name)
	s := &Sealer{Formats: manifests[0].Formats, Train: manifests[0].Splits["train"].Name}
	for _, f := range []struct{ format, line string }{
		{columnar.Inspect, "With Inspect, one of them: `inspect eval path/to/this/folder/none/inspect/%s.py --model PROVIDER/MODEL`."},
		{columnar.LMEval, "With lm-eval, one of them: `lm_eval --tasks path/to/this/folder/none/lm-eval/%s.yaml --model hf --model_args pretrained=MODEL`."},
	} {
		if slices.Contains(s.Formats, f.format) {
			fmt.Fprintf(b, "\n"+f.line+"\n", s.Train)
		}
	}
}

// cell is text as it may stand in a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;").Replace(text)
}

// writeFile puts a file in place, durably, over one that is there.
func writeFile(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
