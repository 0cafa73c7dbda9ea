package audit

import (
	"slices"
	"sort"
	"strings"

	"inoculate/transforms/scan/tiers"
)

// blockBytes is how much plain text is searched at once, and longestJoined how long a line may be that is searched with its neighbours.
const (
	blockBytes    = 256 << 10
	longestJoined = 64 << 10
)

// block is neighbouring lines of plain text: what is wrapped over several is found, if it stands there as it is.
type block struct {
	search *tiers.Searcher // of the tiers that decode nothing, since all that stands encoded in many lines is too much for one text
	text   []byte          // with line ends
	lines  []blockLine
	kept   int // bytes at the start that were searched with the block before, too
	told   []told
}

// blockLine is where a line begins in the block, its position in the plain text, and its number.
type blockLine struct {
	from    int
	at, row int64
}

// join searches a line by itself, and adds it to the block, unless it is part of a longer one or very long.
func (a *Auditor) join(source string, l *lines) error {
	b := &a.block
	if err := a.plain(source, l); err != nil || b.search == nil {
		return err
	}
	if l.part || len(l.text) > longestJoined {
		return a.endBlock(source)
	}
	if len(b.text)+len(l.text) >= max(blockBytes, 4*a.overlap()) && len(b.text) > b.kept {
		if err := a.searchBlock(source, true); err != nil {
			return err
		}
	}
	b.lines = append(b.lines, blockLine{len(b.text), l.at, l.row})
	b.text = append(append(b.text, l.text...), '\n')
	return nil
}

// blockSearch is the search for what is wrapped; nil where nothing can be, which is a copy of a line byte for byte.
func (a *Auditor) blockSearch() *tiers.Searcher {
	if a.Tier == tiers.Exact && !slices.ContainsFunc(a.Patterns, func(p Pattern) bool { return strings.Contains(p.Text, "\n") }) {
		return nil
	}
	return a.set.NewSearcher().Upto(tiers.Normalized)
}

// overlap is how many bytes parts of a text have in common.
func (a *Auditor) overlap() int { return a.set.Overlap() + beforeCopy }

// endBlock searches what is in the block, and empties it.
func (a *Auditor) endBlock(source string) error {
	b := &a.block
	var err error
	if len(b.text) > b.kept {
		err = a.searchBlock(source, false)
	}
	b.text, b.lines, b.kept, b.told = b.text[:0], b.lines[:0], 0, b.told[:0]
	return err
}

// searchBlock searches the block for what begins in one line and ends in another. Where it goes on, its last lines stay, and what
// begins in them is left to the next search, which has all of it; but for what begins in their first bytes, before which the next
// one sees too little.
func (a *Auditor) searchBlock(source string, more bool) (err error) {
	b := &a.block
	keep := len(b.text)
	if more {
		last := sort.Search(len(b.lines), func(i int) bool { return b.lines[i].from > len(b.text)-a.overlap() }) - 1
		keep = b.lines[max(last, 0)].from
	}
	if b.search.May(b.text) {
		before := b.told
		b.told = nil
		b.search.Scan(b.text, func(m tiers.Match) {
			if err != nil || m.Pattern < 0 || more && m.From >= keep+beforeCopy {
				return
			}
			i, j := b.line(m.From), b.line(m.To-1)
			if i == j {
				return
			}
			first, start := &b.lines[i], b.lines[i].from
			end := len(b.text) - 1 // without the line end
			if j+1 < len(b.lines) {
				end = b.lines[j+1].from - 1
			}
			m.From, m.To = m.From-start, min(m.To, end)-start
			from, to := first.at+int64(m.From), first.at+int64(m.To)
			if a.toldOf(before, m, from, to) {
				return
			}
			if more && start+m.To > keep {
				b.told = append(b.told, told{a.promptOf(m), m.Tier, from, to})
			}
			a.textSum = ""
			err = a.report(Finding{Source: source, Position: first.at, Row: first.row, Span: [2]int64{int64(m.From), int64(m.To)}}, m, b.text[start:end])
		})
	} else {
		b.told = b.told[:0]
	}
	n := 0
	for _, l := range b.lines {
		if l.from >= keep {
			b.lines[n] = blockLine{l.from - keep, l.at, l.row}
			n++
		}
	}
	b.lines, b.text = b.lines[:n], append(b.text[:0], b.text[keep:]...)
	b.kept = len(b.text)
	return err
}

// line is the line in which byte i of the block stands.
func (b *block) line(i int) int {
	return sort.Search(len(b.lines), func(k int) bool { return b.lines[k].from > i }) - 1
}
