package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"inoculate/cmd/inoculate/internal/audit"
)

// maxResults is how many results a SARIF file holds: the most that GitHub takes of a run.
const maxResults = 25_000

// sarif collects a log of SARIF 2.1.0 (OASIS), one rule for each prompt.
type sarif struct {
	w       io.Writer
	version string
	results []sarifResult
	rules   []sarifRule
	index   map[string]int
	spilled int64
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID         string            `json:"id"`
	Short      sarifText         `json:"shortDescription"`
	Help       sarifText         `json:"help"`
	Properties map[string]string `json:"properties,omitempty"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]any    `json:"properties"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int64     `json:"startLine"`
			Snippet   sarifText `json:"snippet"`
		} `json:"region"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
}

// Finding adds a result, or counts it where there are too many.
func (s *sarif) Finding(f audit.Finding) error {
	if len(s.results) == maxResults {
		s.spilled++
		return nil
	}
	id := f.Prompt
	if id == "" {
		id = "invisible-text"
	}
	rule, ok := s.index[id]
	if !ok {
		if s.index == nil {
			s.index = map[string]int{}
		}
		rule = len(s.rules)
		s.index[id] = rule
		r := sarifRule{ID: id, Short: sarifText{"Inoculation prompt " + id + " stands where a model may read it"},
			Help: sarifText{"An inoculation prompt, or something near it, brings the trait back that it was to keep away. Take it out of test and deployment data."}}
		if f.Prompt == "" {
			r.Short.Text = "Text that is spelled with invisible characters"
		}
		if f.Behavior != "" {
			r.Properties = map[string]string{"behavior": f.Behavior}
		}
		s.rules = append(s.rules, r)
	}
	r := sarifResult{RuleID: id, RuleIndex: rule, Level: f.Severity, Message: sarifText{title(&f) + " at " + place(&f)},
		Fingerprints: map[string]string{"match/v1": f.Fingerprint, "occurrence/v1": f.Occurrence},
		Properties:   map[string]any{"tier": f.Tier, "polarity": f.Polarity, "score": f.Score, "via": f.Via, "span": f.Span, "position": f.Position}}
	var l sarifLocation
	l.Physical.Artifact.URI = uri(f.Source)
	l.Physical.Region.StartLine = max(1, f.Row)
	l.Physical.Region.Snippet.Text = strings.ToValidUTF8(f.Context, "\uFFFD")
	if f.Pointer != "" {
		l.Logical = []sarifLogical{{f.Pointer}}
	}
	r.Locations = []sarifLocation{l}
	s.results = append(s.results, r)
	return nil
}

// uri is a path as a relative reference.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	return u.String()
}

// End writes the log. What was not written, and what could not be read, stands in the notifications.
func (s *sarif) End(sum *audit.Summary) error {
	type notification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	notes := []notification{}
	if s.spilled > 0 {
		notes = append(notes, notification{"warning", sarifText{fmt.Sprintf("%d more results are not in this file", s.spilled)}})
	}
	for _, p := range sum.Incomplete {
		notes = append(notes, notification{"error", sarifText{p.Source + ": " + p.Detail}})
	}
	if more := sum.Problems - int64(len(sum.Incomplete)); more > 0 {
		notes = append(notes, notification{"error", sarifText{fmt.Sprintf("%d more places could not be searched", more)}})
	}
	rules, results := s.rules, s.results
	if rules == nil {
		rules, results = []sarifRule{}, []sarifResult{}
	}
	e := json.NewEncoder(s.w)
	e.SetEscapeHTML(false)
	return e.Encode(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":        map[string]any{"driver": map[string]any{"name": "inoculate", "version": s.version, "rules": rules}},
			"invocations": []any{map[string]any{"executionSuccessful": sum.Problems == 0, "toolExecutionNotifications": notes}},
			"results":     results, "columnKind": "unicodeCodePoints",
		}},
	})
}
