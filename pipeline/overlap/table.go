package overlap

import "math/bits"

// filter is a set of keys that may say yes for others too.
type filter struct {
	bits  []uint64
	shift int
}

// mostFilter is the largest size of a filter, in bits.
const mostFilter = 64 << 20

// newFilter takes 16 to 32 bits a key.
func newFilter(keys int64) filter {
	size := 64
	for size < mostFilter && int64(size) < 16*keys {
		size *= 2
	}
	return filter{make([]uint64, size/64), 65 - bits.Len(uint(size))}
}

func (f filter) add(k uint64) {
	b := k >> f.shift
	f.bits[b>>6] |= 1 << (b & 63)
}

func (f filter) has(k uint64) bool {
	b := k >> f.shift
	return f.bits[b>>6]>>(b&63)&1 != 0
}

// table counts test records by their key, which is never 0.
type table struct {
	keys   []uint64 // 0 where a slot is free
	counts []int64  // 0 where the key was looked for
	len    int      // different keys
	found  int64    // test records whose key was looked for
}

// newTable has room for so many different keys. One that is larger than it must be is slow to fill: its slots miss the caches.
func newTable(most int) *table {
	size := 1 << bits.Len(uint(most+most/2))
	return &table{keys: make([]uint64, size), counts: make([]int64, size)}
}

// slot is where k stands or would stand.
func (t *table) slot(k uint64) int {
	mask := len(t.keys) - 1
	for i := int(k) & mask; ; i = (i + 1) & mask { // low bits: the high ones have chosen the part
		if t.keys[i] == k || t.keys[i] == 0 {
			return i
		}
	}
}

func (t *table) has(k uint64) bool { return t.keys[t.slot(k)] == k }

func (t *table) add(k uint64) {
	i := t.slot(k)
	if t.keys[i] == 0 {
		t.keys[i] = k
		t.len++
	}
	t.counts[i]++
}

func (t *table) look(k uint64) {
	if i := t.slot(k); t.keys[i] == k {
		t.found += t.counts[i]
		t.counts[i] = 0
	}
}
