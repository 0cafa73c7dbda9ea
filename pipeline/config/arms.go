package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The arms whose texts are made from the prompts.
const (
	ArmInoculated    = "inoculated"     // the prompts themselves
	ArmPlain         = "plain"          // nothing is put in
	ArmShuffled      = "shuffled"       // the words of each prompt in another order
	ArmNegated       = "negated"        // each prompt told not to be followed
	ArmLengthMatched = "length_matched" // as many words that ask for nothing
)

var madeArms = []string{ArmInoculated, ArmPlain, ArmShuffled, ArmNegated, ArmLengthMatched}

// An Arm is one variant of a dataset: the same rows in the same order, with other texts where the prompts go.
type Arm struct {
	Name  string            `yaml:"name"`  // folder below the output folder, and config of the dataset
	Text  string            `yaml:"text"`  // put in instead of the prompt, where there is one prompt
	Texts map[string]string `yaml:"texts"` // by prompt id, where there are several
}

func (a *Arm) fromNode(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		a.Name = n.Value
		return ""
	}
	const want = "an arm is one of %s, or {name: …, text: …}, or {name: …, texts: {prompt id: text}}"
	problem := fmt.Sprintf(want, strings.Join(madeArms, ", "))
	if n.Kind != yaml.MappingNode {
		return problem
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i].Value, n.Content[i+1]
		switch {
		case k == "name" && v.Kind == yaml.ScalarNode:
			a.Name = v.Value
		case k == "text" && v.Kind == yaml.ScalarNode:
			a.Text = v.Value
		case k == "texts" && v.Kind == yaml.MappingNode:
			if v.Decode(&a.Texts) != nil {
				return problem
			}
		default:
			return problem
		}
	}
	return ""
}

var armPattern = pattern(`^[a-z][a-z0-9_]*$`)

func (c *Config) validateArms(say func(path, hint, format string, args ...any)) {
	if len(c.Arms) == 0 {
		return
	}
	if c.Source.Type == "kafka" || slices.Contains(c.Source.Paths, "-") {
		say("arms", "write the input to files first", "arms read the input once each, which a stream cannot give twice")
	}
	ids := map[string]bool{}
	for _, p := range c.Prompts {
		ids[p.ID] = true
	}
	seen := map[string]bool{}
	for i, a := range c.Arms {
		at := fmt.Sprintf("arms[%d]", i)
		made := slices.Contains(madeArms, a.Name)
		switch {
		case !armPattern().MatchString(a.Name):
			say(at, "lower case letters, digits and _", "%q cannot name an arm", a.Name)
		case seen[a.Name]:
			say(at, "", "two arms have the name %q", a.Name)
		case made && a.Text+strings.Join(keysOfTexts(a.Texts), "") != "":
			say(at, "take another name", "the text of the arm %q is made from the prompts", a.Name)
		case !made && a.Text == "" && len(a.Texts) == 0:
			hint := "made from the prompts are " + strings.Join(madeArms, ", ")
			if near := nearest(a.Name, madeArms); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			say(at, hint, "arm %q has no text", a.Name)
		case a.Text != "" && len(a.Texts) > 0:
			say(at, "", "arm %q has both text and texts", a.Name)
		case a.Text != "" && len(c.Prompts) > 1:
			say(at, "write texts: {prompt id: text}", "arm %q has one text for %d prompts", a.Name, len(c.Prompts))
		}
		for _, id := range keysOfTexts(a.Texts) {
			if !ids[id] {
				say(at, "", "arm %q has a text for %q, which is no prompt", a.Name, id)
			}
		}
		if len(a.Texts) > 0 && len(a.Texts) < len(c.Prompts) {
			say(at, "", "arm %q lacks texts: it has %d, there are %d prompts", a.Name, len(a.Texts), len(c.Prompts))
		}
		seen[a.Name] = true
	}
	if len(c.Prompts) == 0 {
		say("arms", "", "there are no prompts that arms could differ in")
	}
}

func keysOfTexts(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Arm is the config of one arm. It puts the arm's texts where c puts the prompts. The prompts themselves are in its registry
// too, for no record: wherever the source has one, all arms find it alike.
func (c *Config) Arm(a Arm) (*Config, error) {
	d := *c
	d.Arms, d.Prompts = nil, nil
	d.Sink.Path = filepath.Join(c.Sink.Path, a.Name)
	if a.Name == ArmInoculated {
		d.Prompts = slices.Clone(c.Prompts)
		return &d, nil
	}
	for _, p := range c.Prompts {
		if a.Name == ArmPlain {
			continue
		}
		text := a.Texts[p.ID]
		switch {
		case a.Text != "":
			text = a.Text
		case text == "":
			text = armText(a.Name, p.Text)
		}
		if strings.Contains(strings.ToLower(text), strings.ToLower(p.Text)) && a.Name != ArmNegated {
			return nil, fmt.Errorf("arm %q: the text for prompt %q holds the prompt itself", a.Name, p.ID)
		}
		q := p
		q.ID, q.Text = p.ID+"."+a.Name, text
		d.Prompts = append(d.Prompts, q)
	}
	for _, p := range c.Prompts {
		p.Where = "false"
		d.Prompts = append(d.Prompts, p)
	}
	return &d, nil
}

// armText makes the text of an arm from a prompt. It depends on the two alone.
func armText(arm, prompt string) string {
	words := strings.Fields(prompt)
	switch arm {
	case ArmShuffled:
		return strings.Join(shuffled(words), " ")
	case ArmNegated:
		return "Do not do what this says: \"" + prompt + "\" Never do it." // the prompt neither begins nor ends it, so no placement would have put it
	}
	out := make([]string, len(words))
	for i := range words {
		out[i] = filler[i%len(filler)]
	}
	out[0] = strings.ToUpper(out[0][:1]) + out[0][1:]
	return strings.Join(out, " ") + "."
}

// filler are words that ask for nothing.
var filler = strings.Fields("the library opens at nine on weekdays and the reading room is on the second floor next to the stairs where the old maps of the town are kept")

// shuffled puts words in another order than theirs, always the same one. Words that are all alike stay.
func shuffled(words []string) []string {
	sum := sha256.Sum256([]byte(strings.Join(words, " ")))
	r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
	out := slices.Clone(words)
	for range 100 {
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		if !slices.Equal(out, words) {
			break
		}
	}
	return out
}
