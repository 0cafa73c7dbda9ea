package audit

import (
	"path"
	"time"

	"inoculate/pipeline/config"
)

// A Rule allows findings.
type Rule = config.Allow

// compile leaves out the rules that have ended.
func compile(rules []Rule) (out []Rule) {
	now := time.Now()
	for _, r := range rules {
		if !r.Expired(now) {
			out = append(out, r)
		}
	}
	return out
}

// allowed says whether a rule allows a finding: everything that the rule says must fit it.
func (a *Auditor) allowed(f *Finding) bool {
	for _, r := range a.rules {
		if fits(r.Path, f.Source) && (r.Source == "" || r.Source == f.Source) && fits(r.Field, f.Pointer) && (r.Hash == "" || r.Hash == f.Fingerprint || r.Hash == f.Occurrence) && (r.Prompt == "" || r.Prompt == f.Prompt) {
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
