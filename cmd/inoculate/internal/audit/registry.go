package audit

import (
	"fmt"

	"inoculate/pipeline/config"
	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/tiers"
)

// A Pattern is one text to look for.
type Pattern struct {
	Prompt   string // id of the prompt it belongs to
	Behavior string
	Severity string
	Text     string
	Tier     tiers.Tier // the widest net it is looked for with
}

// Generic is from how many of a million clean records on a text is too common to say anything: it is a note, unless it is
// forced. The estimate may be out by ten times, so that one below it stands in less than one of a million.
const Generic = 0.1

// A Common is a text that clean records hold too.
type Common struct {
	Prompt     string  `json:"prompt"`
	Text       string  `json:"text"`
	PerMillion float64 `json:"per_million"` // clean records that hold it, estimated
	Forced     bool    `json:"forced"`
}

func (c Common) String() string {
	s := fmt.Sprintf("prompt %s: %q stands in about %.2g of a million clean records", c.Prompt, c.Text, c.PerMillion)
	if c.Forced {
		return s
	}
	return s + "; its findings are notes (force: true keeps their severity)"
}

// Patterns are the texts and variants of a registry, and those of them that are too common.
func Patterns(r *config.Registry) (out []Pattern, common []Common) {
	for _, p := range r.Prompts {
		tier := tiers.Near
		if p.Tier != "" {
			tier, _ = tiers.Parse(p.Tier) // checked when it was read
		}
		for _, t := range append([]string{p.Text}, p.Variants...) {
			if t == "" {
				continue
			}
			q := Pattern{p.ID, p.Behavior, p.Severity, t, tier}
			if n := background.PerMillion(t); n >= Generic && !background.Marked(t) {
				common = append(common, Common{p.ID, t, n, p.Force})
				if !p.Force {
					q.Severity = "note"
				}
			}
			out = append(out, q)
		}
	}
	return out, common
}

// prepare compiles the patterns, and notes what they cannot be looked for by.
func (a *Auditor) prepare() {
	groups := map[string]int{}
	patterns := make([]tiers.Pattern, len(a.Patterns))
	for i, p := range a.Patterns {
		g, ok := groups[p.Prompt]
		if !ok {
			g = len(groups)
			groups[p.Prompt] = g
		}
		patterns[i] = tiers.Pattern{Text: p.Text, Group: g, Tier: p.Tier}
	}
	a.set = tiers.New(patterns, a.Tier)
	a.search = a.set.NewSearcher()
	a.block.search = a.blockSearch()
	a.Summary = Summary{Prompts: len(groups), Texts: len(patterns), Incomplete: []Problem{}, Tiers: tiers.Names[:a.Tier+1], Common: append([]Common{}, a.Common...), Notes: []string{}}
	note := func(n int, one, more string) {
		switch {
		case n == 1:
			a.Summary.Notes = append(a.Summary.Notes, "1 text is "+one)
		case n > 1:
			a.Summary.Notes = append(a.Summary.Notes, fmt.Sprintf("%d texts are %s", n, more))
		}
	}
	note(len(a.set.Exactly()), "looked for exactly only: its letters and digits alone say too little", "looked for exactly only: their letters and digits alone say too little")
	note(a.set.OneWay, "not looked for in ROT13 and backwards, there are too many: the first of each prompt is", "not looked for in ROT13 and backwards, there are too many: the first of each prompt is")
	note(len(a.set.NotNear()), "not looked for by near copies: it has too few words that are rare", "not looked for by near copies: they have too few words that are rare")
	if a.Tier == tiers.Near {
		a.Summary.Notes = append(a.Summary.Notes, "near copies only: free paraphrases are mostly not found")
	} else {
		a.Summary.Notes = append(a.Summary.Notes, "copies only: paraphrases and changed words are not looked for")
	}
	a.rules = compile(a.Allow)
}
