package literal

import "golang.org/x/sys/cpu"

var hasProbes = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// probes are what the kernels take, as they lay it out: eight probes a round.
type probes struct {
	places [8]uint32 // of the first round, in the order in which they are looked at
	words  uint32    // the mask of a word of the filter
	round  uint32    // bytes from one round to the next
	filter *uint32
	stride int
}

// probe4, probe8 and probeFar look at n rounds of eight windows each, at a stride of 4, of 8, or of what in says, from text on, and
// stop where found may not have room for another round. They return how many rounds they did and the number of places in found.
//
//go:noescape
func probe4(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32) (rounds, count int)

//go:noescape
func probe8(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32) (rounds, count int)

//go:noescape
func probeFar(text *byte, n int, in *probes, found *[verifyAtOnce + 8]uint32) (rounds, count int)

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
	in := probes{words: uint32(len(c.filter) - 1), round: uint32(8 * c.stride), filter: &c.filter[0], stride: c.stride}
	order := &inOrder
	if c.stride == 4 {
		order = &inOrder4
	}
	var found [verifyAtOnce + 8]uint32
	all := (len(text) - window + c.stride) / c.stride // probes
	for {
		left := min(all-end/c.stride, mostRounds*8) / 8
		from := end
		if left == 0 {
			// The last round reaches back to probes that were looked at.
			if left = 1; end == all*c.stride || all < 8 {
				return end
			}
			from = (all - 8) * c.stride
		}
		for k, place := range order {
			in.places[k] = place * uint32(c.stride)
		}
		var rounds, n int
		switch c.stride { // called by their names, or what they take would be on the heap
		case 4:
			rounds, n = probe4(&text[from], left, &in, &found)
		case 8:
			rounds, n = probe8(&text[from], left, &in, &found)
		default:
			rounds, n = probeFar(&text[from], left, &in, &found)
		}
		next := from + rounds*int(in.round)
		if from < end {
			n = since(found[:n], uint32(end-from))
		}
		s.verify(c, text, from, found[:n], emit)
		end = next
	}
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
const mostRounds = 1 << 20
