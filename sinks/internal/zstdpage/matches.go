package zstdpage

import (
	"encoding/binary"
	"math/bits"
)

const (
	minMatch  = 4  // bytes
	firstStep = 3  // bytes; not a power of two, since numbers have widths that are
	skipAfter = 6  // 1<<skipAfter bytes without a match make the next step one longer
	lookahead = 24 // bytes behind a place that is searched for; they can be read

	// Places are found by a hash of five to seven bytes. An entry of the table has more bits of it, so that hardly ever a
	// place is read that holds something else: reading it is what takes time, since a page does not fit into the cache.
	hashBits = 15
	tagBits  = 10
	tagMask  = 1<<tagBits - 1
	hashMul  = 0x9E3779B97F4A7C15
	// No place before this is in the table, so that eight bytes before each can be read.
	firstPlace = 8
)

// A sequence is what a decoder repeats: literals, then a copy.
type sequence struct {
	literals uint32 // bytes
	match    uint32 // bytes, less 3
	offset   uint32 // as the format says it: 1 for the one before, where there are literals, or 3 more than the distance
}

// A matcher finds copies in a span, greedily.
type matcher struct {
	table     [1 << hashBits]uint32 // place<<tagBits | tag; 0: none
	mul       uint64                // of hashes; the bytes that are not hashed are shifted out
	shift     uint                  // of hashes; smaller tables do for small spans
	recent    int                   // offset
	sequences []sequence            // of the block
	literals  []byte                // of the block, in the first nliterals bytes
	nliterals int
}

func (m *matcher) init() {
	m.sequences = make([]sequence, 0, blockBytes/minMatch+1)
	m.literals = make([]byte, blockBytes+16) // 16 bytes are written at once
}

// restart forgets what the frame before has left.
func (m *matcher) restart() { m.recent = 1 }

// begin makes ready for a span of at most spanBytes. Short copies pay where they cannot be far.
func (m *matcher) begin(span []byte) {
	n := min(max(bits.Len(uint(len(span))), 8), hashBits)
	m.shift = uint(64 - tagBits - n)
	clear(m.table[:1<<n])
	hashed := 7
	switch {
	case len(span) <= 16<<10:
		hashed = 5
	case len(span) <= 256<<10:
		hashed = 6
	}
	m.mul = hashMul << (64 - 8*hashed)
}

// find makes sequences and literals of span[from:to], which is a block; copies come from anywhere before in the span.
func (m *matcher) find(span []byte, from, to int) {
	last := min(to, len(span)-lookahead) - 8
	recent, mul, shift, table := m.recent, m.mul, m.shift&63, &m.table
	sequences, literals := m.sequences[:cap(m.sequences)], m.literals
	ns, nl := 0, 0
	done := from // what is before is in sequences
	s := max(from, firstPlace)
next:
	for s < last {
		// Two places and the recent offset at the one behind, at a time. What follows is one jump a sequence and as few more
		// as possible: which way they go cannot be foreseen, and costs more than a comparison too many.
		var c int // the candidate
		for step := firstStep; ; step = firstStep + (s-done)>>skipAfter {
			v := load64(span, s)
			h0, h1 := uint32(v*mul>>shift), uint32(v>>8*mul>>shift)
			slot0, slot1 := &table[h0>>tagBits&(1<<hashBits-1)], &table[h1>>tagBits&(1<<hashBits-1)]
			e0, e1 := *slot0, *slot1
			*slot0 = uint32(s)<<tagBits | h0&tagMask
			*slot1 = uint32(s+1)<<tagBits | h1&tagMask
			if r := s + 2 - recent; r >= firstPlace && load32(span, r) == uint32(v>>16) {
				s, c = s+2, r
				break
			}
			miss0, miss1 := (e0^h0)&tagMask, (e1^h1)&tagMask
			if miss0 == 0 || miss1 == 0 {
				c = int(e0 >> tagBits)
				if miss0 != 0 {
					c = int(e1 >> tagBits)
				}
				if miss0 != 0 {
					s++
				}
				break
			}
			if s += step; s >= last {
				break next
			}
		}
		n0 := bits.TrailingZeros64(load64(span, c)^load64(span, s)) >> 3 // 8 where all are
		n1 := bits.TrailingZeros64(load64(span, c+8)^load64(span, s+8)) >> 3
		n2 := bits.TrailingZeros64(load64(span, c+16)^load64(span, s+16)) >> 3
		n := n0 + (n1+n2&-(n1>>3))&-(n0>>3)
		if n == lookahead {
			n += common(span, c+lookahead, s+lookahead, to)
		}
		n = min(n, to-s)
		if n < minMatch {
			s += 2 // from here on nothing is in the table
			continue
		}
		if c >= firstPlace {
			back := min(bits.LeadingZeros64(load64(span, s-8)^load64(span, c-8))>>3, s-done)
			s, c, n = s-back, c-back, n+back
			if back == 8 {
				for s > done && c > 0 && span[s-1] == span[c-1] {
					s, c, n = s-1, c-1, n+1
				}
			}
		}
		k := s - done
		d := literals[nl : nl+16]
		binary.LittleEndian.PutUint64(d, load64(span, done))
		binary.LittleEndian.PutUint64(d[8:], load64(span, done+8))
		if k > 16 {
			copy(literals[nl+16:], span[done+16:s])
		}
		nl += k
		if offset := s - c; offset == recent && k > 0 {
			sequences[ns] = sequence{uint32(k), uint32(n - 3), 1}
		} else {
			sequences[ns] = sequence{uint32(k), uint32(n - 3), uint32(offset + 3)}
			recent = offset
		}
		ns++
		s += n
		done = s
	}
	nl += copy(literals[nl:], span[done:to])
	m.sequences, m.nliterals = sequences[:ns], nl
	m.recent = recent
}

// common is how many bytes at a and b, a < b, are the same from the first on, up to end.
func common(span []byte, a, b, end int) int {
	from := b
	for ; b+8 <= end; a, b = a+8, b+8 {
		if x := load64(span, a) ^ load64(span, b); x != 0 {
			return b - from + bits.TrailingZeros64(x)>>3
		}
	}
	for b < end && span[a] == span[b] {
		a, b = a+1, b+1
	}
	return b - from
}
