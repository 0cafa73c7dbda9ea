package near

import (
	"slices"

	"inoculate/transforms/scan/normalize"
)

// What a score is made of.
const (
	floor      = 0.4 // the least share of a prompt's weight: an unedited part with that much may count as a near copy
	leastWords = 0.6 // the least share of the prompt's words in such a part
	moved      = 0.5 // of the weight of a word that is not in its place
	extra      = 0.5 // words in between count against the matched ones by this
)

// compare aligns a prompt with words [lo, hi) of the text: the heaviest words that stand in both in the same order.
func (s *Searcher) compare(t *normalize.Text, p *prompt, lo, hi int, emit func(Match)) {
	n, m := len(p.words), hi-lo
	window := s.ids[lo:hi]
	s.grid = slices.Grow(s.grid[:0], (n+1)*(m+1))[:(n+1)*(m+1)]
	clear(s.grid[:m+1])
	for i := 1; i <= n; i++ {
		row, above := s.grid[i*(m+1):(i+1)*(m+1)], s.grid[(i-1)*(m+1):i*(m+1)]
		row[0] = 0
		for j := 1; j <= m; j++ {
			best := max(row[j-1], above[j])
			if p.words[i-1] == window[j-1] {
				best = max(best, above[j-1]+s.set.weights[p.words[i-1]])
			}
			row[j] = best
		}
	}
	s.trace(p, window)
	s.judge(t, p, lo, emit)
}

// trace goes back through the grid: pair is for each word of the prompt its word of the window, or -1.
func (s *Searcher) trace(p *prompt, window []int32) {
	n, m := len(p.words), len(window)
	s.pair = slices.Grow(s.pair[:0], n)[:n]
	s.used = slices.Grow(s.used[:0], m)[:m]
	clear(s.used)
	for i := range s.pair {
		s.pair[i] = -1
	}
	at := func(i, j int) float64 { return s.grid[i*(m+1)+j] }
	for i, j := n, m; i > 0 && j > 0; {
		switch {
		case p.words[i-1] == window[j-1] && at(i, j) == at(i-1, j-1)+s.set.weights[p.words[i-1]]:
			i, j = i-1, j-1
			s.pair[i] = j
			s.used[j] = true
		case at(i, j) == at(i-1, j):
			i--
		default:
			j--
		}
	}
}

// judge gives the alignment its score and reports it.
func (s *Searcher) judge(t *normalize.Text, p *prompt, lo int, emit func(Match)) {
	first, last, matched, weight := -1, -1, 0, 0.0
	firstWord, lastWord := 0, 0
	for i, j := range s.pair {
		if j < 0 {
			continue
		}
		if first < 0 {
			first, firstWord = j, i
		}
		last, lastWord = j, i
		matched++
		weight += s.set.weights[p.words[i]]
	}
	if matched < 2 {
		return
	}
	edits := len(p.words) - matched
	run := last-first+1 == matched && lastWord-firstWord+1 == matched
	// Words of the prompt that stand beside their place.
	inside := last - first + 1 - matched
	for i, j := range s.pair {
		if j >= 0 {
			continue
		}
		for k := max(0, first-2); k < min(len(s.used), last+3); k++ {
			if !s.used[k] && s.ids[lo+k] == p.words[i] {
				s.used[k] = true
				weight += moved * s.set.weights[p.words[i]]
				if k > first && k < last {
					inside--
				}
				break
			}
		}
	}
	score := weight / p.total
	negated := false
	for k := first; k <= last; k++ {
		if !s.used[k] {
			negated = negated || s.negates(lo+k)
		}
	}
	score *= float64(matched) / (float64(matched) + extra*float64(max(inside, 0)))
	if run && score >= floor && float64(matched) >= leastWords*float64(len(p.words)) {
		score = max(score, Threshold)
	}
	if score < Threshold {
		return
	}
	from, to := s.from[lo+first], s.to[lo+last]
	for i, j := range s.pair { // a prompt that says not, and a text that does not say it
		if j < 0 && s.set.negative(p.words[i]) {
			negated = !negated
		}
	}
	emit(Match{Text: p.index, From: from, To: to, Score: score, Edits: edits + max(inside, 0), Negated: negated || Negated(t.Raw[:from])})
}

func (s *Searcher) negates(i int) bool {
	return s.ids[i] == negative || s.ids[i] >= 0 && s.set.negative(s.ids[i])
}
