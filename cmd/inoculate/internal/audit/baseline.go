package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// baselineFormat changes when an older program could misread a baseline.
const baselineFormat = 1

// A Baseline is what is known of already: an audit with one tells of the rest only. It holds digests and labels, no text of a
// record.
type Baseline struct {
	Format   int     `json:"format"`
	Findings []Known `json:"findings"` // sorted by occurrence
}

// Known is a finding that is known of.
type Known struct {
	Occurrence  string `json:"occurrence"`
	Fingerprint string `json:"fingerprint"`
	Prompt      string `json:"prompt"`
	Tier        string `json:"tier"`
	Label       string `json:"label"`             // "accepted", "false", "fixed elsewhere", …
	Reason      string `json:"reason,omitempty"`  // for people
	Expires     string `json:"expires,omitempty"` // 2027-12-31: the last day on which it counts
}

var digestPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// ReadBaseline reads a baseline; what is wrong with it is an error with the entry's number.
func ReadBaseline(file string) (*Baseline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	var b Baseline
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("reading the baseline %s: %w", file, err)
	}
	if b.Format != baselineFormat {
		return nil, fmt.Errorf("the baseline %s has format %d; this program knows %d", file, b.Format, baselineFormat)
	}
	seen := map[string]bool{}
	for i, k := range b.Findings {
		switch {
		case !digestPattern().MatchString(k.Occurrence):
			err = fmt.Errorf("occurrence %q is none", k.Occurrence)
		case seen[k.Occurrence]:
			err = fmt.Errorf("occurrence %s stands twice", k.Occurrence)
		case k.Expires != "":
			_, err = time.Parse(time.DateOnly, k.Expires)
		}
		if err != nil {
			return nil, fmt.Errorf("the baseline %s, finding %d: %w", file, i+1, err)
		}
		seen[k.Occurrence] = true
	}
	return &b, nil
}

// Write puts the baseline in place of the file, whole.
func (b *Baseline) Write(file string) error {
	b.Format = baselineFormat
	slices.SortFunc(b.Findings, func(x, y Known) int { return strings.Compare(x.Occurrence, y.Occurrence) })
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the baseline: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".baseline-*")
	if err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	_, err = temp.Write(append(data, '\n'))
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the baseline: %w", err), remove(temp.Name()))
	}
	return nil
}

func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// A Filter holds back what a baseline knows of.
type Filter struct {
	known map[string]bool // by occurrence: whether it was seen
}

// Filter makes a filter of what has not expired.
func (b *Baseline) Filter() *Filter {
	f := &Filter{known: map[string]bool{}}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, k := range b.Findings {
		if k.Expires == "" || k.Expires >= today {
			f.known[k.Occurrence] = false
		}
	}
	return f
}

// knows says whether a finding is known of.
func (f *Filter) knows(x *Finding) bool {
	if f == nil {
		return false
	}
	_, ok := f.known[x.Occurrence]
	if ok {
		f.known[x.Occurrence] = true
	}
	return ok
}

// stale is how many entries of the baseline were not found any more.
func (f *Filter) stale() (n int64) {
	if f == nil {
		return 0
	}
	for _, seen := range f.known {
		if !seen {
			n++
		}
	}
	return n
}
