package encoded

// saysAVX2 says whether the values of base64 in one of some windows of 32 letters, each twenty behind the one before, may have a
// stretch of readable bytes, read forwards, backwards or with ROT13 put over them, and from each of four letters on: with mayRead's
// rules. Three values more must stand behind the last window.
//
//go:noescape
func saysAVX2(values *uint8, windows int, tab *saysTable) bool

// What saysAVX2 takes: two steps from values to bytes, the ways in which bytes are put into order, what bytes are by halves, and where
// ROT13 turns.
type saysTable [15][32]byte

const (
	windowLetters = 32
	windowStep    = windowLetters - 12 // a stretch comes from twelve letters at most
	windowBefore  = 4                  // values before a run: backwards, its first letters may be a part of four
)

var saysTab = func() (t saysTable) {
	each := func(row int, f func(k int) byte) {
		for k := range t[row] {
			t[row][k] = f(k)
		}
	}
	each(0, func(k int) byte { return [2]byte{64, 1}[k%2] })         // two values to twelve bits
	each(1, func(k int) byte { return [4]byte{0, 0x10, 1, 0}[k%4] }) // two of these to 24
	each(2, func(k int) byte {                                       // 24 bits to bytes in their order
		if k &= 15; k < 12 {
			return byte(k/3*4 + 2 - k%3)
		}
		return 0xFF
	})
	each(3, func(k int) byte { // of both halves of a vector, to one another
		if k%4 != 0 {
			return 0
		}
		return [8]byte{0, 1, 2, 4, 5, 6, 3, 7}[k/4]
	})
	each(4, func(k int) byte { return byte(15 - k&15) })
	for row, half := range []func(c int) int{func(c int) int { return c & 15 }, func(c int) int { return c >> 4 }} {
		for c, kind := range kinds {
			var bit byte
			switch high := c >> 4; {
			case kind == 0:
				continue
			case kind&lastBytes != 0:
				bit = 1 << 7
			case kind&leadByte != 0:
				bit = [4]byte{1 << 4, 1 << 3, 1 << 5, 1 << 6}[high-0xC]
			default:
				bit = [8]byte{1 << 2, 0, 1, 1, 1, 1, 1, 1 << 1}[high]
			}
			t[5+row][half(c)] |= bit
			t[5+row][16+half(c)] |= bit
		}
	}
	each(7, func(int) byte { return 0x0F })
	for i, last := range []byte{12, 25, 38, 51} {
		each(8+i, func(int) byte { return last })
	}
	each(12, func(int) byte { return 13 })
	each(13, func(int) byte { return 1<<3 - 1 }) // bits below those of first bytes of a rune of some
	each(14, func(int) byte { return 1<<5 - 1 }) // of a rune of three or four
	return t
}()

// saysFast is false only where no way to read a run of letters as base64 says anything; ok is false where there is no such thing as fast.
func saysFast(run []byte) (may, ok bool) {
	if !hasAVX2 {
		return false, false
	}
	const none = 63 // makes bytes that no text has
	var values [windowBefore + saysLetters + windowLetters + 3]uint8
	for i := range windowBefore {
		values[i] = none
	}
	to := values[windowBefore:][:len(run)]
	for i, c := range run {
		to[i] = digits.base64[c]
	}
	n := windowBefore + len(run)
	windows := 1 + (max(n-windowLetters, 0)+windowStep-1)/windowStep
	for i := n; i < windows*windowStep+windowLetters-windowStep+3; i++ {
		values[i] = none
	}
	return saysAVX2(&values[0], windows, &saysTab), true
}
