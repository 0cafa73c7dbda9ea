package literal

import "encoding/binary"

// plain looks for the patterns of a class on every processor, and returns up to where it came.
func (s *Set) plain(c *class, text []byte, emit func(pattern, at int)) (i int) {
	var found [verifyAtOnce]uint32
	n, base := 0, 0
	for i < len(text) {
		switch {
		case c.stride == 4 && c.width == window: // the strides of many patterns, at places that the compiler knows
			i += skip4(text[i:], c.filter)
		case c.stride == 8 && c.width == window:
			i += skip8(text[i:], c.filter)
		default:
			i += c.skip(text[i:])
		}
		last := i + 3*c.stride
		if last+window > len(text) {
			break
		}
		for ; i <= last; i += c.stride {
			h := sift(binary.LittleEndian.Uint64(text[i:])&c.mask | fold&c.mask)
			found[n&(verifyAtOnce-1)] = uint32(i - base)
			n += int(passes(c.filter[h>>siftWord&uint32(len(c.filter)-1)], h)) // no branch: which pass cannot be foreseen
		}
		if n > len(found)-4 || i-base > maxPlace/2 {
			s.verify(c, text, base, found[:n], emit)
			n, base = 0, i
		}
	}
	s.verify(c, text, base, found[:n], emit)
	return i
}

// skip4, skip8 and skip are how many bytes may be skipped: four probes at once find no window, or so many are not left. Their loads do
// not wait for one another.
func skip4(text []byte, filter []uint32) int {
	if len(text) < 3*4+window {
		return 0
	}
	t := text
	w0 := uint64(folded4(t)) // windows have halves in common
	for len(t) >= 3*4+window {
		b := (*[3*4 + window]byte)(t)
		w1, w2, w3, w4 := uint64(folded4(b[4:])), uint64(folded4(b[8:])), uint64(folded4(b[12:])), uint64(folded4(b[16:]))
		h0, h1, h2, h3 := siftHalves(w0, w1), siftHalves(w1, w2), siftHalves(w2, w3), siftHalves(w3, w4)
		if mayPass(filter, h0)|mayPass(filter, h1)|mayPass(filter, h2)|mayPass(filter, h3) < 0 { // for so many patterns, half of these times there is one
			break
		}
		t, w0 = t[4*4:], w4
	}
	return len(text) - len(t)
}

func skip8(text []byte, filter []uint32) int {
	t := text
	for len(t) >= 4*8 {
		b := (*[4 * 8]byte)(t)
		h0, h1 := sift(binary.LittleEndian.Uint64(b[0:])|fold), sift(binary.LittleEndian.Uint64(b[8:])|fold)
		h2, h3 := sift(binary.LittleEndian.Uint64(b[16:])|fold), sift(binary.LittleEndian.Uint64(b[24:])|fold)
		if mayPass(filter, h0)|mayPass(filter, h1)|mayPass(filter, h2)|mayPass(filter, h3) < 0 && anyPasses(filter, h0, h1, h2, h3) {
			break
		}
		t = t[4*8:]
	}
	return len(text) - len(t)
}

func (c *class) skip(text []byte) (i int) {
	filter, stride, mask, folded := c.filter, c.stride, c.mask, fold&c.mask
	for ; i+3*stride+window <= len(text); i += 4 * stride {
		b := text[i : i+3*stride+window]
		h0, h1 := sift(binary.LittleEndian.Uint64(b)&mask|folded), sift(binary.LittleEndian.Uint64(b[stride:])&mask|folded)
		h2, h3 := sift(binary.LittleEndian.Uint64(b[2*stride:])&mask|folded), sift(binary.LittleEndian.Uint64(b[3*stride:])&mask|folded)
		if mayPass(filter, h0)|mayPass(filter, h1)|mayPass(filter, h2)|mayPass(filter, h3) < 0 && anyPasses(filter, h0, h1, h2, h3) {
			break
		}
	}
	return i
}

// mayPass says by its sign whether the filter has two of a window's three bits: nearly all windows lack one, and two are tested faster.
func mayPass(filter []uint32, h uint32) int32 {
	f := filter[h>>siftWord&uint32(len(filter)-1)]
	return int32(f << (h & 31) & (f << (h >> 27)))
}

// anyPasses says whether the filter has all bits of one of four windows.
func anyPasses(filter []uint32, h0, h1, h2, h3 uint32) bool {
	words := uint32(len(filter) - 1)
	return passes(filter[h0>>siftWord&words], h0)|passes(filter[h1>>siftWord&words], h1)|
		passes(filter[h2>>siftWord&words], h2)|passes(filter[h3>>siftWord&words], h3) != 0
}
