// Package audit finds every copy of the prompts of a registry in files of any kind, letter case of ASCII aside.
package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan/tiers"
)

// Auditor looks through inputs, one after the other.
type Auditor struct {
	Patterns  []Pattern
	Tier      tiers.Tier
	Allow     []Rule
	Known     *Filter  // of a baseline; nil: everything is new
	Common    []Common // of the patterns, for the summary
	MaxRecord int      // bytes of a JSON line beyond which it is searched as plain text, and counted as over the limit
	Expansion int64    // how many times its size a compressed file may hold, and 1 GiB at least, or a page of Parquet, and 64 MiB; a longer one is a problem; 0: anything
	Context   int      // bytes of text shown on either side of a finding
	Redact    bool
	Mem       memory.Allocator
	Stdin     io.Reader
	Found     func(Finding) error // called for each finding, as it is found

	least   int64 // in place of leastBudget
	set     *tiers.Set
	search  *tiers.Searcher
	views   views
	column  []byte
	places  []place // of the findings of the record at hand, in the order of its values
	splits  []split // of its view at hand
	block   block
	tail    []told // findings at the end of the part of a line before
	rules   []Rule // that have not ended
	textSum string // digest of the text at hand, once there is a finding in it
	Summary Summary
}

// Summary says what was looked through, and what could not be.
type Summary struct {
	Findings   int64     `json:"findings"`
	Files      int64     `json:"files"`
	Records    int64     `json:"records"` // records, and lines of text
	Bytes      int64     `json:"bytes"`
	Prompts    int       `json:"prompts"`
	Texts      int       `json:"texts"`
	Incomplete []Problem `json:"incomplete"`       // the first of them
	Problems   int64     `json:"incomplete_count"` // input that could not be read, or not as what it is
	Tiers      []string  `json:"tiers"`
	Hidden     int64     `json:"hidden"`      // of the findings: text in characters that are not seen, that is no prompt
	Allowed    int64     `json:"allowed"`     // findings that a rule of the registry allows; not among the others
	Known      int64     `json:"known"`       // findings that the baseline knows of; not among the others
	Stale      int64     `json:"stale"`       // findings of the baseline that are not there any more
	BySeverity Severity  `json:"by_severity"` // of the findings
	Common     []Common  `json:"common"`      // texts that clean records hold too
	Notes      []string  `json:"notes"`       // what was not looked for, or only so
}

// Severity counts findings.
type Severity struct {
	Error   int64 `json:"error"`
	Warning int64 `json:"warning"`
	Note    int64 `json:"note"`
}

// A Problem is input that was not looked through as it should be.
type Problem struct {
	Source string `json:"source"`
	Detail string `json:"detail"`
}

// maxProblems is how many problems a summary lists.
const maxProblems = 50

func (a *Auditor) problem(source, format string, args ...any) {
	a.Summary.Problems++
	if len(a.Summary.Incomplete) < maxProblems {
		a.Summary.Incomplete = append(a.Summary.Incomplete, Problem{source, fmt.Sprintf(format, args...)})
	}
}

// Run looks through files, folders (all files below, links followed unless they lead in a circle) and "-". What cannot be read is a problem in the
// summary; an error is one of Found, or of the context.
func (a *Auditor) Run(ctx context.Context, paths []string) error {
	a.prepare()
	for _, p := range paths {
		if err := a.path(ctx, p, map[string]bool{}); err != nil {
			return err
		}
	}
	a.Summary.Stale = a.Known.stale()
	return nil
}

// path looks through a file, or everything below a folder. seen holds the folders on the way, so that links cannot lead in
// circles.
func (a *Auditor) path(ctx context.Context, path string, seen map[string]bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if path == "-" {
		return a.stream(ctx, "standard input", a.Stdin)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		a.problem(path, "%v", err)
		return nil
	case info.Mode().IsRegular():
		return a.file(ctx, path)
	case !info.IsDir():
		a.problem(path, "it is neither a file nor a folder")
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || seen[real] {
		return nil
	}
	seen[real] = true
	defer delete(seen, real)
	entries, err := os.ReadDir(path)
	if err != nil {
		a.problem(path, "%v", err)
		return nil
	}
	for _, e := range entries {
		if err := a.path(ctx, filepath.Join(path, e.Name()), seen); err != nil {
			return err
		}
	}
	return nil
}

// file looks through one file, by what its name says it is.
func (a *Auditor) file(ctx context.Context, path string) error {
	a.Summary.Files++
	switch kindOf(path) {
	case "parquet", "arrow":
		return a.table(ctx, path)
	}
	f, err := a.open(path)
	if err != nil {
		a.problem(path, "%v", err)
		return nil
	}
	if kindOf(path) == "json" {
		err = a.document(ctx, path, f)
	} else {
		err = a.stream(ctx, path, f)
	}
	return errors.Join(err, f.Close())
}

// document looks through a file that is one JSON value. One that is not, such as JSON lines by that name, is looked
// through line by line.
func (a *Auditor) document(ctx context.Context, source string, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, int64(a.MaxRecord)+1))
	rest := io.MultiReader(bytes.NewReader(data), r)
	if err != nil {
		a.problem(source, "%v", err)
		rest = bytes.NewReader(data)
	}
	if len(data) > a.MaxRecord {
		if first, _, whole := bytes.Cut(data, []byte("\n")); !whole || jsontext.Valid(first) != nil { // else it has lines of JSON
			a.problem(source, "the document is longer than %d bytes: it was searched as plain text, line by line", a.MaxRecord)
		}
		return a.stream(ctx, source, rest)
	}
	if jsontext.Valid(data) != nil {
		return a.stream(ctx, source, rest)
	}
	a.Summary.Records++
	a.Summary.Bytes += int64(len(data))
	return a.json(source, &lines{text: data, row: 1}, true)
}

