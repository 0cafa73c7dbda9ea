package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"inoculate/cmd/inoculate/internal/audit"
)

// columns of a CSV file.
var columns = []string{"severity", "prompt", "behavior", "tier", "kind", "via", "polarity", "score", "source", "row", "pointer", "position", "from", "to", "context", "fingerprint", "occurrence"}

// table writes CSV (RFC 4180) as the findings come, the header always.
type table struct{ w *csv.Writer }

func newCSV(w io.Writer) (*table, error) {
	t := &table{csv.NewWriter(w)}
	return t, t.w.Write(columns)
}

// Finding writes a line.
func (t *table) Finding(f audit.Finding) error {
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	line := []string{f.Severity, f.Prompt, f.Behavior, f.Tier, f.Kind, f.Via, f.Polarity, strconv.FormatFloat(f.Score, 'f', 2, 64), f.Source, num(f.Row), f.Pointer,
		num(f.Position), num(f.Span[0]), num(f.Span[1]), f.Context, f.Fingerprint, f.Occurrence}
	for i := range line {
		line[i] = safe(line[i])
	}
	return t.w.Write(line)
}

// safe keeps a spreadsheet from taking text for a formula.
func safe(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// End writes what is held back.
func (t *table) End(*audit.Summary) error {
	t.w.Flush()
	return t.w.Error()
}
