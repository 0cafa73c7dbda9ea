package zstdpage

import "math/bits"

const maxTableLog = 9

// An fseTable encodes the symbols of a stream by finite state entropy.
type fseTable struct {
	log    uint      // there are 1<<log states
	shares [64]int16 // states of each symbol; -1 is one at the end of the table
	n      int       // symbols that have a share are below
	sym    [64]transform
	states [1 << maxTableLog]uint16
}

// A transform leads from a state to that of the next symbol.
type transform struct {
	bits uint32 // (state + bits) >> 16 of the state's bits are written
	base int32  // what is left, and base, is the place of the next state
}

// single makes a table of one symbol, which takes no bits.
func (t *fseTable) single(symbol int) {
	t.log, t.sym[symbol], t.states[0] = 0, transform{}, 0
}

// share gives 1<<log states to the symbols that occur, by how often they do: at least two of them, at most 1<<log.
func (t *fseTable) share(histogram *[64]uint32, total, log int) {
	size := 1 << log
	t.log, t.n = uint(log), 0
	sum, most := 0, 0
	for s, count := range histogram {
		t.shares[s] = 0
		if count == 0 {
			continue
		}
		k := max(1, int((uint64(count)*uint64(size)*2+uint64(total))/uint64(2*total)))
		t.shares[s], t.n = int16(k), s+1
		sum += k
		if k > int(t.shares[most]) {
			most = s
		}
	}
	for sum > size { // rare symbols got more than their due; the most frequent pay
		most = 0
		for s, k := range t.shares {
			if k > t.shares[most] {
				most = s
			}
		}
		k := min(sum-size, max(1, int(t.shares[most])/8))
		t.shares[most] -= int16(k)
		sum -= k
	}
	t.shares[most] += int16(size - sum)
}

// build makes the tables that shares stand for.
func (t *fseTable) build() {
	size := 1 << t.log
	var spread [1 << maxTableLog]uint8
	var first [65]int
	high := size - 1
	for s, k := range t.shares[:t.n] {
		if k < 0 {
			spread[high] = uint8(s)
			high--
			k = 1
		}
		first[s+1] = first[s] + int(k)
	}
	place := 0
	for s, k := range t.shares[:t.n] {
		for ; k > 0; k-- {
			spread[place] = uint8(s)
			for again := true; again; again = place > high {
				place = (place + size>>1 + size>>3 + 3) & (size - 1)
			}
		}
	}
	next := first
	for i, s := range spread[:size] {
		t.states[next[s]] = uint16(size + i)
		next[s]++
	}
	for s, k := range t.shares[:t.n] {
		switch {
		case k == 0:
		case k == 1 || k == -1:
			t.sym[s] = transform{uint32(t.log<<16) - uint32(size), int32(first[s] - 1)}
		default:
			most := t.log + 1 - uint(bits.Len(uint(k-1)))
			t.sym[s] = transform{uint32(most<<16) - uint32(k)<<most, int32(first[s]) - int32(k)}
		}
	}
}

// appendTo appends the table as decoders read it. No share is negative.
func (t *fseTable) appendTo(dst []byte) []byte {
	var acc uint64
	nbits := 0
	put := func(v, n int) {
		acc |= uint64(v) << nbits
		for nbits += n; nbits >= 8; nbits -= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
		}
	}
	put(int(t.log)-5, 4)
	left := 1<<t.log + 1 // the values that can come are 0 to left
	for s := 0; left > 1; s++ {
		k := int(t.shares[s])
		n := bits.Len(uint(left))
		short := 1<<n - 1 - left // that many take a bit less
		switch v := k + 1; {
		case v < short:
			put(v, n-1)
		case v < 1<<(n-1):
			put(v, n)
		default:
			put(v+short, n)
		}
		left -= k
		if k > 0 {
			continue
		}
		zeros := 0
		for t.shares[s+1] == 0 {
			zeros, s = zeros+1, s+1
		}
		for ; zeros >= 3; zeros -= 3 {
			put(3, 2)
		}
		put(zeros, 2)
	}
	if nbits > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// cost is about how many 256ths of a bit it takes to write what a histogram counts.
func (t *fseTable) cost(histogram *[64]uint32) (sum uint64) {
	for s, count := range histogram {
		if count == 0 {
			continue
		}
		k := uint64(max(1, t.shares[s]))
		n := bits.Len64(k) - 1 // log2, between powers of two along a line
		sum += uint64(count) * (uint64(t.log)<<8 - uint64(n)<<8 - (k<<8>>n)&255)
	}
	return sum
}

// start is the state that a stream which ends with a symbol begins with.
func (t *fseTable) start(symbol uint32) uint32 {
	x := t.sym[symbol&63]
	n := (x.bits + 1<<15) >> 16
	return uint32(t.states[(int32((n<<16-x.bits)>>(n&31))+x.base)&(1<<maxTableLog-1)])
}
