package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"inoculate/cmd/inoculate/internal/audit"
)

// maxCases is how many failures a JUnit file holds.
const maxCases = 10_000

// junit collects a JUnit file: a test case for each source with findings, one for each place that could not be searched, and
// one that says whether the whole is clean.
type junit struct {
	w     io.Writer
	cases []junitCase
	more  int64
}

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Finding adds a failed test case.
func (j *junit) Finding(f audit.Finding) error {
	if len(j.cases) == maxCases {
		j.more++
		return nil
	}
	j.cases = append(j.cases, junitCase{Class: clean(f.Source), Name: clean(fmt.Sprintf("line %d%s", f.Row, pointer(&f))),
		Failure: &junitProblem{Message: clean(title(&f)), Type: f.Severity, Text: clean(f.Context)}})
	return nil
}

func pointer(f *audit.Finding) string {
	if f.Pointer == "" {
		return ""
	}
	return " " + f.Pointer
}

// clean leaves out what XML cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// End writes the file.
func (j *junit) End(s *audit.Summary) error {
	suite := junitSuite{Name: "inoculate audit", Cases: j.cases, Failures: len(j.cases)}
	for _, p := range s.Incomplete {
		suite.Cases = append(suite.Cases, junitCase{Class: clean(p.Source), Name: "searched", Error: &junitProblem{Message: clean(p.Detail), Type: "incomplete"}})
		suite.Errors++
	}
	whole := junitCase{Class: "inoculate audit", Name: fmt.Sprintf("no copies of %d prompts in %d records", s.Prompts, s.Records)}
	if s.Findings > 0 || s.Problems > 0 {
		whole.Failure = &junitProblem{Message: fmt.Sprintf("%d found, %d places not searched as they should be", s.Findings, s.Problems), Type: "summary"}
		if j.more > 0 {
			whole.Failure.Text = fmt.Sprintf("%d findings are not in this file", j.more)
		}
		suite.Failures++
	}
	suite.Cases = append(suite.Cases, whole)
	suite.Tests = len(suite.Cases)
	if _, err := io.WriteString(j.w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(j.w)
	e.Indent("", " ")
	if err := e.Encode(junitSuites{Name: "inoculate", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, "\n")
	return err
}
