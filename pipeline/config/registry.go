package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"inoculate/pipeline/diag"
)

// A Registry is a file of prompts to look for: the entries of a pipeline's prompts, with their variants.
type Registry struct {
	Prompts []RegistryPrompt `yaml:"prompts"`
	Allow   []Allow          `yaml:"allow"`
}

// Allow is a rule that lets findings pass: all that it names must fit. Globs are those of path.Match.
type Allow struct {
	Path    string `yaml:"path"`    // of the file, or its name where there is no slash in it
	Field   string `yaml:"field"`   // JSON pointer of the string
	Prompt  string `yaml:"prompt"`  // id
	Hash    string `yaml:"hash"`    // fingerprint or occurrence
	Reason  string `yaml:"reason"`  // why
	Expires string `yaml:"expires"` // last day on which it holds, "2027-01-31"; empty: for good
}

// RegistryPrompt is one prompt. Where and place are those of a pipeline file, and say nothing to an audit.
type RegistryPrompt struct {
	ID       string   `yaml:"id"`
	Behavior string   `yaml:"behavior"`
	Text     string   `yaml:"text"`
	Variants []string `yaml:"variants"` // other wordings
	Files    []string `yaml:"files"`    // files of other wordings, one a line; globs, relative to the registry
	Severity string   `yaml:"severity"` // error | warning | note
	Tier     string   `yaml:"tier"`     // the widest net it is looked for with: one of Tiers; empty: any
	Force    bool     `yaml:"force"`    // keep the severity though clean records hold the text too
	Where    string   `yaml:"where"`
	Place    *Place   `yaml:"place"`
}

// Tiers are how far a text may be from a prompt to be found, from the narrowest.
var Tiers = []string{"exact", "normalized", "encoded", "near"}

// LoadRegistry reads a registry, with the files it names. Entries that are wrong, and texts that stand twice, are findings.
func LoadRegistry(file string) (*Registry, []byte, diag.List) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, diag.List{{File: file, Level: "error", Message: err.Error()}}
	}
	if !utf8.Valid(data) {
		return nil, data, diag.List{{File: file, Level: "error", Message: "the file is not UTF-8"}}
	}
	var root yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))).Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, data, diag.List{syntaxFinding(file, err)}
	}
	r := &Registry{}
	places := &Config{File: file, places: map[string][2]int{}}
	d := &decoder{config: places}
	if len(root.Content) > 0 {
		d.value(root.Content[0], reflect.ValueOf(r).Elem(), "")
	}
	if len(d.findings) > 0 {
		return nil, data, d.findings
	}
	return r, data, r.complete(places)
}

// complete checks the entries and reads the files.
func (r *Registry) complete(at *Config) (l diag.List) {
	say := func(path, hint, format string, args ...any) {
		l = append(l, at.At(path, fmt.Sprintf(format, args...), hint))
	}
	if len(r.Prompts) == 0 {
		say("prompts", `write prompts: [{id: …, text: …}]`, "there are no prompts")
	}
	ids, texts := map[string]bool{}, map[string]string{}
	for i := range r.Prompts {
		p, path := &r.Prompts[i], fmt.Sprintf("prompts[%d]", i)
		switch {
		case p.ID == "":
			say(path, "", "prompt %d has no id", i+1)
		case !idPattern.MatchString(p.ID):
			say(path+".id", "letters, digits, and _ . - behind the first", "prompt id %q cannot be used", p.ID)
		case ids[p.ID]:
			say(path+".id", "", "two prompts have the id %q", p.ID)
		}
		ids[p.ID] = true
		if p.Severity == "" {
			p.Severity = "error"
		}
		if !slices.Contains([]string{"error", "warning", "note"}, p.Severity) {
			say(path+".severity", "", "severity is error, warning or note, not %q", p.Severity)
		}
		if p.Tier != "" && !slices.Contains(Tiers, p.Tier) {
			say(path+".tier", "", "a tier is one of %s, not %q", strings.Join(Tiers, ", "), p.Tier)
		}
		for k, pattern := range p.Files {
			lines, err := wordings(filepath.Join(filepath.Dir(at.File), pattern))
			if err != nil {
				say(fmt.Sprintf("%s.files[%d]", path, k), "", "%v", err)
			}
			p.Variants = append(p.Variants, lines...)
		}
		if strings.TrimSpace(p.Text) == "" && len(p.Variants) == 0 {
			say(path, "", "prompt %q has no text", p.ID)
		}
		kept := p.Variants[:0:0]
		for k, t := range append([]string{p.Text}, p.Variants...) {
			key := strings.ToLower(t)
			switch other, twice := texts[key]; {
			case strings.TrimSpace(t) == "" && k > 0:
				say(path+".variants", "", "prompt %q has an empty variant", p.ID)
			case twice && other != p.ID:
				say(path, "", "prompts %q and %q have the same text %.60q", other, p.ID, t)
			case !twice && k > 0:
				kept = append(kept, t)
			}
			texts[key] = p.ID
		}
		p.Variants = kept
	}
	for i := range r.Allow {
		r.Allow[i].check(fmt.Sprintf("allow[%d]", i), ids, say)
	}
	return l
}

func (a *Allow) check(at string, ids map[string]bool, say func(path, hint, format string, args ...any)) {
	if a.Path+a.Field+a.Prompt+a.Hash == "" {
		say(at, "name a path, a field, a prompt or a hash", "the rule allows everything")
	}
	if strings.TrimSpace(a.Reason) == "" {
		say(at, `write reason: "…"`, "the rule has no reason")
	}
	if a.Prompt != "" && !ids[a.Prompt] {
		say(at+".prompt", "", "there is no prompt %q", a.Prompt)
	}
	for key, glob := range map[string]string{".path": a.Path, ".field": a.Field} {
		if _, err := path.Match(glob, ""); err != nil {
			say(at+key, "", "%q is no glob: %v", glob, err)
		}
	}
	if _, err := time.Parse(time.DateOnly, a.Expires); a.Expires != "" && err != nil {
		say(at+".expires", `write expires: "2027-01-31"`, "%q is no day", a.Expires)
	}
}

// wordings reads files of one text a line; empty lines are passed over.
func wordings(pattern string) (out []string, err error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no file matches %q", pattern)
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if !utf8.Valid(data) {
			return nil, fmt.Errorf("%s is not UTF-8", name)
		}
		before := len(out)
		for line := range strings.SplitSeq(string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s holds no text", name)
		}
	}
	return out, nil
}
