// Package report writes the findings of an audit in the formats of other tools: SARIF, JUnit, CSV, and a page for a browser.
package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"inoculate/cmd/inoculate/internal/audit"
)

// Formats there are.
const (
	SARIF = "sarif"
	JUnit = "junit"
	CSV   = "csv"
	HTML  = "html"
)

// A Writer writes the findings of one audit: Finding*, then End.
type Writer interface {
	Finding(f audit.Finding) error
	// End writes what comes last. It closes nothing.
	End(s *audit.Summary) error
}

// New makes a writer of a format.
func New(format string, w io.Writer, version string) (Writer, error) {
	switch format {
	case SARIF:
		return &sarif{w: w, version: version}, nil
	case JUnit:
		return &junit{w: w}, nil
	case CSV:
		return newCSV(w)
	case HTML:
		return &page{w: w, version: version}, nil
	}
	return nil, fmt.Errorf("no report has the format %q", format)
}

// Files are reports that become files when they are whole: a file that is there before stays until then.
type Files struct{ open []file }

type file struct {
	name string
	temp *os.File
	w    Writer
}

// Add begins a report that will stand at path.
func (fs *Files) Add(format, path, version string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return fmt.Errorf("writing the %s report: %w", format, err)
	}
	w, err := New(format, temp, version)
	if err != nil {
		return errors.Join(err, temp.Close(), os.Remove(temp.Name()))
	}
	fs.open = append(fs.open, file{path, temp, w})
	return nil
}

// Finding gives a finding to every report.
func (fs *Files) Finding(f audit.Finding) error {
	for _, o := range fs.open {
		if err := o.w.Finding(f); err != nil {
			return fmt.Errorf("writing %s: %w", o.name, err)
		}
	}
	return nil
}

// End ends the reports and puts them in place.
func (fs *Files) End(s *audit.Summary) error {
	for len(fs.open) > 0 {
		o := fs.open[0]
		err := o.w.End(s)
		if err == nil {
			err = o.temp.Chmod(0o644)
		}
		if err = errors.Join(err, o.temp.Close()); err == nil {
			err = os.Rename(o.temp.Name(), o.name)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", o.name, err)
		}
		fs.open = fs.open[1:]
	}
	return nil
}

// Abort gives up the reports that did not end.
func (fs *Files) Abort() (err error) {
	for _, o := range fs.open {
		err = errors.Join(err, o.temp.Close(), os.Remove(o.temp.Name()))
	}
	fs.open = nil
	return err
}

// title says in a few words what a finding is.
func title(f *audit.Finding) string {
	what := "prompt " + f.Prompt
	if f.Prompt == "" {
		what = "invisible text"
	}
	how := f.Tier
	if f.Via != "" {
		how += ", " + f.Via
	}
	if f.Polarity == "negated" {
		how += ", negated"
	}
	return fmt.Sprintf("%s (%s)", what, how)
}

// place is where a finding stands, for people.
func place(f *audit.Finding) string {
	at := fmt.Sprintf("%s:%d", f.Source, f.Row)
	if f.Pointer != "" {
		at += " " + f.Pointer
	}
	if f.Last != "" {
		at += " to " + f.Last
	}
	return at
}
