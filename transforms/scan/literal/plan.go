package literal

import (
	"math"
	"math/bits"
	"slices"
)

// planner chooses strides and windows by what they cost: each probe, and each place of the sample that has a window.
type planner struct {
	set     *Set
	sample  []byte
	width   int      // of the windows that were tallied
	shift   uint     // from a hash to a tally
	windows []counts // by hash
	hashes  []uint32 // memory for place: of the windows of a pattern
	weights []uint64 // what they cost
	others  int      // patterns that have no window, which few takes with those that are left if it can; more than most if it cannot
}

// counts are in how many places of the sample a window stands, or of the patterns where there is no sample; and how many patterns have
// it, of those that were placed.
type counts struct{ seen, used uint16 }

const (
	widest      = 64      // stride
	manyWindows = 1 << 21 // of a class, where a smaller stride is possible

	manyPatterns = 4096 // for which not every stride is tried, but up, or down, to one that costs more
)

const (
	nearBytes = 32 << 10
	middle    = 256 << 10
)

// costs are the costs of a probe by the size of the filter, of one that passes by chance, of a look at the patterns of a window, and of
// the way through a byte of text once more, as measured, in units of which only ratios count.
type costs struct {
	near   float64 // a filter that the nearest cache holds
	middle float64 // the next one
	far    float64 // neither
	chance float64
	verify float64 // most of it is waiting for memory
	pass   float64
}

// The costs of the portable loop, of the kernel, and of few for a byte.
var (
	plainCosts  = costs{near: 0.7, middle: 0.85, far: 2, chance: 6, verify: 15, pass: 0.05}
	kernelCosts = costs{near: 0.25, middle: 0.33, far: 0.9, chance: 4, verify: 10, pass: 0.02}
)

const costFew = 0.04

// strideOf is the largest stride of a pattern that has a window.
func (p *planner) strideOf(pattern int) int {
	n := len(p.set.patterns[pattern]) - window + 1
	return min(widest, 1<<(bits.Len(uint(n))-1))
}

// tally is what is known of a class before it is made.
type tally struct {
	stride, patterns int
	windows          int    // different ones
	seen             uint64 // places of the sample that have one of them
}

// plan parts patterns that have a window into classes of the set: those that are long enough for the stride that costs least, and the
// others, with the stride that all of these have, which it returns.
func (p *planner) plan(patterns []int) (short []int) {
	if len(patterns) == 0 {
		return nil
	}
	// Those that have least to choose from choose first.
	patterns = slices.SortedStableFunc(slices.Values(patterns), func(a, b int) int { return len(p.set.patterns[a]) - len(p.set.patterns[b]) })
	p.count(window, patterns)
	least, highest := widest, 1
	for _, i := range patterns {
		least, highest = min(least, p.strideOf(i)), max(highest, p.strideOf(i))
	}
	best, cost := 1, math.Inf(1)
	try := func(s int) (better bool) {
		short, long := p.part(patterns, s)
		if s > highest || s > 1 && len(long)*s > manyWindows {
			return false
		}
		t := p.place(s, long, nil)
		c := p.cost(&t)
		if n := len(short) + p.others; n == 0 || n > most || !vectors {
			t = p.place(least, short, nil)
			c += p.cost(&t)
		} else {
			c += costFew
		}
		if c >= cost {
			return false
		}
		best, cost = s, c
		return true
	}
	for s := min(4, highest); (try(s) || len(patterns) < manyPatterns) && s < highest; s *= 2 {
	}
	for s := 2; s >= 1 && best <= 4 && (try(s) || len(patterns) < manyPatterns); s /= 2 {
	}
	short, long := p.part(patterns, best)
	p.set.classes = append(p.set.classes, p.class(best, long))
	if len(short) > 0 {
		p.set.classes = append(p.set.classes, p.class(least, short))
	}
	return short
}

// part parts patterns, the shorter ones before the longer, by whether they are long enough for a stride. Some may lack a byte or two.
func (p *planner) part(patterns []int, stride int) (short, long []int) {
	k, _ := slices.BinarySearchFunc(patterns, window-1+stride, func(i, n int) int { return len(p.set.patterns[i]) - n })
	open := (len(patterns) - k) * stride / openValues / openShare
	for ; k > 0; k-- {
		lacks := p.lacking(p.set.patterns[patterns[k-1]], stride)
		if open -= lacks; lacks > 2 || open < 0 {
			break
		}
	}
	return patterns[:k], patterns[k:]
}

// place chooses the windows of patterns, which come in the order in which they are to choose, and tells of each where the first is.
// A window that others have is cheap: the text that has it must be looked at anyway.
func (p *planner) place(stride int, patterns []int, at func(pattern, start int)) tally {
	t := tally{stride: stride, patterns: len(patterns)}
	for h := range p.windows {
		p.windows[h].used = 0
	}
	for _, i := range patterns {
		pat, start := p.set.patterns[i], 0
		if lacks := p.lacking(pat, stride); lacks > 0 {
			start = 1 - lacks
			p.hashes = p.hashes[:0]
			for off := start; off < start+stride; off++ {
				openWindows(pat, off, func(x uint64) { p.hashes = append(p.hashes, p.tallyOf(x)) })
			}
		} else {
			start = cheapest(p.weigh(pat), stride)
			p.hashes = p.hashes[start : start+stride]
		}
		for _, h := range p.hashes {
			w := &p.windows[h]
			if w.used == 0 {
				t.windows++
				t.seen += uint64(w.seen)
			}
			more(&w.used)
		}
		if at != nil {
			at(i, start)
		}
	}
	return t
}

