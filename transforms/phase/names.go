package phase

import (
	"path"
	"path/filepath"
	"strings"

	"inoculate/pipeline"
)

// word understands the names that Hugging Face gives to splits.
func word(s string) pipeline.Phase {
	switch s {
	case "train", "training":
		return pipeline.PhaseTrain
	case "test", "testing", "eval", "evaluation", "validation", "valid", "val", "dev":
		return pipeline.PhaseTest
	}
	return pipeline.PhaseNone
}

// ofName looks for a split's name among the words of the file name, then of each folder above it.
func ofName(p string) pipeline.Phase {
	parts := strings.Split(filepath.ToSlash(p), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		found := pipeline.PhaseNone
		for _, w := range strings.FieldsFunc(strings.ToLower(parts[i]), func(r rune) bool { return !(r >= 'a' && r <= 'z') }) {
			if ph := word(w); ph != pipeline.PhaseNone {
				if found != pipeline.PhaseNone && found != ph {
					return pipeline.PhaseNone // names both
				}
				found = ph
			}
		}
		if found != pipeline.PhaseNone {
			return found
		}
	}
	return pipeline.PhaseNone
}

// globMatch matches a pattern with as many of the path's last elements as the pattern has.
func globMatch(pattern, p string) bool {
	pattern, p = filepath.ToSlash(pattern), filepath.ToSlash(p)
	want, have := strings.Count(pattern, "/"), strings.Count(p, "/")
	for ; have > want; have-- {
		p = p[strings.IndexByte(p, '/')+1:]
	}
	ok, err := path.Match(pattern, p)
	return ok && err == nil
}
