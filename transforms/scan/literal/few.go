package literal

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// most is how many patterns are looked for by few: more of them let too much text pass for a candidate.
const most = 64

// few finds a small number of patterns of a set at the speed of memory, with instructions that not every processor has: all text goes
// through vectors, which let pass what may hold a pattern's rarest five bytes, or its rarest two where there is one pattern.
type few struct {
	set     *Set
	tables  tables
	wide    wideTables
	nibbles *nibbleTables // where all windows have longSpan bytes of ASCII, and there is nothing wider
	buckets [8][]start
	pair    *pair // of a single pattern
}

// tables say for each byte of a window in which buckets it may stand there: two tables of sixteen, each twice, since a shuffle
// looks things up in each half of a vector. Bit 4 of the byte says which table, its low four bits which entry; upper and lower
// case are one.
type tables [2 * span][32]byte

func (t *tables) add(k int, c byte, bucket int) {
	row := &t[2*k+int(c>>4&1)]
	row[c&15] |= 1 << bucket
	row[16|c&15] |= 1 << bucket
}

func (t *tables) look(k int, c byte) byte { return t[2*k+int(c>>4&1)][c&15] }

// wideTables are tables with an entry for each value of a byte's low six bits. Both cases of a letter have one.
type wideTables [span][64]byte

func (t *wideTables) add(k int, c byte, bucket int) {
	t[k][c&63] |= 1 << bucket
	if 'a' <= c && c <= 'z' {
		t[k][c-'a'+'A'-64] |= 1 << bucket
	}
}

// nibbleTables are tables with an entry for the low half of a byte, each twice. What is not ASCII has none.
type nibbleTables [longSpan][32]byte

func (t *nibbleTables) add(k int, c byte, bucket int) {
	t[k][c&15] |= 1 << bucket
	t[k][16|c&15] |= 1 << bucket
}

// start is a pattern, and the window that is looked for.
type start struct {
	pattern int32
	offset  int32  // of the window in the pattern
	key     uint32 // the window, folded as fold does
}

// pair is two bytes of a pattern and where they stand. A byte b of the text fits where b|mask is value.
type pair struct {
	pattern                      int32
	at, gap                      int // of the first byte, and from it to the second
	value1, mask1, value2, mask2 byte
}

// span is how many bytes a window has; longSpan how many it has for nibbles.
const (
	span     = 5
	longSpan = 8
)

// newFew compiles some patterns of s; nil where they are too many or too short, or the processor lacks the instructions.
func newFew(s *Set, patterns []int) *few {
	f := &few{set: s}
	if len(patterns) == 0 || len(patterns) > most || !vectors {
		return nil
	}
	var all []start
	width := longSpan
	for _, i := range patterns {
		p := s.patterns[i]
		if wide || len(p) < longSpan || !ascii(p[rarest(p, longSpan):][:longSpan]) {
			width = span
		}
	}
	if width == longSpan {
		f.nibbles = new(nibbleTables)
	}
	for _, i := range patterns {
		p := s.patterns[i]
		if len(p) < span {
			return nil
		}
		at := rarest(p, width)
		all = append(all, start{int32(i), int32(at), binary.LittleEndian.Uint32(p[at:]) | uint32(fold&(1<<32-1))})
	}
	if len(all) == 1 {
		f.pair = newPair(s.patterns[all[0].pattern])
		f.pair.pattern = all[0].pattern
	}
	// Windows that are alike share a bucket: its masks then let less pass that is none of them.
	slices.SortFunc(all, func(a, b start) int { return cmp.Compare(bits.Reverse32(a.key), bits.Reverse32(b.key)) })
	for i, e := range all {
		b := i * len(f.buckets) / len(all)
		f.buckets[b] = append(f.buckets[b], e)
		for k := range span {
			f.tables.add(k, s.patterns[e.pattern][int(e.offset)+k], b)
			f.wide.add(k, s.patterns[e.pattern][int(e.offset)+k], b)
		}
		for k := 0; f.nibbles != nil && k < longSpan; k++ {
			f.nibbles.add(k, s.patterns[e.pattern][int(e.offset)+k], b)
		}
	}
	return f
}

// common says how often a byte stands in text, about: the larger the more often.
var common = func() (t [256]uint8) {
	for i := range t {
		t[i] = 2
	}
	for i, c := range []byte("zqxjkvbpgyfwmucldrhsniotae ") { // English, rare to frequent
		t[c] = uint8(3 + 4*i)
	}
	for _, c := range []byte("0123456789.,-'\"\n:/()") {
		t[c] = 12
	}
	return t
}()

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// rarest is where the window of a pattern stands that text has least often.
func rarest(p []byte, width int) (at int) {
	least := 1 << 20
	for i := 0; i+width <= len(p); i++ {
		sum := 0
		for _, c := range p[i : i+width] {
			sum += int(common[c])
		}
		if sum < least {
			least, at = sum, i
		}
	}
	return at
}

