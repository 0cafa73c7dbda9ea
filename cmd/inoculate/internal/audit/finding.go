package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Finding is one place where a prompt stands.
type Finding struct {
	Fingerprint string   `json:"fingerprint"` // of prompt, tier and matched text: the same wherever that text stands
	Occurrence  string   `json:"occurrence"`  // of the fingerprint and the text of the string around it
	Prompt      string   `json:"prompt"`
	Behavior    string   `json:"behavior"`
	Tier        string   `json:"tier"`     // "exact"
	Polarity    string   `json:"polarity"` // "asserted"
	Severity    string   `json:"severity"`
	Score       float64  `json:"score"` // 1 for an exact copy
	Source      string   `json:"source"`
	Partition   string   `json:"partition"`
	Position    int64    `json:"position"` // byte where the line begins in the plain text, or number of the row from 0
	Row         int64    `json:"row"`      // line or row, from 1
	Pointer     string   `json:"pointer"`  // JSON pointer of the string in its record; empty in plain text
	Span        [2]int64 `json:"span"`     // bytes [from, to) of the string, or of the line of plain text
	Context     string   `json:"context"`  // the match with some text around it; without that text when redacted
}

// report completes a finding of pattern p in text[at:] and hands it on.
func (a *Auditor) report(f Finding, p int, text []byte, at int) error {
	pat := a.Patterns[p]
	f.Prompt, f.Behavior, f.Severity, f.Tier, f.Polarity, f.Score = pat.Prompt, pat.Behavior, pat.Severity, "exact", "asserted", 1
	match := text[at : at+len(pat.Text)]
	// The fingerprints come before anything is left out, and hold no text.
	f.Fingerprint = digest("match/v1", pat.Prompt, f.Tier, strings.ToLower(string(match)))
	f.Occurrence = digest("occurrence/v1", f.Fingerprint, string(text))
	before, after := clipBefore(text[:at], a.Context), clipAfter(text[at+len(match):], a.Context)
	if a.Redact {
		before, after = redacted(before), redacted(after)
	}
	f.Context = before + string(match) + after
	a.Summary.Findings++
	return a.Found(f)
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
