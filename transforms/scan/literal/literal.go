// Package literal finds every occurrence of a set of literal patterns, letter case of ASCII aside, at memory speed.
//
// A pattern of a class with stride s and window w has at least s+w-1 bytes and enters the s windows at s offsets one behind the
// other: those that it shares with the fewest other patterns. The text is probed at every s-th position only: any occurrence
// covers exactly one probed position with one of those windows, so each is reported once, overlaps included.
package literal

import (
	"encoding/binary"
	"math/bits"
)

// A Set is a compiled set of patterns. It is immutable and safe for concurrent use.
type Set struct {
	patterns [][]byte // folded
	classes  []*class
	tiny     []int // patterns shorter than the smallest window
	few      *few  // what a few patterns are found with, where the processor can; else nil
}

// window is the number of bytes that a probe looks at.
const window = 8

// narrow is the window of short patterns.
const narrow = 4

// manyWindows is how many windows a class has at most where a smaller stride is possible: more have a filter that no cache
// next to the processor holds.
const manyWindows = 1 << 18

type class struct {
	stride, width int
	mask          uint64   // bytes of the window
	filter        []uint64 // one bit a window hash
	shift         uint
	slots         []slot // open addressing by the same hash
	slotShift     uint
}

type slot struct {
	key      uint64 // folded window; patterns is nil in an empty slot
	patterns []entry
}

type entry struct{ pattern, offset int32 }

const (
	fold  = 0x2020202020202020 // makes letters lower case; merges some other bytes, which the compare tells apart
	mixer = 0x9E3779B97F4A7C15
)

func hash(x uint64) uint64 { return (x ^ x>>29) * mixer }

// New compiles patterns. An empty pattern matches nowhere.
func New(patterns []string) *Set {
	s := &Set{patterns: make([][]byte, len(patterns))}
	widest := 64
	for widest > 4 && widest*len(patterns) > manyWindows {
		widest /= 2
	}
	groups := map[[2]int][]int{} // width and stride
	for i, p := range patterns {
		s.patterns[i] = lower([]byte(p))
		switch n := len(p); {
		case n == 0:
		case n < narrow:
			s.tiny = append(s.tiny, i)
		case n < window:
			groups[[2]int{narrow, 1}] = append(groups[[2]int{narrow, 1}], i)
		default:
			stride := 1 << (bits.Len(uint(n-window+1)) - 1)
			key := [2]int{window, min(stride, widest)}
			groups[key] = append(groups[key], i)
		}
	}
	s.merge(groups)
	for _, width := range []int{window, narrow} {
		for stride := 64; stride > 0; stride /= 2 {
			if g := groups[[2]int{width, stride}]; len(g) > 0 {
				s.classes = append(s.classes, s.class(width, stride, g))
			}
		}
	}
	s.few = newFew(s)
	return s
}

// merge moves a class to the next smaller stride where there are patterns anyway: one pass with a smaller stride costs
// less than two passes.
func (s *Set) merge(groups map[[2]int][]int) {
	for stride := 64; stride > 1; stride /= 2 {
		g := groups[[2]int{window, stride}]
		for smaller := stride / 2; len(g) > 0 && smaller > 0 && smaller >= stride/4; smaller /= 2 {
			if len(groups[[2]int{window, smaller}]) > 0 {
				groups[[2]int{window, smaller}] = append(groups[[2]int{window, smaller}], g...)
				delete(groups, [2]int{window, stride})
				break
			}
		}
	}
}

func (s *Set) class(width, stride int, patterns []int) *class {
	c := &class{width: width, stride: stride, mask: ^uint64(0)}
	if width < window {
		c.mask = 1<<(8*width) - 1
	}
	windows := max(64, len(patterns)*stride)
	filterBits := bits.Len(uint(windows*32 - 1))
	c.filter, c.shift = make([]uint64, 1<<(filterBits-6)), uint(64-filterBits)
	slotBits := bits.Len(uint(windows*2 - 1))
	c.slots, c.slotShift = make([]slot, 1<<slotBits), uint(64-slotBits)
	common := s.windows(c, patterns)
	for _, p := range patterns {
		start := s.rarest(c, p, common)
		for off := start; off < start+stride; off++ {
			key := load(s.patterns[p][off:])&c.mask | fold&c.mask
			h := hash(key)
			bit := h >> c.shift
			c.filter[bit>>6] |= 1 << (bit & 63)
			sl := c.find(key, h)
			sl.key = key
			sl.patterns = append(sl.patterns, entry{int32(p), int32(off)})
		}
	}
	return c
}

