package audit

import (
	"sort"
	"strings"

	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan/tiers"
)

// json searches the strings of a JSON line, each as what it says. A line that is no JSON is searched as it is; where it
// should be JSON, that is a problem.
func (a *Auditor) json(source string, l *lines, want bool) error {
	if jsontext.Space(l.text, 0) == len(l.text) {
		return nil
	}
	if bad := jsontext.Valid(l.text); bad != nil {
		if want {
			a.problem(source, "line %d is no JSON: %v; it was searched as plain text", l.row, bad)
		}
		return a.join(source, l)
	}
	quoted := !want && l.text[jsontext.Space(l.text, 0)] == '"' // words in quotes may be a line of text all the same
	if !quoted {
		if err := a.endBlock(source); err != nil {
			return err
		}
	}
	if a.mayHold(l.text) {
		if err := a.record(Finding{Source: source, Position: l.at, Row: l.row}, l.text); err != nil {
			return err
		}
	}
	if quoted {
		return a.add(source, l)
	}
	return nil
}

// mayHold says whether there may be anything in the strings of JSON text. It is fast.
func (a *Auditor) mayHold(text []byte) bool {
	if a.Tier == tiers.Exact {
		// Where nothing is escaped, what is not in the text is in none of its strings.
		return strings.IndexByte(bytesString(text), '\\') >= 0 || a.search.May(text)
	}
	a.views.reset()
	a.views.add(text)
	return a.views.over || a.views.any(a.search.May)
}

// place is a finding in a string of the record at hand.
type place struct {
	prompt   string
	value    int // which of the record's values; -1 for a key
	from, to int
}

// record searches the strings of valid JSON text, each by itself and then those of a key as one.
func (a *Auditor) record(at Finding, text []byte) error {
	var err error
	a.places = a.places[:0]
	values := 0
	bad := jsontext.Strings(text, func(pointer string, s []byte, key bool) {
		value := -1
		if !key {
			value = values
			values++
		}
		a.scan(at.Source, at.Row, s, func(m tiers.Match) {
			if err != nil {
				return
			}
			f := at
			f.Pointer, f.Span = pointer, [2]int64{int64(m.From), int64(m.To)}
			if value >= 0 && len(a.places) < maxPlaces {
				a.places = append(a.places, place{a.promptOf(m), value, m.From, m.To})
			}
			err = a.report(f, m, s)
		})
	})
	if err != nil || bad != nil || a.Tier == tiers.Exact {
		return firstOf(err, bad)
	}
	a.views.reset()
	a.views.add(text)
	if a.views.over {
		a.problem(at.Source, "row %d: it has more than %d strings, or strings below more than %d keys: each was searched by itself, not what begins in one and ends in another", at.Row, maxStrings, maxViews)
		return nil
	}
	for _, k := range a.views.used {
		if err := a.joined(at, &a.views.list[k], text); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// maxPlaces is how many findings of a record are remembered: a split copy beside another of the same prompt is none.
const maxPlaces = 1 << 16

// split is a match that begins in one value of a view and ends in another.
type split struct {
	match       tiers.Match
	view        *view
	first, last int // parts of the view
}

// maxSplits is how many of them wait for their JSON pointers, which one walk through the record finds.
const maxSplits = 1 << 16

// joined looks for what begins in one value of a view of a record and ends in another, and was not found in one of them.
func (a *Auditor) joined(at Finding, w *view, record []byte) (err error) {
	if len(w.parts) < 2 || !a.search.May(w.text) {
		return nil
	}
	a.scan(at.Source, at.Row, w.text, func(m tiers.Match) {
		first, last := w.at(m.From), w.at(m.To-1)
		if err != nil || first == last || m.Pattern < 0 || a.known(w, m, first, last) {
			return
		}
		if a.splits = append(a.splits, split{m, w, first, last}); len(a.splits) == maxSplits {
			err = a.reportSplits(at, record)
		}
	})
	return firstOf(err, a.reportSplits(at, record))
}

func (a *Auditor) reportSplits(at Finding, record []byte) error {
	if len(a.splits) == 0 {
		return nil
	}
	pointers := map[int]string{}
	for _, s := range a.splits {
		pointers[s.view.parts[s.first].value], pointers[s.view.parts[s.last].value] = "", ""
	}
	value := 0
	if err := jsontext.Strings(record, func(pointer string, _ []byte, key bool) {
		if key {
			return
		}
		if _, ok := pointers[value]; ok {
			pointers[value] = pointer
		}
		value++
	}); err != nil {
		return err
	}
	for _, s := range a.splits {
		f, w := at, s.view
		from := w.parts[s.first].from
		f.Pointer, f.Last = pointers[w.parts[s.first].value], pointers[w.parts[s.last].value]
		f.Span = [2]int64{int64(s.match.From - from), int64(w.end(s.first) - from)}
		s.match.Kind = Split
		if err := a.report(f, s.match, w.text); err != nil {
			return err
		}
	}
	a.splits = a.splits[:0]
	return nil
}

// known says whether the prompt was found in one of the parts, where a match begins or ends.
func (a *Auditor) known(w *view, m tiers.Match, first, last int) bool {
	prompt := a.promptOf(m)
	for k := first; k <= last; k++ {
		part := w.parts[k]
		i := sort.Search(len(a.places), func(i int) bool { return a.places[i].value >= part.value })
		for ; i < len(a.places) && a.places[i].value == part.value; i++ {
			if p := a.places[i]; p.prompt == prompt && part.from+p.to > m.From && part.from+p.from < m.To {
				return true
			}
		}
	}
	return false
}

func (a *Auditor) promptOf(m tiers.Match) string {
	if m.Pattern < 0 {
		return ""
	}
	return a.Patterns[m.Pattern].Prompt
}

// scan searches a text, and says so where not all of it could be read.
func (a *Auditor) scan(source string, row int64, text []byte, emit func(tiers.Match)) {
	a.textSum = ""
	a.scanned(source, row, func() { a.search.Scan(text, emit) })
}

// scanned runs a search, and says so where not all could be read.
func (a *Auditor) scanned(source string, row int64, search func()) {
	before := a.search.Stopped()
	search()
	if a.search.Stopped() > before {
		a.problem(source, "row %d: more stands encoded there than is read of one text: not all of it was searched", row)
	}
}