// kindOf tells what a file holds by its name: "parquet", "arrow", "jsonl", "json" or "text".
func kindOf(path string) string {
	name := strings.ToLower(filepath.Base(path))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	switch filepath.Ext(name) {
	case ".parquet", ".parq", ".pq":
		return "parquet"
	case ".arrow", ".arrows", ".ipc", ".feather":
		return "arrow"
	case ".jsonl", ".ndjson":
		return "jsonl"
	case ".json":
		return "json"
	}
	return "text"
}

// stream looks through text, line by line. Lines of JSON are searched string by string where the name, or their first
// byte, says that they are JSON; any other is searched as it is, with its neighbours.
func (a *Auditor) stream(ctx context.Context, source string, r io.Reader) error {
	isJSON := kindOf(source) == "jsonl"
	l := newLines(r, a.MaxRecord, a.overlap())
	for l.next() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		a.Summary.Bytes += int64(len(l.text) - l.overlap)
		if l.overlap == 0 {
			a.Summary.Records++
		}
		at := jsontext.Space(l.text, 0)
		brace := at < len(l.text) && (l.text[at] == '{' || l.text[at] == '[' || l.text[at] == '"')
		switch {
		case l.part:
			if l.overlap == 0 && isJSON {
				a.problem(source, "line %d is longer than %d bytes: it was searched as plain text", l.row, a.MaxRecord)
			}
			fallthrough
		case !isJSON && !brace:
			if err := a.join(source, l); err != nil {
				return err
			}
		default:
			if err := a.json(source, l, isJSON); err != nil {
				return err
			}
		}
	}
	if err := a.endBlock(source); err != nil {
		return err
	}
	if l.err != nil {
		a.problem(source, "line %d: %v", l.row, l.err)
	}
	return nil
}

// beforeCopy is how many bytes before a copy say whether it is negated.
const beforeCopy = 64

// plain searches text as it is. Of a part of a long line, what begins in the bytes that the next part has too is left to that
// one, which has all of it; but for the first of these bytes, before which the next part sees too little.
func (a *Auditor) plain(source string, l *lines) (err error) {
	before := a.tail
	if a.tail = nil; l.overlap == 0 {
		before = nil
	}
	next := len(l.text)
	if l.more {
		next += beforeCopy - l.keep
	}
	a.scan(source, l.row, l.text, func(m tiers.Match) {
		from, to := l.shift+int64(m.From), l.shift+int64(m.To)
		if err != nil || l.more && m.From >= next || a.toldOf(before, m, from, to) {
			return
		}
		if l.more && m.To > next-beforeCopy {
			a.tail = append(a.tail, told{a.promptOf(m), m.Tier, from, to})
		}
		if b := &a.block; b.search != nil && m.Tier >= tiers.Encoded && m.Pattern >= 0 && len(b.alone) < maxPlaces {
			b.alone = append(b.alone, told{a.promptOf(m), m.Tier, l.at + from, l.at + to})
		}
		err = a.report(Finding{Source: source, Position: l.at, Row: l.row, Span: [2]int64{from, to}}, m, l.text)
	})
	return err
}

// told is a finding of the part before, in bytes of the line.
type told struct {
	prompt   string
	tier     tiers.Tier
	from, to int64
}

// toldOf says whether the part before had a finding: the same place, or another view of it.
func (a *Auditor) toldOf(before []told, m tiers.Match, from, to int64) bool {
	for _, t := range before {
		if t.prompt != a.promptOf(m) {
			continue
		}
		if t.from == from && t.to == to || (t.tier > tiers.Exact || m.Tier > tiers.Exact) && t.from < to && from < t.to {
			return true
		}
	}
	return false
}