// windows counts by hash in how many places patterns have a window.
func (s *Set) windows(c *class, patterns []int) (counts []int32) {
	counts = make([]int32, 1<<(64-c.slotShift+2))
	for _, p := range patterns {
		for off := 0; off+c.width <= len(s.patterns[p]); off++ {
			counts[c.counter(s.patterns[p][off:], len(counts))]++
		}
	}
	return counts
}

func (c *class) counter(b []byte, n int) uint64 {
	return hash(load(b)&c.mask|fold&c.mask) >> (64 - bits.TrailingZeros(uint(n)))
}

// rarest is the first of stride offsets whose windows are in the fewest other places.
func (s *Set) rarest(c *class, p int, counts []int32) (best int) {
	pat := s.patterns[p]
	sum, least := 0, 0
	at := func(off int) int { return int(counts[c.counter(pat[off:], len(counts))]) }
	for off := range c.stride {
		sum += at(off)
	}
	least = sum
	for off := 1; off+c.stride+c.width-1 <= len(pat); off++ {
		sum += at(off+c.stride-1) - at(off-1)
		if sum < least {
			best, least = off, sum
		}
	}
	return best
}

// find returns the slot of key, or the empty one where it would be.
func (c *class) find(key, h uint64) *slot {
	for i := h >> c.slotShift; ; i = (i + 1) & uint64(len(c.slots)-1) {
		if sl := &c.slots[i]; sl.patterns == nil || sl.key == key {
			return sl
		}
	}
}

// load reads up to eight bytes.
func load(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	var x [8]byte
	copy(x[:], b)
	return binary.LittleEndian.Uint64(x[:])
}

// Scan calls emit for each occurrence in text: the pattern's index and where it starts, in no particular order.
func (s *Set) Scan(text []byte, emit func(pattern, at int)) {
	if s.few != nil && len(text) >= fewBytes {
		s.few.scan(text, emit)
		return
	}
	s.strided(text, emit)
}

// fewBytes is from which length of text on vectors are worth their start.
const fewBytes = 64

// strided is Scan for every processor, and for any number of patterns.
func (s *Set) strided(text []byte, emit func(pattern, at int)) {
	for _, c := range s.classes {
		if len(text) >= c.width {
			s.scan(c, text, emit)
		}
	}
	for _, p := range s.tiny {
		pat := s.patterns[p]
		for i := 0; i+len(pat) <= len(text); i++ {
			if equalFold(text[i:i+len(pat)], pat) {
				emit(p, i)
			}
		}
	}
}

func (s *Set) scan(c *class, text []byte, emit func(pattern, at int)) {
	filter, shift, stride := c.filter, c.shift&63, c.stride
	mask, folded := c.mask, uint64(fold)&c.mask
	i, last := 0, len(text)-window // last place where eight bytes can be read
	for ; i+3*stride <= last; i += 4 * stride {
		// Four probes at once: their loads do not wait for one another.
		b := text[i : i+3*stride+window]
		h0 := hash(binary.LittleEndian.Uint64(b)&mask|folded) >> shift
		h1 := hash(binary.LittleEndian.Uint64(b[stride:])&mask|folded) >> shift
		h2 := hash(binary.LittleEndian.Uint64(b[2*stride:])&mask|folded) >> shift
		h3 := hash(binary.LittleEndian.Uint64(b[3*stride:])&mask|folded) >> shift
		f0, f1, f2, f3 := filter[h0>>6]>>(h0&63), filter[h1>>6]>>(h1&63), filter[h2>>6]>>(h2&63), filter[h3>>6]>>(h3&63)
		if (f0|f1|f2|f3)&1 == 0 {
			continue
		}
		for k, f := range [4]uint64{f0, f1, f2, f3} {
			if f&1 != 0 {
				s.verify(c, text, i+k*stride, emit)
			}
		}
	}
	for ; i+c.width <= len(text); i += stride {
		s.verify(c, text, i, emit)
	}
}

// verify compares the patterns that have the window at text[i:].
func (s *Set) verify(c *class, text []byte, i int, emit func(pattern, at int)) {
	key := load(text[i:])&c.mask | fold&c.mask
	sl := c.find(key, hash(key))
	for _, e := range sl.patterns {
		p := s.patterns[e.pattern]
		if at := i - int(e.offset); at >= 0 && at+len(p) <= len(text) && equalFold(text[at:at+len(p)], p) {
			emit(int(e.pattern), at)
		}
	}
}

var lowered = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

func lower(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = lowered[c]
	}
	return out
}

// equalFold compares text with a folded pattern of the same length.
func equalFold(text, folded []byte) bool {
	for i, c := range folded {
		if lowered[text[i]] != c {
			return false
		}
	}
	return true
}

// Pattern returns pattern i in lower case.
func (s *Set) Pattern(i int) []byte { return s.patterns[i] }
