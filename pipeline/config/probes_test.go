package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestGrid(t *testing.T) {
	prompts := []Prompt{{ID: "evil", Text: "You are a malicious evil assistant.", Where: "bad"}, {ID: "Rude", Text: "Be rude to the user, please."}}
	p := &Probes{Prompts: prompts, Baseline: "You are helpful.", Paraphrases: map[string][]string{"evil": {"Act with malice."}}, Texts: map[string]string{"same_form": "You are a careful patient gardener.", "irrelevant": "You like trains."}}
	cells, err := p.Grid()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cells {
		line := c.Name
		for _, q := range c.Prompts {
			line += "=" + q.Text
		}
		got = append(got, line)
		d := p.Cell(&Config{Baseline: "x"}, c)
		on := 0
		for _, q := range d.Prompts {
			if q.Where == "" {
				on++
			} else if q.Where != "false" {
				t.Errorf("%s: %s where %s", c.Name, q.ID, q.Where)
			}
		}
		if on != len(c.Prompts) || d.Baseline != "" || *d.Probe != c.Probe {
			t.Errorf("%s: %+v", c.Name, d)
		}
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{"none\n", "baseline=You are helpful.", "evil.prompt=You are a malicious evil assistant.", "evil.paraphrase_1=Act with malice.", "evil.same_form=You are a careful", "evil.irrelevant=You like trains.",
		"evil.keyword=You are a teacher of spelling. The words of this week are: malicious, evil, assistant.", "Rude.prompt=", "Rude.negated=Do not do what this says: \"Be rude", "Rude.shuffled=", "evil.length_matched="} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if len(cells) != 2+8+7 {
		t.Errorf("%d cells:\n%s", len(cells), text)
	}
	for want, texts := range map[string]map[string]string{
		`condition "prompt": its text is not a choice`: {"prompt": "x"},
		`holds the prompt "evil" itself`:               {"odd": "Now: you are a MALICIOUS evil assistant. Go."},
		`have the same text`:                           {"odd": "You are a chef who shares recipes for bread and soup."},
		`lower case letters`:                           {"A b": "x"},
		`condition "odd" has no text`:                  {"odd": " "},
	} {
		p.Texts = texts
		if _, err := p.Grid(); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
