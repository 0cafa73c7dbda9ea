// Package literal finds every occurrence of a set of literal patterns, letter case of ASCII aside, at memory speed.
//
// A pattern of a class with stride s and window w has at least s+w-1 bytes and enters the s windows at s offsets one behind the
// other: those that a sample of text has least often. A few may lack up to two bytes (open.go). The text is probed at every s-th
// position only: any occurrence covers exactly one probed position with one of those windows, so each is reported once, overlaps
// included. A larger stride takes fewer probes, but more windows, and leaves less to choose from: the planner weighs both.
package literal

import (
	"encoding/binary"
	"slices"

	"inoculate/transforms/scan/background"
)

// A Set is a compiled set of patterns. It is immutable and safe for concurrent use.
type Set struct {
	patterns [][]byte // folded
	classes  []*class
	tiny     []int // patterns shorter than the smallest window
	few      *few  // what a few patterns are found with, where the processor can; else nil
	beside   *few  // the same for the patterns of all classes but the first, where few is nil and these are few
}

// window is the number of bytes that a probe looks at.
const window = 8

// narrow is the window of short patterns.
const narrow = 4

// A class finds patterns by windows of one width at one stride.
type class struct {
	stride, width int
	open          int      // 1 where windows are entered whose last byte the text may lack; else 0
	mask          uint64   // bytes of the window
	filter        []uint32 // three bits a window, in the word that sift says
	behind        behind
}

const (
	fold  = 0x2020202020202020 // makes letters lower case; merges some other bytes, which the compare tells apart
	mixer = 0x9E3779B97F4A7C15
)

func hash(x uint64) uint64 { return (x ^ x>>29) * mixer }

// sift is a hash of which vectors can make several at once: five bits for each of three places in a word of the filter at both ends,
// and bits for the word between. A large filter takes some for both.
func sift(x uint64) uint32 { return siftHalves(uint64(uint32(x)), x>>32) }

// siftHalves is sift of the window that two numbers of 32 bits make.
func siftHalves(low, high uint64) uint32 { return uint32((low*siftLow + high*siftHigh) >> 20) }

const (
	siftLow  = 0x9E3779B1
	siftHigh = 0x85EBCA77
	siftWord = 5 // bits below those for the word
)

// siftBits are the bits of a window in its word of the filter, by its sift.
func siftBits(h uint32) uint32 { return 1<<31>>(h&31) | 1<<31>>(h>>22&31) | 1<<31>>(h>>27) }

// passes says 1 where a word of the filter has them, else 0.
func passes(word, h uint32) uint32 {
	return word << (h & 31) & (word << (h >> 22 & 31)) & (word << (h >> 27)) >> 31
}

// New compiles patterns to look for in text as people write it. An empty pattern matches nowhere.
func New(patterns []string) *Set { return NewFor(patterns, background.Sample) }

// NewFor compiles patterns to look for in text like a sample, which is asked for where there are many patterns: their windows are
// chosen such that such text has them seldom.
func NewFor(patterns []string, sample func() []byte) *Set {
	s := &Set{patterns: make([][]byte, len(patterns))}
	var all, short, rest []int
	for i, p := range patterns {
		s.patterns[i] = lower([]byte(p))
		if len(p) > 0 {
			all = append(all, i)
		}
		switch n := len(p); {
		case n == 0:
		case n < narrow:
			s.tiny = append(s.tiny, i)
		case n < window:
			short = append(short, i)
		default:
			rest = append(rest, i)
		}
	}
	s.few = newFew(s, all)
	p := &planner{set: s}
	if s.few == nil && len(rest) > most {
		p.sample = sample()
	}
	p.others = len(short)
	if slices.ContainsFunc(short, func(i int) bool { return len(s.patterns[i]) < span }) {
		p.others = most + 1
	}
	left := p.plan(rest)
	if len(short) > 0 {
		p.count(narrow, short)
		s.classes = append(s.classes, p.class(1, short))
	}
	if s.few == nil && len(rest) > len(left) {
		s.beside = newFew(s, append(left, short...))
	}
	return s
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

// strided is Scan for any number of patterns.
func (s *Set) strided(text []byte, emit func(pattern, at int)) {
	classes := s.classes
	if s.beside != nil && len(text) >= fewBytes {
		classes = classes[:1]
		s.beside.scan(text, emit)
	}
	for _, c := range classes {
		if len(text) >= c.width {
			s.tail(c, text, s.fast(c, text, emit), emit)
		}
	}
	s.scanTiny(text, emit)
}

// portable is strided without vectors.
func (s *Set) portable(text []byte, emit func(pattern, at int)) {
	for _, c := range s.classes {
		if len(text) >= c.width {
			s.tail(c, text, s.plain(c, text, emit), emit)
		}
	}
	s.scanTiny(text, emit)
}

func (s *Set) scanTiny(text []byte, emit func(pattern, at int)) {
	for _, p := range s.tiny {
		pat := s.patterns[p]
		for i := 0; i+len(pat) <= len(text); i++ {
			if equalFold(text[i:i+len(pat)], pat) {
				emit(p, i)
			}
		}
	}
}

// tail looks for the patterns of a class in what is left from byte i on.
func (s *Set) tail(c *class, text []byte, i int, emit func(pattern, at int)) {
	for ; i+c.width <= len(text)+c.open; i += c.stride {
		h := sift(load(text[i:])&c.mask | fold&c.mask)
		if passes(c.filter[h>>siftWord&uint32(len(c.filter)-1)], h) != 0 {
			s.verify(c, text, i, []uint32{0}, emit)
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
