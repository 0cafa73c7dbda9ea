package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"inoculate/transforms/scan/tiers"
)

// Split is the kind of a match that begins in one string of a record and ends in another.
const Split = "split"

// A Finding is one place where a prompt stands.
type Finding struct {
	Fingerprint string   `json:"fingerprint"` // of prompt, tier and matched text: the same wherever that text stands
	Occurrence  string   `json:"occurrence"`  // of the fingerprint and the text of the string around it
	Prompt      string   `json:"prompt"`      // empty for hidden text that is no prompt
	Behavior    string   `json:"behavior"`
	Tier        string   `json:"tier"`     // the narrowest that finds it: exact, normalized, encoded, near
	Kind        string   `json:"kind"`     // copy, smuggled, near, split; invisible where it is no prompt
	Via         string   `json:"via"`      // how it was read, outermost first: "base64>rot13"; empty where it stands as it is
	Polarity    string   `json:"polarity"` // asserted, or negated: a model may take "do not" for the prompt all the same
	Severity    string   `json:"severity"`
	Score       float64  `json:"score"` // 1, or the share of the prompt that a near copy keeps
	Edits       int      `json:"edits"` // words of a near copy that are dropped, added or moved
	Source      string   `json:"source"`
	Partition   string   `json:"partition"`    // of the source, as a run would plan it: a run of row groups of Parquet; the whole of any other file
	Position    int64    `json:"position"`     // byte where the line begins in the plain text, or number of the row from 0
	Row         int64    `json:"row"`          // line or row, from 1
	Pointer     string   `json:"pointer"`      // JSON pointer of the string in its record; empty in plain text
	Last        string   `json:"last_pointer"` // of a split match: the string it ends in; else empty
	Span        [2]int64 `json:"span"`         // bytes [from, to) of the string, or of the line of plain text, beyond its end where the match goes on in the next
	Context     string   `json:"context"`      // the match with some text around it; without that text when redacted

	match [2]int // where the match stands in Context
	read  string // the matched text as the tier reads it
	text  string // of the registry that it matches
}

// wholeSource is the partition of what is read from its start to its end: the first and only one.
const wholeSource = "p00000"

// Read is the matched text as the tier reads it: decoded, normalized.
func (f *Finding) Read() string { return f.read }

// LookedFor is the text of the registry that was found; empty for hidden text that is no prompt.
func (f *Finding) LookedFor() string { return f.text }

// Parts are the match, and what Context has around it.
func (f *Finding) Parts() (before, match, after string) {
	return f.Context[:f.match[0]], f.Context[f.match[0]:f.match[1]], f.Context[f.match[1]:]
}

// report completes a finding of a match in text and hands it on, unless a rule allows it.
func (a *Auditor) report(f Finding, m tiers.Match, text []byte) error {
	f.Tier, f.Kind, f.Via, f.Polarity, f.Score, f.Edits = m.Tier.String(), m.Kind, m.Via, "asserted", m.Score, m.Edits
	if m.Negated {
		f.Polarity = "negated"
	}
	if f.Partition == "" {
		f.Partition = wholeSource
	}
	f.Severity = "note"
	if m.Pattern >= 0 {
		p := &a.Patterns[m.Pattern]
		f.Prompt, f.Behavior, f.Severity, f.text = p.Prompt, p.Behavior, p.Severity, p.Text
	}
	match := text[m.From:m.To]
	f.read = string(m.Text)
	// The fingerprints come before anything is left out, and hold no text.
	f.Fingerprint = digest("match/v1", f.Prompt, f.Tier, string(m.Text))
	if a.textSum == "" { // once for all findings of a text
		a.textSum = digest("text/v1", string(text))
	}
	f.Occurrence = digest("occurrence/v1", f.Fingerprint, a.textSum)
	before, after := clipBefore(text[:m.From], a.Context), clipAfter(text[m.To:], a.Context)
	if a.Redact {
		before, after = redacted(before), redacted(after)
	}
	f.Context = before + string(match) + after
	f.match = [2]int{len(before), len(before) + len(match)}
	if a.allowed(&f) {
		a.Summary.Allowed++
		return nil
	}
	if a.Known.knows(&f) {
		a.Summary.Known++
		return nil
	}
	a.Summary.count(&f)
	return a.Found(f)
}

func (s *Summary) count(f *Finding) {
	s.Findings++
	switch f.Severity {
	case "error":
		s.BySeverity.Error++
	case "warning":
		s.BySeverity.Warning++
	default:
		s.BySeverity.Note++
	}
	if f.Prompt == "" {
		s.Hidden++
	}
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func redacted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("[%d bytes]", len(s))
}

// clipBefore is the last n bytes or less, whole characters only.
func clipBefore(b []byte, n int) string {
	if len(b) > n {
		b = b[len(b)-n:]
		for len(b) > 0 && !utf8.RuneStart(b[0]) {
			b = b[1:]
		}
	}
	return string(b)
}

func clipAfter(b []byte, n int) string {
	if len(b) > n {
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
		b = b[:n]
	}
	return string(b)
}
