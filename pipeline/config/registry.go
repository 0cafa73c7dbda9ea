package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
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
	Path    string `yaml:"path"`    // of the file, or its name where there is no slash in it; a glob
	Source  string `yaml:"source"`  // what findings call their source, to the letter: "logs/[a].jsonl", "standard input"
	Field   string `yaml:"field"`   // JSON pointer of the string; a glob
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
	Files    []string `yaml:"files"`    // files of other wordings, one a line, .jsonl ones as JSON; globs, relative to the registry
	Severity string   `yaml:"severity"` // error | warning | note
	Tier     string   `yaml:"tier"`     // the widest net it is looked for with: one of Tiers; empty: any
	Force    bool     `yaml:"force"`    // keep the severity though clean records hold the text too
	Where    string   `yaml:"where"`
	Place    *Place   `yaml:"place"`
}

// Tiers are how far a text may be from a prompt to be found, from the narrowest.
var Tiers = []string{"exact", "normalized", "encoded", "near"}

// LoadRegistry reads a registry, with the files it names. Entries that are wrong, texts of two prompts, and texts that a prompt has
// twice, are errors; rules that have ended, and texts that are another one of the prompt letter case or white space aside, are
// warnings.
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
	ids, texts := map[string]bool{}, map[string]text{}
	var read wordings
	for i := range r.Prompts {
		p, path := &r.Prompts[i], fmt.Sprintf("prompts[%d]", i)
		switch {
		case p.ID == "":
			say(path, "", "prompt %d has no id", i+1)
		case !idPattern().MatchString(p.ID):
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
		var own []text
		if p.Text != "" {
			own = append(own, text{path: path + ".text", wording: wording{text: p.Text}})
		}
		for k, t := range p.Variants {
			own = append(own, text{path: fmt.Sprintf("%s.variants[%d]", path, k), wording: wording{text: t}})
		}
		read.texts += len(own)
		if read.texts > MaxTexts {
			say(path, "split the registry, and audit once for each", "there are more than %d texts", MaxTexts)
			return l
		}
		for k, pattern := range p.Files {
			lines, bad, err := read.glob(filepath.Join(filepath.Dir(at.File), pattern))
			if err != nil {
				say(fmt.Sprintf("%s.files[%d]", path, k), "", "%v", err)
			}
			l = append(l, bad...)
			for _, w := range lines {
				own = append(own, text{wording: w})
			}
		}
		if strings.TrimSpace(p.Text) == "" && len(own) < 2 && len(p.Files) == 0 {
			say(path, "", "prompt %q has no text", p.ID)
		}
		l = append(l, r.distinct(p, own, texts, at)...)
	}
	for i := range r.Allow {
		r.Allow[i].check(fmt.Sprintf("allow[%d]", i), ids, say)
		if e := r.Allow[i].Expires; r.Allow[i].Expired(time.Now()) {
			f := at.At(fmt.Sprintf("allow[%d].expires", i), fmt.Sprintf("the rule ended with %s: it allows nothing any more", e), "take it out, or give it a later day")
			f.Level = "warning"
			l = append(l, f)
		}
	}
	return l
}

// text is a text of the registry: in the registry itself, at path, or in a file.
type text struct {
	wording
	path  string
	owner string // id of the prompt
}

func (t text) finding(at *Config, level, hint, format string, args ...any) diag.Finding {
	if t.file != "" {
		return t.at(level, t.text, hint, format, args...)
	}
	f := at.At(t.path, fmt.Sprintf(format, args...), hint)
	f.Level = level
	return f
}

// where is how another finding calls the place of a text.
func (t text) where(at *Config) string {
	if t.file != "" {
		return fmt.Sprintf("%s:%d", t.file, t.line)
	}
	f := at.At(t.path, "", "")
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// distinct keeps a prompt's texts, each once: letter case aside. It is an error that another prompt has one too, or that the prompt
// has one twice, byte for byte. That two differ in letter case or white space alone is a warning, one for each file.
func (r *Registry) distinct(p *RegistryPrompt, own []text, texts map[string]text, at *Config) (l diag.List) {
	p.Variants = nil
	exact, spaced := map[string]text{}, map[string]text{}
	cases, spaces := newAlike("letter case alone: it is looked for once"), newAlike("white space alone, which says something to the tier exact only")
	conflicts, repeats := 0, 0
	for _, t := range own {
		if t.owner = p.ID; strings.TrimSpace(t.text) == "" {
			if t.path != "" && strings.Contains(t.path, ".variants[") {
				l = append(l, t.finding(at, "error", "", "prompt %q has an empty variant", p.ID))
			}
			continue
		}
		lower := strings.ToLower(t.text)
		other, twice := texts[lower]
		if twice && other.owner != p.ID {
			if conflicts++; conflicts <= maxFindings {
				l = append(l, t.finding(at, "error", "", "prompts %q (%s) and %q have the same text %.60q", other.owner, other.where(at), p.ID, t.text))
			}
			continue
		}
		if same, again := exact[t.text]; again {
			if repeats++; repeats <= maxFindings {
				l = append(l, t.finding(at, "error", t.remedy(same), "prompt %q has this text twice: %s has it too", p.ID, same.where(at)))
			}
			continue
		}
		exact[t.text] = t
		if twice {
			cases.add(t, other)
			continue
		}
		texts[lower] = t
		if t.text != p.Text {
			p.Variants = append(p.Variants, t.text)
		}
		words := strings.Join(strings.Fields(lower), " ")
		if other, twice := spaced[words]; twice {
			spaces.add(t, other)
		} else {
			spaced[words] = t
		}
	}
	return append(append(l, cases.warnings(at)...), spaces.warnings(at)...)
}

// remedy says how a text is taken out that another is, byte for byte.
func (w wording) remedy(other text) string {
	switch {
	case w.file == "":
		return "take one of them out"
	case w.file != other.file:
		return "take the line out of one of the files, or what names the file a second time"
	case w.line == other.line:
		return "name the file once: its lines are read for each pattern that it matches"
	}
	return fmt.Sprintf("take one of the lines out; awk '!seen[$0]++' %s prints each once", w.file)
}

// alike are texts that differ from another in one way alone.
type alike struct {
	in    string
	first map[string][2]text // of each file: the text, and the other
	count map[string]int
}

func newAlike(in string) *alike { return &alike{in, map[string][2]text{}, map[string]int{}} }

func (a *alike) add(t, other text) {
	if a.count[t.file]++; a.count[t.file] == 1 {
		a.first[t.file] = [2]text{t, other}
	}
}

// warnings has one for each file.
func (a *alike) warnings(at *Config) (l diag.List) {
	for _, file := range slices.Sorted(maps.Keys(a.first)) {
		more := ""
		if n := a.count[file] - 1; n > 0 {
			more = fmt.Sprintf("; so do %d more", n)
		}
		t, other := a.first[file][0], a.first[file][1]
		l = append(l, t.finding(at, "warning", "", "the text differs from %s in %s%s", other.where(at), a.in, more))
	}
	return l
}

// Expired says whether the last day of a rule lies before a moment, in UTC.
func (a *Allow) Expired(now time.Time) bool {
	return a.Expires != "" && a.Expires < now.UTC().Format(time.DateOnly)
}

func (a *Allow) check(at string, ids map[string]bool, say func(path, hint, format string, args ...any)) {
	if a.Path+a.Source+a.Field+a.Prompt+a.Hash == "" {
		say(at, "name a path, a source, a field, a prompt or a hash", "the rule allows everything")
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
