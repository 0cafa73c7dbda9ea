package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"inoculate/pipeline/diag"
)

// Load reads, decodes and validates a pipeline file. The text is returned too, for showing findings in it.
func Load(file string) (*Config, []byte, diag.List) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, diag.List{{File: file, Level: "error", Message: err.Error()}}
	}
	if !utf8.Valid(data) {
		return nil, data, diag.List{{File: file, Level: "error", Message: "the file is not UTF-8"}}
	}
	c, l := Parse(file, data)
	if len(l) > 0 {
		return nil, data, l
	}
	if c.Source.Type == "kafka" {
		c.completeKafka()
	}
	c.completeKafkaSink()
	return c, data, c.Validate()
}

// Variant is a text that must not be in test records, and where it comes from.
type Variant struct{ ID, Text string }

// LoadVariants reads the variant files: one text a line, .jsonl ones as JSON; empty lines are passed over. A text that stands in
// them twice is an error. What is the text of a prompt, or another variant, letter case aside, is left out: the list of findings has a
// warning then.
func (c *Config) LoadVariants() (out []Variant, l diag.List) {
	exact, seen := map[string]text{}, map[string]text{}
	for i, p := range c.Prompts {
		seen[strings.ToLower(p.Text)] = text{path: fmt.Sprintf("prompts[%d].text", i), wording: wording{text: p.Text}}
	}
	var read wordings
	repeats := 0
	left := newAlike("letter case at most: it is looked for once")
	for i, pattern := range c.Check.Variants {
		lines, bad, err := read.glob(pattern)
		if err != nil {
			l = append(l, c.At(fmt.Sprintf("check.variants[%d]", i), err.Error(), ""))
		}
		l = append(l, bad...)
		for _, w := range lines {
			t := text{wording: w}
			if same, again := exact[w.text]; again {
				if repeats++; repeats <= maxFindings {
					l = append(l, t.finding(c, "error", t.remedy(same), "the variants have this text twice: %s has it too", same.where(c)))
				}
				continue
			}
			exact[w.text] = t
			key := strings.ToLower(w.text)
			if other, is := seen[key]; is {
				left.add(t, other)
				continue
			}
			seen[key] = t
			out = append(out, Variant{ID: fmt.Sprintf("%s:%d", filepath.Base(w.file), w.line), Text: w.text})
		}
	}
	return out, append(l, left.warnings(c)...)
}

// Canonical is the config as it decides the output, in one fixed form: where it is read from and goes to, who does which
// share of the work, and how many rejects are fine, are not part of it.
func (c *Config) Canonical() ([]byte, error) {
	d := *c
	d.Source.Paths, d.Sink.Path, d.Prompts, d.Check.Variants = nil, "", nil, nil
	d.Rejects = Rejects{Topic: c.Rejects.Topic, Context: c.Rejects.Context}
	k := &d.Source.Kafka
	k.Brokers, k.Assign, k.Wait, k.TLS, k.SASL = nil, Assign{}, 0, nil, nil
	d.Sink.Every, d.Sink.SealEvery, d.Sink.Compact = 0, 0, 0
	if d.Sink.Kafka != nil {
		sink := *d.Sink.Kafka
		sink.Brokers, sink.Timeout, sink.TLS, sink.SASL = nil, 0, nil, nil
		d.Sink.Kafka = &sink
	}
	d.File, d.places = "", nil
	return json.Marshal(d)
}

// CanonicalPrompts is the registry in one fixed form.
func (c *Config) CanonicalPrompts(variants []Variant) ([]byte, error) {
	type entry struct {
		ID, Behavior, Text, Where string
		Place                     any
	}
	list := []entry{}
	for _, p := range c.Prompts {
		list = append(list, entry{p.ID, p.Behavior, p.Text, p.Where, p.Placement()})
	}
	return json.Marshal(struct {
		Prompts  []entry
		Variants []Variant
	}{list, variants})
}

// Hash is the sha256 of canonical text, in hex.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// YAML writes the config as a pipeline file that Parse reads back.
func (c *Config) YAML() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(c.tree()); err != nil {
		return nil, fmt.Errorf("writing config: %w", err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("writing config: %w", err)
	}
	return b.Bytes(), nil
}
