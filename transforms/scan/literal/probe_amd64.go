package literal

import (
	"math/bits"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/cpu"
)

var hasProbes = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// gathers says by 1 that a gather is faster than loads: AMD's is a sequence of loads itself, and nothing else begins meanwhile.
var gathers = func() uint64 {
	if cpuid.CPU.VendorID == cpuid.Intel {
		return 1
	}
	return 0
}()

// probes are what the kernels take, as they lay it out: eight probes a round.
type probes struct {
	order  *[8]uint32 // in which the windows of a round are looked at
	filter *uint32
	words  uint32 // the mask of a word of the filter
	round  uint32 // bytes from one round to the next
	stride int
	gather uint64 // 1 where words of the filter are gathered, 0 where they are loaded one by one
}

// probe4, probe8 and probeFar look at n rounds of eight windows each, at a stride of 4, of 8, or of what in says, from text on, the
// place of which is first, and stop where found, which had some places, may not have room for another round. They return how many
// rounds they did and the number of places in found.
//
//go:noescape
func probe4(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)

//go:noescape
func probe8(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)

//go:noescape
func probeFar(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32, first uint32, had int) (rounds, count int)

// kept is for each set of eight where those that are in it stand, one in each byte.
//
//lint:ignore U1000 the assembler reads it
var kept = func() (t [256]uint64) {
	for set := range t {
		n := 0
		for k := range 8 {
			if set>>k&1 != 0 {
				t[set] |= uint64(k) << n
				n += 8
			}
		}
	}
	return t
}()

// fast looks for the patterns of a class with vectors, and returns up to where they came.
func (s *Set) fast(c *class, text []byte, emit func(pattern, at int)) (end int) {
	if !hasProbes || c.width != window {
		return s.plain(c, text, emit)
	}
	in := probes{&inOrder, &c.filter[0], uint32(len(c.filter) - 1), uint32(8 * c.stride), c.stride, gathers}
	if c.stride == 4 {
		in.order = &inOrder4
	}
	var found [verifyAtOnce + 8]uint32
	had, base := 0, 0
	shift := bits.TrailingZeros(uint(c.stride)) // strides are powers of two
	done, all := 0, (len(text)-window)>>shift+1 // probes
	for all >= 8 && done < all {
		from, rounds, n := done, min(all-done, mostRounds*8)/8, 0
		if rounds == 0 { // the last round reaches back to probes that were looked at
			from, rounds = all-8, 1
		}
		at, first := &text[from<<shift], uint32(from<<shift-base)
		switch c.stride { // called by their names, or what they take would be on the heap
		case 4:
			rounds, n = probe4(at, rounds, &in, &found, first, had)
		case 8:
			rounds, n = probe8(at, rounds, &in, &found, first, had)
		default:
			rounds, n = probeFar(at, rounds, &in, &found, first, had)
		}
		if from < done {
			n = had + since(found[had:n], uint32(done<<shift-base))
		}
		had, done = n, from+8*rounds
		if had > verifyAtOnce-2*8 || done<<shift-base > maxPlace/2 || done == all {
			s.verify(c, text, base, found[:had], emit)
			had, base = 0, max(0, done-8)<<shift // the last round may reach back to there
		}
	}
	return done << shift
}

// since keeps the places from one on, and returns how many.
func since(places []uint32, least uint32) (n int) {
	for _, at := range places {
		if places[n] = at; at >= least {
			n++
		}
	}
	return n
}

// The order in which the kernels look at the windows of a round. At a stride of 4 there are windows at 0, 8, 16, 24, and four bytes
// behind each.
var (
	inOrder  = [8]uint32{0, 1, 4, 5, 2, 3, 6, 7}
	inOrder4 = [8]uint32{0, 2, 1, 3, 4, 6, 5, 7}
)

// mostRounds is such that places fit into 32 bits.
const mostRounds = 1 << 19
