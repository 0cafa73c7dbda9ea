package scan

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/transforms/scan/tiers"
)

// Wide searches the strings of records with wider nets than the hits of a batch come from. It is not safe for concurrent use.
type Wide struct {
	search *tiers.Searcher
	reader applier
	buf    []byte
	ends   []int // of the turns in buf
}

// NewWide makes a Wide for records of a schema.
func NewWide(in *arrow.Schema, layout *schemas.Layout, set *tiers.Set) *Wide {
	w := &Wide{search: set.NewSearcher()}
	w.reader.bind(in, layout)
	return w
}

// Set compiles texts for NewWide; those of one id are one prompt.
func Set(texts, ids []string, tier tiers.Tier) *tiers.Set {
	groups, patterns := map[string]int{}, make([]tiers.Pattern, len(texts))
	for i, t := range texts {
		g, ok := groups[ids[i]]
		if !ok {
			g = len(groups)
			groups[ids[i]] = g
		}
		patterns[i] = tiers.Pattern{Text: t, Group: g, Tier: tier}
	}
	return tiers.New(patterns, tier)
}

// Undecoded is the kind of the match, of pattern -1, that stands for a text that holds more encodings than are read.
const Undecoded = "undecoded"

// Strings calls emit for what stands in the strings of the wanted rows: the hit says where.
func (w *Wide) Strings(rec arrow.Record, want func(row int) bool, emit func(pipeline.Hit, tiers.Match)) {
	for k := range w.reader.leaves {
		l := &w.reader.leaves[k]
		newWalk(rec.Column(l.column).Data(), l.steps).each(func(row, turn int, text []byte) {
			if !want(row) {
				return
			}
			if l.json {
				w.buf = appendStrings(w.buf[:0], text, '\n')
				text = w.buf
			}
			w.scan(text, func(m tiers.Match) {
				emit(pipeline.Hit{Row: int32(row), Slot: l.slot, Turn: int32(turn), At: int32(m.From), Prompt: int32(m.Pattern), Leaf: int32(k)}, m)
			})
		})
	}
}

// scan searches a text; that not all of it could be decoded is a match too.
func (w *Wide) scan(text []byte, emit func(tiers.Match)) {
	before := w.search.Stopped()
	w.search.Scan(text, func(m tiers.Match) {
		if m.Pattern >= 0 {
			emit(m)
		}
	})
	if w.search.Stopped() > before {
		emit(tiers.Match{Pattern: -1, To: len(text), Tier: tiers.Encoded, Kind: Undecoded})
	}
}

// Turn searches all strings of a turn.
func (w *Wide) Turn(t *schemas.Turn, emit func(tiers.Match)) {
	w.buf = w.buf[:0]
	if raw := t.JSON(); raw != nil {
		w.buf = appendStrings(w.buf, raw, '\n')
	} else {
		for _, p := range t.Parts() {
			w.buf = append(append(w.buf, p...), '\n')
		}
	}
	w.scan(w.buf, emit)
}

// Joined searches the texts of turns as one: emit is called for what begins in one turn, which is named, and ends in another.
func (w *Wide) Joined(turns []schemas.Turn, emit func(turn int, m tiers.Match)) {
	if len(turns) < 2 {
		return
	}
	w.buf, w.ends = w.buf[:0], w.ends[:0]
	for i := range turns {
		for _, p := range turns[i].Parts() {
			w.buf = append(append(w.buf, p...), '\n')
		}
		w.ends = append(w.ends, len(w.buf))
	}
	if !w.search.May(w.buf) {
		return
	}
	w.scan(w.buf, func(m tiers.Match) {
		from, _ := slices.BinarySearch(w.ends, m.From+1)
		if to, _ := slices.BinarySearch(w.ends, m.To); from < to {
			emit(from, m)
		}
	})
}
