package literal

// A pattern that lacks a byte or two for the stride of the others has windows that begin a byte before it, or end a byte behind it.
// That byte is open: the window is entered with each value it can have, and the text need not be gone through once more for such a
// pattern. Only places from which the text has the whole window are probed, and one at which it lacks the last byte.

// openValues is how many values a folded byte has.
const openValues = 128

// openShare is which part of the windows may be open ones.
const openShare = 16

// lacking is how many bytes a pattern lacks for windows at a stride.
func (p *planner) lacking(pattern []byte, stride int) int {
	return max(0, p.width-1+stride-len(pattern))
}

// openWindows calls yield with the windows of a pattern at an offset, which may be one byte before it, or one too large.
func openWindows(pattern []byte, off int, yield func(x uint64)) {
	var x uint64
	var shift int
	switch {
	case off < 0:
		x = folded(pattern, window) << 8
	case off+window > len(pattern):
		x, shift = load(pattern[off:]), 8*(window-1)
	default:
		yield(folded(pattern[off:], window))
		return
	}
	x = (x | fold) &^ (0xff << shift)
	for v := range uint64(openValues) {
		yield(x | (v&31|v&^31<<1|0x20)<<shift)
	}
}
