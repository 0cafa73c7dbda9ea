package literal

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// behind tells whether a window that the filter let pass is one of a pattern, by the bytes behind it first: the window stands in
// ordinary text often enough, with others behind.
type behind struct {
	keys, alone second   // of keys with bytes behind the window, and without: of these there are few
	someAlone   bool     // there are some without
	buckets     []uint32 // where the entries of the keys begin that share some bits of the hash; one more is the end
	bucketShift uint     // from a hash to a bucket
	entries     []entry
}

// second is a filter of keys: two bits a key, in the word that its hash says.
type second struct {
	words []uint64
	shift uint // from a hash to a word
}

// A key is a window and the four bytes behind it, or the window alone where a pattern has none that are known. hashKey is its hash.
func hashKey(x uint64, after uint32) uint64 { return hash(x ^ uint64(after)*mixer) }

// nothing is what stands for the four bytes behind a window that is a key alone. No folded bytes are that.
const nothing = 0

// entry is a pattern that has a key, and where.
type entry struct {
	tag     uint32
	pattern int32
	place   uint32 // of the window: its offset in the pattern and one, since one may begin a byte before it; in the high bits which beside, and aloneBit
}

// beside says which four bytes an entry knows besides its key.
type beside uint32

const (
	none   beside = iota
	after         // the second four bytes behind the window: the key has the first
	before        // those before the window

	besideShift = 30
	aloneBit    = 1 << 29 // the key is a window alone
	offsets     = aloneBit - 1
)

// tagOf is what an entry has for a key, the window and the hash of which it takes, and the four bytes beside it, folded: most patterns
// that are not there need not be looked at. Two windows that differ in nothing but the first byte, or the last, have different tags, so
// that the windows of an open byte are never taken for one another.
func tagOf(x, h uint64, near uint32) uint32 {
	return (uint32(h>>13)&^0xff | uint32(x^x>>56)&0xff) ^ near*siftHigh
}

// folded4 are the first four bytes of b.
func folded4(b []byte) uint32 { return binary.LittleEndian.Uint32(b) | uint32(fold&(1<<32-1)) }

// newSecond makes a filter for some number of keys.
func newSecond(keys int) second {
	n := bits.Len(uint(max(16, keys)*secondPerKey - 1))
	return second{make([]uint64, 1<<(n-6)), uint(64 - n + 6)}
}

// secondPerKey is how many bits a key has at least, and not twice as many.
const secondPerKey = 8

func (f *second) add(h uint64) { f.words[h>>f.shift] |= 1<<(h>>32&63) | 1<<(h>>26&63) }

// has says 1 where the filter may have a key, else 0.
func (f *second) has(h uint64) uint32 {
	w := f.words[h>>(f.shift&63)]
	return uint32(w >> (h >> 32 & 63) & (w >> (h >> 26 & 63)) & 1)
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
	if len(places) == 0 {
		return
	}
	for _, place := range places[:c.sieve(text[base:], places)] {
		i := base + int(place&maxPlace)
		x := load(text[i:])&c.mask | fold&c.mask
		if place&byKey != 0 {
			s.compare(c, text, i, x, hashKey(x, folded4(text[i+c.width:])), 0, emit)
		}
		if place&byAlone != 0 {
			s.compare(c, text, i, x, hashKey(x, nothing), aloneBit, emit)
		}
	}
}

// sieve keeps the places at which the second filter has a key, and returns how many.
func (c *class) sieve(text []byte, places []uint32) (n int) {
	keys, alone, some := c.behind.keys, c.behind.alone, c.behind.someAlone
	for _, i := range places {
		t := text[i:]
		var by uint32
		if len(t) >= window+4 && c.width == window { // nearly all
			b := (*[window + 4]byte)(t)
			x := binary.LittleEndian.Uint64(b[:]) | fold
			by = keys.has(hashKey(x, folded4(b[window:]))) * byKey
			if some {
				by |= alone.has(hashKey(x, nothing)) * byAlone
			}
		} else {
			by = c.keysAt(t)
		}
		places[n] = i | by
		n += int((by>>30 | by>>31) & 1)
	}
	return n
}

// keysAt says which keys text may begin with.
func (c *class) keysAt(text []byte) (by uint32) {
	x := load(text)&c.mask | fold&c.mask
	if len(text) >= c.width+4 {
		by = c.behind.keys.has(hashKey(x, folded4(text[c.width:]))) * byKey
	}
	return by | c.behind.alone.has(hashKey(x, nothing))*byAlone
}

// compare compares the patterns that have a key with window x at text[i:], with the hash h, alone or not.
func (s *Set) compare(c *class, text []byte, i int, x, h uint64, alone uint32, emit func(pattern, at int)) {
	b := &c.behind
	bucket := h >> b.bucketShift
	entries := b.entries[b.buckets[bucket]:b.buckets[bucket+1]]
	if len(entries) == 0 {
		return
	}
	var want [4]uint32 // by what is beside the key
	want[none] = tagOf(x, h, 0)
	if k := i + c.width + 4; k+4 <= len(text) {
		want[after] = tagOf(x, h, folded4(text[k:]))
	}
	if i >= 4 {
		want[before] = tagOf(x, h, folded4(text[i-4:]))
	}
	for k := range entries {
		e := &entries[k]
		if e.tag != want[e.place>>besideShift&3] || e.place&aloneBit != alone {
			continue
		}
		p := s.patterns[e.pattern]
		if at := i + 1 - int(e.place&offsets); at >= 0 && at+len(p) <= len(text) && equalFold(text[at:at+len(p)], p) {
			emit(int(e.pattern), at)
		}
	}
}

// keysPerBucket is how many keys a bucket has at most, in the mean.
const keysPerBucket = 4

// keyed is an entry while a class is made.
type keyed struct {
	entry
	window, hash uint64 // of the key
}

func (k *keyed) alone() bool { return k.place&aloneBit != 0 }

// newBehind makes what is looked up behind the filter.
func newBehind(all []keyed) (b behind) {
	hashes, alone := make([]uint64, len(all)), 0
	for k := range all {
		hashes[k] = all[k].hash
		if all[k].alone() {
			alone++
		}
	}
	n := distinct(hashes)
	bucketBits := bits.Len(uint(n-1) / keysPerBucket)
	b = behind{
		keys: newSecond(n), alone: newSecond(alone), someAlone: alone > 0, entries: make([]entry, len(all)),
		buckets: make([]uint32, 1<<bucketBits+1), bucketShift: uint(64 - bucketBits),
	}
	for k := range all {
		h := all[k].hash
		if all[k].alone() {
			b.alone.add(h)
		} else {
			b.keys.add(h)
		}
		b.buckets[h>>b.bucketShift]++
	}
	end := uint32(0)
	for k, n := range b.buckets {
		end += n
		b.buckets[k] = end
	}
	for k := range slices.Backward(all) {
		at := &b.buckets[all[k].hash>>b.bucketShift]
		*at--
		b.entries[*at] = all[k].entry
	}
	return b
}

// distinct is how many different numbers there are. It sorts them.
func distinct(all []uint64) int {
	slices.Sort(all)
	return len(slices.Compact(all))
}