// count counts the windows of the sample and of patterns.
func (p *planner) count(width int, patterns []int) {
	n := len(p.sample)
	for _, i := range patterns {
		n += len(p.set.patterns[i])
	}
	tallyBits := min(21, max(10, bits.Len(uint(2*n)))) // most have none, or what looks rare would be by chance
	p.width, p.shift = width, uint(64-tallyBits)
	p.windows = make([]counts, 1<<tallyBits)
	count := func(b []byte) { more(&p.windows[p.tallyOf(folded(b, width))].seen) }
	for i := 0; i+window <= len(p.sample); i++ {
		count(p.sample[i:])
	}
	for _, i := range patterns {
		if pat := p.set.patterns[i]; len(p.sample) == 0 {
			for off := 0; off+width <= len(pat); off++ {
				count(pat[off:])
			}
		}
	}
}

// tallyOf is where a window is counted.
func (p *planner) tallyOf(x uint64) uint32 { return uint32(hash(x) >> p.shift) }

// more counts up to the largest number there is.
func more(n *uint16) { *n = max(*n, *n+1) }

// folded is the window at the start of b.
func folded(b []byte, width int) uint64 {
	mask := maskOf(width)
	return load(b)&mask | fold&mask
}

func maskOf(width int) uint64 {
	if width < window {
		return 1<<(8*width) - 1
	}
	return ^uint64(0)
}

// weigh says what each window of a pattern costs: most is where the sample has it. One that is new costs that, one that others have is
// one pattern more to look at in these places. Where there is no sample, what many patterns have is taken to stand in text often.
func (p *planner) weigh(pattern []byte) []uint64 {
	out, hashes := p.weights[:0], p.hashes[:0]
	for off := 0; off+p.width <= len(pattern); off++ {
		h := p.tallyOf(folded(pattern[off:], p.width))
		hashes = append(hashes, h)
		seen, others := uint64(p.windows[h].seen), uint64(p.windows[h].used)
		switch {
		case len(p.sample) == 0:
			out = append(out, seen)
		case others == 0:
			out = append(out, seen*64+unseen)
		default:
			out = append(out, seen*3+others/64)
		}
	}
	p.weights, p.hashes = out, hashes
	return out
}

// unseen is what a new window costs that the sample does not have, where one place of the sample costs 64.
const unseen = 20

// cost is what a class costs a byte of text.
func (p *planner) cost(t *tally) float64 {
	if t.patterns == 0 {
		return 0
	}
	costs := &plainCosts
	if hasProbes && p.width == window {
		costs = &kernelCosts
	}
	windows := t.windows
	filter := 1 << filterBits(windows)
	probe := costs.far
	switch {
	case filter/8 <= nearBytes:
		probe = costs.near
	case filter/8 <= middle:
		probe = costs.middle
	}
	full := 1 - math.Exp(-3*float64(windows)/float64(filter))
	probe += full * full * full * costs.chance
	if len(p.sample) > 0 {
		probe += float64(t.seen) / float64(len(p.sample)) * costs.verify
	}
	return costs.pass + probe/float64(t.stride)
}

// filterBits is the logarithm of the bits of a filter: 16 to 32 for each window, or half where the cache would not hold that, or
// twice as many where the nearest one holds it with the text.
func filterBits(windows int) int {
	n := bits.Len(uint(max(64, windows)*16 - 1))
	switch {
	case 1<<n > 8*middle:
		n--
	case 1<<n <= 8*nearBytes/4:
		n++
	}
	return n
}

// class compiles patterns, whose windows were counted.
func (p *planner) class(stride int, patterns []int) *class {
	c := &class{width: p.width, stride: stride, mask: maskOf(p.width)}
	all := make([]keyed, 0, len(patterns)*stride)
	add := func(x uint64, pattern, off int) {
		pat, next := p.set.patterns[pattern], off+c.width
		follow, near, kind := uint32(nothing), uint32(0), none
		if next+4 <= len(pat) {
			follow = folded4(pat[next:])
		}
		switch {
		case next+8 <= len(pat):
			near, kind = folded4(pat[next+4:]), after
		case off >= 4:
			near, kind = folded4(pat[off-4:]), before
		}
		h := hashKey(x, follow)
		e := entry{tagOf(x, h, near), int32(pattern), uint32(off+1) | uint32(kind<<besideShift)}
		if follow == nothing {
			e.place |= aloneBit
		}
		all = append(all, keyed{e, x, h})
	}
	p.place(stride, patterns, func(pattern, start int) {
		pat := p.set.patterns[pattern]
		for off := start; off < start+stride; off++ {
			if off >= 0 && off+c.width <= len(pat) {
				add(folded(pat[off:], c.width), pattern, off)
			} else {
				c.open = 1
				openWindows(pat, off, func(x uint64) { add(x, pattern, off) })
			}
		}
	})
	windows := make([]uint64, len(all))
	for k := range all {
		windows[k] = all[k].window
	}
	c.filter = make([]uint32, 1<<(filterBits(distinct(windows))-5))
	for k := range all {
		f := sift(all[k].window)
		c.filter[f>>siftWord&uint32(len(c.filter)-1)] |= siftBits(f)
	}
	c.behind = newBehind(all)
	return c
}

// cheapest is the first of stride neighbours that cost least together. The last four are taken only where it must be: nothing is known
// of what stands behind them.
func cheapest(costs []uint64, stride int) (best int) {
	costs = costs[:max(len(costs)-4, min(len(costs), stride))]
	sum := uint64(0)
	for _, c := range costs[:stride] {
		sum += c
	}
	least := sum
	for off := stride; off < len(costs); off++ {
		if sum += costs[off] - costs[off-stride]; sum < least {
			best, least = off-stride+1, sum
		}
	}
	return best
}
