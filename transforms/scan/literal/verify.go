package literal

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// behind tells whether a window that the filter let pass is one of a pattern, by the bytes behind it first: the window stands in
// ordinary text often enough, with others behind.
type behind struct {
	second      []uint64 // two bits a key, in the word that its hash says
	secondShift uint     // from a hash to a word of second
	bare        bool     // some keys are of a window alone
	buckets     []uint32 // where the entries of the keys begin that share some bits of the hash; one more is the end
	bucketShift uint     // from a hash to a bucket
	entries     []entry
}

// A key is a window and the four bytes behind it, or the window alone where a pattern has none that are known. hashKey is its hash.
func hashKey(x uint64, after uint32) uint64 { return hash(x ^ uint64(after)*mixer) }

// alone is what stands for the four bytes behind a window that is a key alone. No folded bytes are that.
const alone = 0

// entry is a pattern that has a key, and where. Tag are bits of the key's hash with four of the pattern's bytes beside it, folded, so
// that most patterns that are not there need not be looked at.
type entry struct {
	tag     uint32
	pattern int32
	place   uint32 // where the window stands in the pattern, from 1 if it begins one byte before it; the beside in the high bits
}

// beside says which four bytes an entry knows besides its key.
type beside uint32

const (
	none   beside = iota
	after         // the second four bytes behind the window: the key has the first
	before        // those before the window

	besideShift = 30
	offsets     = 1<<besideShift - 1
)

// tagOf is what an entry has for a key and the four bytes beside it.
func tagOf(h uint64, near uint32) uint32 { return uint32(h>>13) ^ near*siftHigh }

// folded4 are the first four bytes of b.
func folded4(b []byte) uint32 { return binary.LittleEndian.Uint32(b) | uint32(fold&(1<<32-1)) }

// has says by bit 0 whether the second filter may have a key.
func (b *behind) has(h uint64) uint64 {
	f := b.second[h>>(b.secondShift&63)]
	return f >> (h >> 32 & 63) & (f >> (h >> 26 & 63)) & 1
}

// verifyAtOnce is how many places wait to be verified: what they need from memory is asked for at once.
const verifyAtOnce = 64

// A place that waits is a distance in text; those that the second filter let pass have in their high bits by which keys.
const (
	maxPlace = 1<<30 - 1
	byKey    = 1 << 30
	byAlone  = 1 << 31
)

// verify compares the patterns that have the window at each place behind base. It changes places.
func (s *Set) verify(c *class, text []byte, base int, places []uint32, emit func(pattern, at int)) {
	for _, place := range places[:c.sieve(text[base:], places)] {
		i := base + int(place&maxPlace)
		x := load(text[i:])&c.mask | fold&c.mask
		if place&byKey != 0 {
			s.compare(&c.behind, text, i, i+c.width, hashKey(x, folded4(text[i+c.width:])), emit)
		}
		if place&byAlone != 0 {
			s.compare(&c.behind, text, i, i+c.width, hashKey(x, alone), emit)
		}
	}
}

// sieve keeps the places at which the second filter has a key, and returns how many.
func (c *class) sieve(text []byte, places []uint32) (n int) {
	b := &c.behind
	second, shift := b.second, b.secondShift&63
	for _, i := range places {
		if int(i)+window+4 > len(text) {
			x := load(text[i:])&c.mask | fold&c.mask
			by := b.has(hashKey(x, alone)) << 1
			if int(i)+c.width+4 <= len(text) {
				by |= b.has(hashKey(x, folded4(text[int(i)+c.width:])))
			}
			places[n] = i | uint32(by)<<30
			n += int((by | by>>1) & 1)
			continue
		}
		x := binary.LittleEndian.Uint64(text[i:])&c.mask | fold&c.mask
		h := hashKey(x, folded4(text[int(i)+c.width:]))
		f := second[h>>shift]
		by := f >> (h >> 32 & 63) & (f >> (h >> 26 & 63)) & 1
		if b.bare {
			h = hashKey(x, alone)
			f = second[h>>shift]
			by |= f >> (h >> 32 & 63) & (f >> (h >> 26 & 63)) & 1 << 1
		}
		places[n] = i | uint32(by)<<30
		n += int((by | by>>1) & 1)
	}
	return n
}

// compare compares the patterns that have a key with hash h at text[i:end].
func (s *Set) compare(b *behind, text []byte, i, end int, h uint64, emit func(pattern, at int)) {
	bucket := h >> b.bucketShift
	entries := b.entries[b.buckets[bucket]:b.buckets[bucket+1]]
	if len(entries) == 0 {
		return
	}
	var want [4]uint32 // by what is beside the key
	want[none] = tagOf(h, 0)
	if end+8 <= len(text) {
		want[after] = tagOf(h, folded4(text[end+4:]))
	}
	if i >= 4 {
		want[before] = tagOf(h, folded4(text[i-4:]))
	}
	for k := range entries {
		e := &entries[k]
		if e.tag != want[e.place>>besideShift&3] {
			continue
		}
		p := s.patterns[e.pattern]
		if at := i + 1 - int(e.place&offsets); at >= 0 && at+len(p) <= len(text) && equalFold(text[at:at+len(p)], p) {
			emit(int(e.pattern), at)
		}
	}
}

// newBehind makes what is looked up behind the filter: entries by the hashes of their keys.
func newBehind(hashes []uint64, entries []entry, bare bool) (b behind) {
	n := max(64, distinct(hashes))
	bucketBits := bits.Len(uint(n - 1))
	secondBits := bits.Len(uint(n*secondPerKey - 1))
	b = behind{
		bare:   bare,
		second: make([]uint64, 1<<(secondBits-6)), secondShift: uint(64 - secondBits + 6),
		buckets: make([]uint32, 1<<bucketBits+1), bucketShift: uint(64 - bucketBits),
		entries: make([]entry, len(entries)),
	}
	for _, h := range hashes {
		b.second[h>>b.secondShift] |= 1<<(h>>32&63) | 1<<(h>>26&63)
		b.buckets[h>>b.bucketShift]++
	}
	end := uint32(0)
	for k, n := range b.buckets {
		end += n
		b.buckets[k] = end
	}
	for k, h := range slices.Backward(hashes) {
		at := &b.buckets[h>>b.bucketShift]
		*at--
		b.entries[*at] = entries[k]
	}
	return b
}

// secondPerKey is how many bits of the second filter a key has at least, and not twice as many.
const secondPerKey = 16

// distinct is how many different numbers there are.
func distinct(all []uint64) int {
	all = slices.Sorted(slices.Values(all))
	return len(slices.Compact(all))
}
