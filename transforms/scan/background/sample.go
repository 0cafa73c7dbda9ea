package background

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"inoculate/transforms/scan/normalize"
)

// sampleBytes is the length of the sample.
const sampleBytes = 512 << 10

// Sample is text made of the table: each word follows the one before as often as it does in chat records, in small letters, with
// a mark now and then. What it says is nonsense, but stretches of some letters are as common in it as in what people write. It
// must not be changed.
var Sample = sync.OnceValue(func() []byte {
	t := load()
	type choice struct {
		words []string
		sums  []float64
	}
	add := func(c *choice, word string, n float64) {
		if k := len(c.sums); k > 0 {
			n += c.sums[k-1]
		}
		c.words, c.sums = append(c.words, word), append(c.sums, n)
	}
	keys := make([]string, 0, len(t.counts))
	for k := range t.counts {
		keys = append(keys, k)
	}
	slices.Sort(keys) // the sample is the same each time
	var any choice
	after := map[string]*choice{}
	for _, k := range keys {
		first, second, pair := strings.Cut(k, " ")
		if !pair {
			add(&any, k, t.counts[k])
			continue
		}
		if after[first] == nil {
			after[first] = &choice{}
		}
		add(after[first], second, t.counts[k])
	}
	r := rand.New(rand.NewPCG(11, 12))
	draw := func(c *choice) string {
		k, _ := slices.BinarySearch(c.sums, r.Float64()*c.sums[len(c.sums)-1])
		return c.words[min(k, len(c.words)-1)]
	}
	out := make([]byte, 0, sampleBytes+64)
	word := draw(&any)
	for len(out) < sampleBytes {
		out = append(out, word...)
		// Pairs that are rare are not in the table: one in four words follows as it comes.
		if next := after[word]; next != nil && r.IntN(4) > 0 {
			word = draw(next)
		} else {
			word = draw(&any)
		}
		if r.IntN(8) == 0 {
			out = append(out, ",.:?"[r.IntN(4)])
		}
		out = append(out, ' ')
	}
	return out
})

// SampleKey is the key of the sample.
var SampleKey = sync.OnceValue(func() []byte { return normalize.Key(Sample()) })
