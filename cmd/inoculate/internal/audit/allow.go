package audit

import (
	"path"
	"time"

	"inoculate/pipeline/config"
)

// A Rule allows findings.
type Rule = config.Allow

// rule is a Rule that has not expired.
type rule struct{ Rule }

// compile leaves out the rules that have expired.
func compile(rules []Rule) (out []rule) {
	today := time.Now().UTC().Format(time.DateOnly)
	for _, r := range rules {
		if r.Expires == "" || r.Expires >= today {
			out = append(out, rule{r})
		}
	}
	return out
}

// allowed says whether a rule allows a finding: everything that the rule says must fit it.
func (a *Auditor) allowed(f *Finding) bool {
	for _, r := range a.rules {
		if fits(r.Path, f.Source) && fits(r.Field, f.Pointer) && (r.Hash == "" || r.Hash == f.Fingerprint || r.Hash == f.Occurrence) && (r.Prompt == "" || r.Prompt == f.Prompt) {
			return true
		}
	}
	return false
}

// fits says whether a glob fits a path, or its last part where the glob has no slash. No glob fits all.
func fits(glob, name string) bool {
	if glob == "" {
		return true
	}
	if ok, _ := path.Match(glob, name); ok {
		return true
	}
	ok, _ := path.Match(glob, path.Base(name))
	return ok
}
