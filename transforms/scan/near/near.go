// Package near finds text that shares the telling words of a prompt in their order: copies with words dropped, added, changed or
// swapped, beginnings and ends of prompts, and what says "do not" to a prompt.
//
// It compares words, so it finds near copies only: a paraphrase in other words is mostly not found. Of 48,000 rephrasings of 48
// published prompts, overlap of words at this threshold finds about one in ten of the prompt it rephrases.
package near

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/normalize"
)

// Threshold is the score from which text is a near copy: the share of the prompt's weight that it keeps.
const Threshold = 0.7

// Least is how many distinctive words a prompt needs to be looked for: with fewer, ordinary text would be a copy.
const Least = 3

// longest is how many words of a prompt are compared; longer ones are compared in pieces of that length.
const longest = 60

// Set is a compiled set of prompts. It is immutable and safe for concurrent use.
type Set struct {
	vocabulary map[string]int32
	weights    []float64 // by word
	negations  []bool    // by word
	prompts    []prompt
	anchors    [][]anchor // by word: where prompts have it
	has        []bool     // by text of New
}

type prompt struct {
	index int // of the texts of New
	words []int32
	total float64 // weight
	slack int     // words that a copy may be longer
	heavy []share // its distinct words, the heaviest first
}

// share is a word and what it has of a prompt's weight.
type share struct {
	word   int32
	weight float64
}

type anchor struct{ prompt, at int32 }

// New compiles texts. Those that have too few distinctive words are left out; Has says which.
func New(texts []string) *Set {
	s := &Set{vocabulary: map[string]int32{}, has: make([]bool, len(texts))}
	for i, text := range texts {
		words := s.words(text)
		for from := 0; from < len(words); from += longest {
			piece := words[from:min(from+longest, len(words))]
			if from == 0 || len(piece) >= longest/2 {
				s.add(i, piece)
			}
		}
	}
	return s
}

func (s *Set) words(text string) (out []int32) {
	var t normalize.Text
	t.Reset([]byte(text))
	t.Words(func(key []byte, _, _ int) {
		id, ok := s.vocabulary[string(key)]
		if !ok {
			id = int32(len(s.weights))
			s.vocabulary[string(key)] = id
			s.weights = append(s.weights, background.Weight(key))
			s.negations = append(s.negations, negation(key))
			s.anchors = append(s.anchors, nil)
		}
		out = append(out, id)
	})
	return out
}

// add indexes a prompt by as few of its heaviest words as every copy above the threshold has at least one of.
func (s *Set) add(index int, words []int32) {
	p := prompt{index: index, words: words, slack: max(3, len(words)/4)}
	distinct := map[int32]float64{}
	telling := 0
	for _, w := range words {
		p.total += s.weights[w]
		if distinct[w] == 0 && s.weights[w] >= background.Distinctive {
			telling++
		}
		distinct[w] += s.weights[w]
	}
	if telling < Least {
		return
	}
	k := int32(len(s.prompts))
	for w, weight := range distinct {
		p.heavy = append(p.heavy, share{w, weight})
	}
	slices.SortFunc(p.heavy, func(a, b share) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.word, b.word)) })
	s.prompts = append(s.prompts, p)
	s.has[index] = true
	covered := 0.0
	for _, h := range p.heavy {
		if covered > p.total*(1-floor) {
			break
		}
		covered += h.weight
		for at, w := range words {
			if w == h.word {
				s.anchors[w] = append(s.anchors[w], anchor{k, int32(at)})
			}
		}
	}
}

// Has says whether text i of New is looked for.
func (s *Set) Has(i int) bool { return s.has[i] }

func (s *Set) negative(word int32) bool { return s.negations[word] }

// A Match is a near copy of a prompt.
type Match struct {
	Text     int // index of the prompt
	From, To int // bytes of the text
	Score    float64
	Edits    int // words dropped, added or moved; a change is a drop and an addition
	Negated  bool
}

