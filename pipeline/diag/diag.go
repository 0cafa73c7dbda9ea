// Package diag holds located findings, and prints them as text, JSON or GitHub annotations.
package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A Finding is one thing to say about one place of a file.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`   // from 1; 0: the whole file
	Column  int    `json:"column,omitempty"` // from 1, in bytes
	Level   string `json:"level"`            // "error" or "warning"
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Excerpt string `json:"-"` // the line, where it is one of another file than the list's other findings
}

// A List is findings in the order of the file. As an error it is all of them.
type List []Finding

// Err returns the list as an error, nil where it has none.
func (l List) Err() error {
	for _, f := range l {
		if f.Level != "warning" {
			return l
		}
	}
	return nil
}

func (l List) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// String is path:line:column: message (hint).
func (f Finding) String() string {
	s := f.File
	if f.Line > 0 {
		s += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	s += ": " + f.Message
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Text prints each finding with its line of the source, where there is one, and a mark below the place.
func (l List) Text(w io.Writer, source []byte) error {
	lines := strings.Split(string(source), "\n")
	for _, f := range l {
		level := ""
		if f.Level == "warning" {
			level = "warning: "
		}
		place := f.File
		if f.Line > 0 {
			place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
		}
		fmt.Fprintf(w, "%s: %s%s\n", place, level, f.Message)
		line := f.Excerpt
		if line == "" && f.Line > 0 && f.Line <= len(lines) {
			line = strings.TrimRight(lines[f.Line-1], "\r")
		}
		if f.Line > 0 && (line != "" || f.Line <= len(lines)) {
			col := min(max(f.Column-1, 0), len(line))
			mark := strings.Map(func(r rune) rune {
				if r == '\t' {
					return '\t'
				}
				return ' '
			}, line[:col])
			fmt.Fprintf(w, "  %s\n  %s^\n", line, mark)
		}
		if f.Hint != "" {
			fmt.Fprintf(w, "  %s\n", f.Hint)
		}
	}
	return nil
}

// JSON prints the findings as one JSON array.
func (l List) JSON(w io.Writer) error {
	if l == nil {
		l = List{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(l)
}

// GitHub prints workflow commands that GitHub shows beside the lines of a change.
func (l List) GitHub(w io.Writer) error {
	for _, f := range l {
		msg := f.Message
		if f.Hint != "" {
			msg += " (" + f.Hint + ")"
		}
		fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d::%s\n", f.Level, GitHubProperty(f.File), max(f.Line, 1), max(f.Column, 1), GitHubData(msg))
	}
	return nil
}

// GitHubData escapes the text of a workflow command.
func GitHubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// GitHubProperty escapes the value of a property of a workflow command.
func GitHubProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
