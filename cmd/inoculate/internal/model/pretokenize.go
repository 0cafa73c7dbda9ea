package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dlclark/regexp2"
	"golang.org/x/text/unicode/norm"
)

// splitter cuts a piece into smaller ones.
type splitter func(pieces []string, first bool) ([]string, error)

// normalizers are what is done to a text before it is cut.
func normalizers(raw json.RawMessage) ([]func(string) string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var n struct {
		Type        string
		Normalizers []json.RawMessage
		Prepend     string
		Pattern     map[string]string
		Content     string
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	form := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}
	switch f, ok := form[n.Type]; {
	case ok:
		return []func(string) string{f.String}, nil
	case n.Type == "Lowercase":
		return []func(string) string{strings.ToLower}, nil
	case n.Type == "Prepend":
		return []func(string) string{func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		}}, nil
	case n.Type == "Replace" && n.Pattern["String"] != "":
		return []func(string) string{func(s string) string { return strings.ReplaceAll(s, n.Pattern["String"], n.Content) }}, nil
	case n.Type == "Sequence":
		var all []func(string) string
		for _, r := range n.Normalizers {
			more, err := normalizers(r)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s is not known", n.Type)
}

// byteLevel is GPT-2's way to cut a text.
const byteLevel = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteChars are the characters that stand for bytes.
var byteChars = func() (chars [256]string) {
	n := 0
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r = rune(256 + n)
			n++
		}
		chars[b] = string(r)
	}
	return chars
}()

// splitters are the ways in which a text is cut before its parts are joined.
func splitters(raw json.RawMessage) ([]splitter, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var p struct {
		Type             string
		Pretokenizers    []json.RawMessage
		AddPrefixSpace   bool  `json:"add_prefix_space"`
		UseRegex         *bool `json:"use_regex"`
		IndividualDigits bool  `json:"individual_digits"`
		Pattern          map[string]string
		Behavior         string
		Invert           bool
		Replacement      string
		PrependScheme    string `json:"prepend_scheme"`
		Split            *bool
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	switch p.Type {
	case "Sequence":
		var all []splitter
		for _, r := range p.Pretokenizers {
			more, err := splitters(r)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	case "ByteLevel":
		var all []splitter
		if p.AddPrefixSpace {
			all = append(all, each(func(s string) []string {
				if !strings.HasPrefix(s, " ") {
					s = " " + s
				}
				return []string{s}
			}))
		}
		if p.UseRegex == nil || *p.UseRegex {
			cut, err := cutter(byteLevel, "Isolated", false)
			if err != nil {
				return nil, err
			}
			all = append(all, cut)
		}
		return append(all, each(func(s string) []string {
			var b strings.Builder
			for i := range len(s) {
				b.WriteString(byteChars[s[i]])
			}
			return []string{b.String()}
		})), nil
	case "Digits":
		pattern := `\p{N}+`
		if p.IndividualDigits {
			pattern = `\p{N}`
		}
		cut, err := cutter(pattern, "Isolated", false)
		return []splitter{cut}, err
	case "Split":
		pattern, ok := p.Pattern["Regex"]
		if !ok {
			pattern = regexp2.Escape(p.Pattern["String"])
		}
		cut, err := cutter(pattern, p.Behavior, p.Invert)
		return []splitter{cut}, err
	case "Metaspace":
		return metaspace(p.Replacement, p.PrependScheme, p.AddPrefixSpace, p.Split == nil || *p.Split)
	}
	return nil, fmt.Errorf("%s is not known", p.Type)
}

func each(f func(string) []string) splitter {
	return func(pieces []string, _ bool) (out []string, err error) {
		for _, p := range pieces {
			out = append(out, f(p)...)
		}
		return out, nil
	}
}

// cutter cuts pieces at what a pattern finds.
func cutter(pattern, behavior string, invert bool) (splitter, error) {
	if behavior != "Isolated" && behavior != "Removed" {
		return nil, fmt.Errorf("a Split that is %s is not known", behavior)
	}
	re, err := regexp2.Compile(pattern, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	// Without invert what is found stands alone or goes, with it what is between.
	goes := func(found bool) bool { return behavior == "Removed" && found != invert }
	return func(pieces []string, _ bool) (out []string, err error) {
		for _, p := range pieces {
			runes := []rune(p)
			from := 0
			add := func(to int, found bool) {
				if to > from && !goes(found) {
					out = append(out, string(runes[from:to]))
				}
				from = to
			}
			m, err := re.FindRunesMatch(runes)
			for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
				if m.Length > 0 {
					add(m.Index, false)
					add(m.Index+m.Length, true)
				}
			}
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
			add(len(runes), false)
		}
		return out, nil
	}, nil
}

// metaspace writes spaces as SentencePiece does.
func metaspace(replacement, scheme string, prefix, split bool) ([]splitter, error) {
	if scheme == "" && prefix {
		scheme = "always"
	}
	if !slices.Contains([]string{"", "always", "first", "never"}, scheme) {
		return nil, fmt.Errorf("prepend_scheme %q is not known", scheme)
	}
	return []splitter{func(pieces []string, first bool) (out []string, err error) {
		for i, p := range pieces {
			p = strings.ReplaceAll(p, " ", replacement)
			if (scheme == "always" || scheme == "first" && first && i == 0) && !strings.HasPrefix(p, replacement) {
				p = replacement + p
			}
			if !split {
				out = append(out, p)
				continue
			}
			for rest := p; rest != ""; { // each begins with a space
				n := strings.Index(rest[1:], replacement) + 1
				if n == 0 {
					n = len(rest)
				}
				out, rest = append(out, rest[:n]), rest[n:]
			}
		}
		return out, nil
	}}, nil
}