// newPair takes the two rarest bytes of a pattern, different ones if there are.
func newPair(p []byte) *pair {
	first, second := 0, 1
	for i, c := range p {
		if common[c] < common[p[first]] {
			first = i
		}
	}
	if first == second {
		second = 0
	}
	for i, c := range p {
		if i != first && c != p[first] && (common[c] < common[p[second]] || p[second] == p[first]) {
			second = i
		}
	}
	q := &pair{at: first, gap: second - first}
	q.value1, q.mask1 = folding(p[first])
	q.value2, q.mask2 = folding(p[second])
	return q
}

// folding gives the value and mask of a folded byte: both cases of a letter fit.
func folding(c byte) (value, mask byte) {
	if 'a' <= c && c <= 'z' {
		return c, 0x20
	}
	return c, 0
}

// scan calls emit for each occurrence in text, in the order in which the windows stand.
func (f *few) scan(text []byte, emit func(pattern, at int)) {
	if f.pair != nil {
		f.scanPair(text, emit)
		return
	}
	var found [64]byte
	i := 0
	for wide && i+64+span-1 <= len(text) {
		at, mask := wideWindows(&text[i], len(text)-i, &f.wide, &found)
		if i += at; mask == 0 {
			break
		}
		f.candidates(text, i, mask, &found, emit)
		i += 64
	}
	for f.nibbles != nil && i+64+longSpan-1 <= len(text) {
		at, mask := nibbles(&text[i], len(text)-i, f.nibbles, &found)
		if i += at; mask == 0 {
			break
		}
		f.candidates(text, i, mask, &found, emit)
		i += 64
	}
	for i+32+span-1 <= len(text) {
		at, mask := windows(&text[i], len(text)-i, &f.tables, (*[32]byte)(found[:32]))
		if i += at; mask == 0 {
			break
		}
		f.candidates(text, i, uint64(mask), &found, emit)
		i += 32
	}
	for ; i+span <= len(text); i++ {
		b := f.tables.look(0, text[i])
		for k := 1; k < span && b != 0; k++ {
			b &= f.tables.look(k, text[i+k])
		}
		for ; b != 0; b &= b - 1 {
			f.verify(text, i, bits.TrailingZeros8(b), emit)
		}
	}
}

// candidates verifies the starts behind i that mask has bits for.
func (f *few) candidates(text []byte, i int, mask uint64, found *[64]byte, emit func(pattern, at int)) {
	for ; mask != 0; mask &= mask - 1 {
		k := bits.TrailingZeros64(mask)
		for b := found[k]; b != 0; b &= b - 1 {
			f.verify(text, i+k, bits.TrailingZeros8(b), emit)
		}
	}
}

// verify compares the patterns of a bucket, the window of which may stand at text[i:].
func (f *few) verify(text []byte, i, bucket int, emit func(pattern, at int)) {
	key := binary.LittleEndian.Uint32(text[i:]) | uint32(fold&(1<<32-1))
	for j := range f.buckets[bucket] {
		e := &f.buckets[bucket][j]
		if key != e.key {
			continue
		}
		p := f.set.patterns[e.pattern]
		if at := i - int(e.offset); at >= 0 && at+len(p) <= len(text) && equalFold(text[at:at+len(p)], p) {
			emit(int(e.pattern), at)
		}
	}
}

// scanPair is scan for one pattern. Only starts at which the whole pattern fits are looked at.
func (f *few) scanPair(text []byte, emit func(pattern, at int)) {
	q := f.pair
	p := f.set.patterns[q.pattern]
	starts := len(text) - len(p) + 1
	i := 0
	for i+64 <= starts {
		at, mask := pairs(&text[i+q.at], q.gap, starts-i, uint64(q.value1)|uint64(q.mask1)<<8|uint64(q.value2)<<16|uint64(q.mask2)<<24)
		i += at
		if mask == 0 {
			break
		}
		for ; mask != 0; mask &= mask - 1 {
			if at := i + bits.TrailingZeros64(mask); equalFold(text[at:at+len(p)], p) {
				emit(int(q.pattern), at)
			}
		}
		i += 64
	}
	for ; i < starts; i++ {
		if text[i+q.at]|q.mask1 == q.value1 && text[i+q.at+q.gap]|q.mask2 == q.value2 && equalFold(text[i:i+len(p)], p) {
			emit(int(q.pattern), i)
		}
	}
}