// Searcher searches texts, one after the other.
type Searcher struct {
	set  *Set
	ids  []int32
	from []int
	to   []int
	last []int // by prompt: the offset at which it was compared last
	grid []float64
	seen []int32 // by word: how often it stands around the word at hand
	pair []int   // by word of the prompt: the word of the window that it is
	used []bool
}

// NewSearcher makes a searcher, which is not safe for concurrent use.
func NewSearcher(s *Set) *Searcher {
	return &Searcher{set: s, last: make([]int, len(s.prompts)), seen: make([]int32, len(s.weights))}
}

// May says whether a text may hold a near copy: it has a word that one needs.
func (s *Searcher) May(t *normalize.Text) (may bool) {
	t.Words(func(key []byte, _, _ int) {
		if id, ok := s.set.vocabulary[string(key)]; ok && len(s.set.anchors[id]) > 0 {
			may = true
		}
	})
	return may
}

// Scan calls emit for near copies in t, copies included. A place may be reported more than once, for one prompt too.
func (s *Searcher) Scan(t *normalize.Text, emit func(Match)) {
	if len(s.set.prompts) == 0 {
		return
	}
	s.ids, s.from, s.to = s.ids[:0], s.from[:0], s.to[:0]
	t.Words(func(key []byte, from, to int) {
		id, ok := s.set.vocabulary[string(key)]
		if !ok {
			id = unknown
			if negation(key) {
				id = negative
			}
		}
		s.ids, s.from, s.to = append(s.ids, id), append(s.from, from), append(s.to, to)
	})
	for i := range s.last {
		s.last[i] = math.MinInt / 2
	}
	clear(s.seen)
	for _, id := range s.ids[:min(around, len(s.ids))] {
		s.see(id, 1)
	}
	for i, id := range s.ids {
		if k := i + around; k < len(s.ids) {
			s.see(s.ids[k], 1)
		}
		if k := i - around - 1; k >= 0 {
			s.see(s.ids[k], -1)
		}
		if id < 0 {
			continue
		}
		for _, a := range s.set.anchors[id] {
			p := &s.set.prompts[a.prompt]
			if offset := i - int(a.at); s.enough(p) && abs(offset-s.last[a.prompt]) > p.slack/2 {
				s.last[a.prompt] = offset
				s.compare(t, p, max(0, offset-p.slack), min(len(s.ids), offset+len(p.words)+p.slack), emit)
			}
		}
	}
}

// around is how many words before and behind one a copy that has it can reach.
const around = longest + longest/2

func (s *Searcher) see(id, by int32) {
	if id >= 0 {
		s.seen[id] += by
	}
}

// enough says whether there is enough of a prompt around the word at hand: of its heaviest words, few are missing.
func (s *Searcher) enough(p *prompt) bool {
	missing := 0.0
	for _, h := range p.heavy {
		if s.seen[h.word] == 0 {
			if missing += h.weight; missing > p.total*(1-floor) {
				return false
			}
		}
	}
	return true
}

// The ids of words that no prompt has.
const (
	unknown  = -1
	negative = -2
)

func negation(word []byte) bool {
	switch string(word) {
	case "not", "never", "no", "dont", "avoid", "without", "refuse", "refrain", "stop", "cannot", "cant", "wont", "shouldnt", "mustnt", "isnt", "arent", "doesnt", "neither", "nor":
		return true
	}
	return false
}

// Negated says whether what stands before a match turns it round: a negation among the last words of the sentence.
func Negated(before []byte) bool {
	before = before[max(0, len(before)-64):] // tiers keeps as many between the parts of a text
	if k := bytes.LastIndexAny(before, ".!?\n"); k >= 0 {
		before = before[k+1:]
	}
	var t normalize.Text
	t.Reset(before)
	var last [4]bool
	n := 0
	t.Words(func(key []byte, _, _ int) {
		last[n%len(last)] = negation(key)
		n++
	})
	return last != [4]bool{}
}

func abs(n int) int { return max(n, -n) }
