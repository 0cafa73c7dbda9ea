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

// block is neighbouring lines of plain text: what is wrapped over several is found.
type block struct {
	search *tiers.Searcher // decodes nothing, since all that stands encoded in many lines is too much for one text
	text   []byte          // with line ends
	lines  []blockLine
	kept   int    // bytes at the start that were searched with the block before, too
	told   []told // in bytes of the plain text: what was found over lines that are searched again
	alone  []told // what was found in lines by themselves
}

// blockLine is where a line begins in the block, its position in the plain text, and its number.
type blockLine struct {
	from    int
	at, row int64
}

// join searches a line by itself, and adds it to the block.
func (a *Auditor) join(source string, l *lines) error {
	if err := a.plain(source, l); err != nil {
		return err
	}
	return a.add(source, l)
}

// add adds a line to the block, which it ends where it is a part of a longer one, or very long.
func (a *Auditor) add(source string, l *lines) error {
	b := &a.block
	if b.search == nil {
		return nil
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
	return a.set.NewSearcher().Undecoded()
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
	b.text, b.lines, b.kept, b.told, b.alone = b.text[:0], b.lines[:0], 0, b.told[:0], b.alone[:0]
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
	before := b.told
	b.told = nil
	emit := func(m tiers.Match) {
		if err != nil || m.Pattern < 0 || more && m.From >= keep+beforeCopy {
			return
		}
		i, j := b.line(m.From), b.line(m.To-1)
		if i == j {
			return
		}
		first, start := &b.lines[i], b.lines[i].from
		end := b.end(j)
		m.From, m.To = m.From-start, min(m.To, end)-start
		from, to := first.at+int64(m.From), first.at+int64(m.To)
		if a.toldOf(before, m, from, to) || a.toldOf(b.alone, m, from, to) || a.toldOf(b.told, m, from, to) {
			return
		}
		b.told = append(b.told, told{a.promptOf(m), m.Tier, from, to})
		a.textSum = ""
		err = a.report(Finding{Source: source, Position: first.at, Row: first.row, Span: [2]int64{int64(m.From), int64(m.To)}}, m, b.text[start:end])
	}
	if b.search.May(b.text) {
		b.search.Scan(b.text, emit)
	}
	if a.Tier >= tiers.Encoded {
		a.searchGlued(source, emit)
	}
	behind := int64(0) // where the lines begin that stay
	for _, l := range b.lines {
		if l.from == keep {
			behind = l.at
		}
	}
	ended := func(t told) bool { return keep == len(b.text) || t.to <= behind }
	b.told, b.alone = slices.DeleteFunc(b.told, ended), slices.DeleteFunc(b.alone, ended)
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

// searchGlued searches lines of the block over which something encoded may go on: not too many at once, and those that two searches
// have in common hold a copy as long as it may be.
func (a *Auditor) searchGlued(source string, emit func(tiers.Match)) {
	b := &a.block
	most := max(gluedBytes, 4*a.overlap())
	for i := 0; i < len(b.lines); i++ {
		for first := i; i+1 < len(b.lines) && b.glued(i); {
			from := b.lines[first].from
			for i++; i+1 < len(b.lines) && b.end(i)-from < most && b.glued(i); {
				i++
			}
			if piece := b.text[from:b.end(i)]; a.search.May(piece) {
				a.textSum = ""
				a.scanned(source, b.lines[first].row, func() {
					a.search.ScanJoined(piece, func(m tiers.Match) {
						if m.Tier == tiers.Encoded {
							m.From, m.To = m.From+from, m.To+from
							emit(m)
						}
					})
				})
			}
			for first = i; first > 0 && b.lines[first].from > b.end(i)-a.overlap() && b.glued(first-1); {
				first--
			}
		}
	}
}

// gluedBytes is about how much text of glued lines is searched at once: the decoder's limit leaves more for each byte of a short text.
const gluedBytes = 16 << 10

// end is where line i of the block ends.
func (b *block) end(i int) int {
	if i+1 < len(b.lines) {
		return b.lines[i+1].from - 1
	}
	return len(b.text) - 1
}

// glued says whether something encoded may go on from line i to the next.
func (b *block) glued(i int) bool {
	return tiers.GoesOn(b.text[b.lines[i].from:b.end(i)], b.text[b.lines[i+1].from:b.end(i+1)])
}
