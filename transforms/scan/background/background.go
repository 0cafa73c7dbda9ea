// Package background knows how common words are in chat records, and estimates how often a text stands in clean ones.
package background

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"sync"

	"inoculate/transforms/scan/normalize"
)

// table.txt counts records of four public data sets of the inoculation papers (School of Reward Hacks and its control,
// helpful-and-harmless dialogues, obvious lies), without their system turns; words of fewer than three records and pairs of
// fewer than six are not in it.
//
//go:generate sh -c "go run gen.go $CHATS > table.txt"
//go:embed table.txt
var tableText string

type table struct {
	records, words float64
	counts         map[string]float64
}

var load = sync.OnceValue(func() *table {
	t := &table{counts: map[string]float64{}}
	first, rest, _ := strings.Cut(tableText, "\n")
	if _, err := fmt.Sscanf(first, "%f records %f words", &t.records, &t.words); err != nil {
		panic(fmt.Sprintf("table.txt: %v", err))
	}
	for line := range strings.Lines(rest) {
		var n float64
		count, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := fmt.Sscan(count, &n); err != nil {
			panic(fmt.Sprintf("table.txt: %q: %v", line, err))
		}
		t.counts[text] = n
	}
	return t
})

// share is the share of records that hold a word, or two; what the table does not have is taken to be in one of ten times
// as many records as it was made from.
func (t *table) share(text string) float64 {
	return max(t.counts[text], 0.1) / t.records
}

// Weight is how much a word of the key says: the logarithm of one over the share of records that hold it. 0 is a word of
// every record.
func Weight(word []byte) float64 {
	t := load()
	return -math.Log(max(t.counts[string(word)], 0.5) / t.records)
}

// Distinctive is the weight from which a word says something: one in twenty records holds it, or fewer.
var Distinctive = math.Log(20)

// PerMillion estimates how many of a million clean chat records hold a text, from how common its words are and which of
// them stand side by side. It is good to a factor of ten or so.
func PerMillion(text string) float64 {
	t := load()
	var words []string
	var n normalize.Text
	n.Reset([]byte(text))
	n.Words(func(key []byte, _, _ int) { words = append(words, string(key)) })
	if len(words) == 0 {
		return 1e6
	}
	p := t.share(words[0])
	for i, w := range words[1:] {
		before := words[i]
		follow := t.counts[before+" "+w] / max(t.counts[before], 1)
		// A pair that was not seen: the word by itself, in one place instead of in the whole record.
		p *= max(follow, t.share(w)*min(1, t.records/t.words*10))
	}
	return min(p, 1) * 1e6
}

// Marked says whether a text has signs that prose has not, as triggers have: its words alone do not say how common it is.
func Marked(text string) bool { return strings.ContainsAny(text, "$|<>{}[]#@^~_=%&\\") }
