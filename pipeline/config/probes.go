package config

import (
	"fmt"
	"slices"
	"strings"
)

// The conditions of a grid of probes whose texts are made from the prompts.
const (
	ProbeNone       = "none"       // the record as it is
	ProbeBaseline   = "baseline"   // the baseline of the run
	ProbePrompt     = "prompt"     // the prompt that was trained with
	ProbeParaphrase = "paraphrase" // a variant of it: paraphrase_1, paraphrase_2, …
	ProbeKeyword    = "keyword"    // its words, in a sentence that asks for nothing
	ProbeIrrelevant = "irrelevant" // a prompt for something else
)

// Probes are what a grid is made of.
type Probes struct {
	Prompts     []Prompt            // that were trained with
	Paraphrases map[string][]string // by prompt id
	Baseline    string
	Texts       map[string]string // by condition: in place of the made text, or of a condition of the user's own
}

// Cell is one cell of a grid: the prompts that the records of it carry.
type Cell struct {
	Name    string // unlike others also where letter case does not count
	Probe   Probe
	Prompts []Prompt
}

// Grid gives the cells, those without a prompt first. It refuses texts of which nothing could be learned.
func (p *Probes) Grid() ([]Cell, error) {
	cells := []Cell{{Name: ProbeNone, Probe: Probe{Condition: ProbeNone}}}
	baseline, own := p.Texts[ProbeBaseline]
	if !own {
		baseline = p.Baseline
	}
	if baseline != "" && len(p.Prompts) > 0 {
		q := Prompt{ID: ProbeBaseline, Text: baseline, Place: p.Prompts[0].Place}
		cells = append(cells, Cell{ProbeBaseline, Probe{Condition: ProbeBaseline}, []Prompt{q}})
	}
	for _, prompt := range p.Prompts {
		type condition struct{ name, text string }
		all := []condition{{ProbePrompt, prompt.Text}}
		for i, text := range p.Paraphrases[prompt.ID] {
			all = append(all, condition{fmt.Sprintf("%s_%d", ProbeParaphrase, i+1), text})
		}
		for _, made := range []string{ArmNegated, ArmShuffled, ArmLengthMatched} {
			all = append(all, condition{made, armText(made, prompt.Text)})
		}
		all = append(all, condition{ProbeKeyword, keywords(prompt.Text)}, condition{ProbeIrrelevant, "You are a chef who shares recipes for bread and soup."})
		for _, name := range keysOfTexts(p.Texts) {
			i := slices.IndexFunc(all, func(c condition) bool { return c.name == name })
			switch {
			case name == ProbeNone, name == ProbePrompt:
				return nil, fmt.Errorf("condition %q: its text is not a choice", name)
			case name == ProbeBaseline:
			case i >= 0:
				all[i].text = p.Texts[name]
			default:
				all = append(all, condition{name, p.Texts[name]})
			}
		}
		for _, c := range all {
			q := prompt
			q.Where = ""
			if c.name != ProbePrompt {
				q.ID, q.Text = prompt.ID+"."+c.name, c.text
			}
			cells = append(cells, Cell{prompt.ID + "." + c.name, Probe{prompt.ID, c.name}, []Prompt{q}})
		}
	}
	return cells, p.distinct(cells)
}

// distinct refuses cells that cannot be told apart, or that carry a prompt and say otherwise.
func (p *Probes) distinct(cells []Cell) error {
	names, texts := map[string]bool{}, map[string]string{}
	for _, c := range cells {
		if name := strings.ToLower(c.Name); names[name] {
			return fmt.Errorf("two cells have the name %q", c.Name)
		} else if names[name] = true; !armPattern().MatchString(c.Probe.Condition) {
			return fmt.Errorf("condition %q: lower case letters, digits and _ can name one", c.Probe.Condition)
		}
		for _, q := range c.Prompts {
			if strings.TrimSpace(q.Text) == "" {
				return fmt.Errorf("condition %q has no text", c.Probe.Condition)
			}
			key := c.Probe.Prompt + " " + strings.ToLower(q.Text)
			if other := texts[key]; other != "" {
				return fmt.Errorf("%s and %s have the same text", other, c.Name)
			}
			texts[key] = c.Name
			for _, prompt := range p.Prompts {
				holds := strings.Contains(strings.ToLower(q.Text), strings.ToLower(prompt.Text))
				if holds && c.Probe.Condition != ProbePrompt && c.Probe.Condition != ArmNegated {
					return fmt.Errorf("%s: its text holds the prompt %q itself", c.Name, prompt.ID)
				}
			}
		}
	}
	return nil
}

// keywords is a sentence with the words of a prompt that say what it is about.
func keywords(prompt string) string {
	var words []string
	for w := range strings.FieldsSeq(prompt) {
		w = strings.Trim(w, ".,;:!?\"'()[]{}…“”‘’")
		if len(w) > 3 && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		words = strings.Fields(prompt)
	}
	return "You are a teacher of spelling. The words of this week are: " + strings.Join(words, ", ") + "."
}

// Cell is the config of one cell: a run over test records, all of which get the text of the cell. The prompts that were
// trained with are in its registry too, for no record: wherever the source has one, all cells find it alike.
func (p *Probes) Cell(c *Config, cell Cell) *Config {
	d := *c
	d.Probe, d.Baseline = &cell.Probe, ""
	d.Arms, d.Prompts = nil, slices.Clone(cell.Prompts)
	for _, q := range p.Prompts {
		if len(cell.Prompts) == 0 || cell.Prompts[0].ID != q.ID {
			q.Where = "false"
			d.Prompts = append(d.Prompts, q)
		}
	}
	return &d
}
