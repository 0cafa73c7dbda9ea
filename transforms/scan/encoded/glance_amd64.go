package encoded

import (
	"math/bits"
	"unicode/utf8"

	"golang.org/x/sys/cpu"

	"inoculate/transforms/scan/normalize"
)

var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// hasVBMI says whether lookAVX2 packs the key 64 bytes at once.
//
//lint:ignore U1000 the assembler reads it
var hasVBMI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2

// look is where lookAVX2 is in a text, and what it saw. The assembler knows where its fields are.
type look struct {
	at    int // 64 bytes from here on are looked at next
	to    int // bytes of the key
	keyed int // up to where the text is in the key
	//lint:ignore U1000 the assembler uses it
	words uint64    // of each two of the 64 bytes before at whether both are letters of base64
	apart uint64    // of each of the last three before at whether it is no letter or digit
	twice uint64    // of each of the last six whether it is none, and the one three before is none
	lead  uint64    // of each of the last two whether it is the first byte of a rune that is left out
	long  uint64    // bit k: at the byte 2k+1 of the 64 before at stands the last of 14 letters of base64 or more
	pairs uint64    // bit k: the byte k of them, and those three, six and nine before, part pairs of hex digits
	other uint64    // of each of the 64 whether it is not ASCII, where lookAVX2 makes no key of them
	seen  [4]uint64 // what bytes are by lookTab, all together
	least [4]uint64 // the least byte at each place of a vector
}

// lookTable is what a byte is by its low and its high half, whether it is a hex digit or what ROT13 makes of one by both, and bytes
// that stand in a whole vector.
type lookTable [11][32]byte

// lookAVX2 looks at n bytes of text, 64 at a time from l.at on, and adds their letters and digits, small, to the key. It stops behind
// the first 64 in which there is something to look at, and before the last that are less than 64. It writes up to 64 bytes behind the key.
//
//go:noescape
func lookAVX2(text *byte, n int, key *byte, l *look, tab *lookTable, kept *[256]uint64)

// The bits that both halves of a byte have.
const (
	lookWord    = 1<<3 - 1 // digits, letters up to o, letters from p on
	lookBase64  = 1<<5 - 1 // and marks of base64, and the underscore
	lookPercent = 1 << 5
	lookEquals  = 1 << 6
	lookSlash   = 1 << 7
)

var lookTab = func() (t lookTable) {
	for row, sets := range [][]string{
		{"0123456789", "abcdefghijklmnoABCDEFGHIJKLMNO", "pqrstuvwxyzPQRSTUVWXYZ", "+-/", "_", "%&", "=", "\\"},
		{"0123456789", "abcdefnoABCDEFNO", "pqrsPQRS"},
	} {
		for bit, set := range sets {
			for _, c := range []byte(set) {
				for k := 0; k < 32; k += 16 {
					t[2*row][k+int(c&15)] |= 1 << bit
					t[2*row+1][k+int(c>>4)] |= 1 << bit
				}
			}
		}
	}
	for k, c := range []byte{0x0F, lookBase64, lookWord, 0x20, 0xE2, 0x80, 0xC0} {
		for i := range t[4+k] {
			t[4+k][i] = c
		}
	}
	return t
}()

const (
	eyeful = 64   // bytes that are looked at together
	room   = 128  // bytes behind the key and what is still to come of it
	longer = 1024 // bytes of text of which keys are made together, where many are not ASCII
	mostly = 24   // of 64 bytes are many
)

// fast is Of, in one way through the text; ok is false where there is no such thing.
func (g *Glance) fast(text []byte) (may, ok bool) {
	if !hasAVX2 {
		return false, false
	}
	g.end = 0
	l := look{apart: 1<<3 - 1, twice: 1<<6 - 1, least: [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}}
	if need := len(text) + room; cap(g.Key) < need {
		g.Key = make([]byte, need+need/4)
	}
	g.Key = g.Key[:cap(g.Key)]
	whole := len(text) &^ (eyeful - 1)
	for l.at < whole {
		lookAVX2(&text[0], whole, &g.Key[0], &l, &lookTab, &normalize.Kept)
		if l.long|l.pairs|l.other != 0 && g.stopped(text, l.at-eyeful, &l) {
			return true, true
		}
	}
	if whole < len(text) {
		last := [2][eyeful]byte{spaces, spaces} // what stands before the rest, and the rest with spaces behind
		if whole > 0 {
			last[0] = [eyeful]byte(text[whole-eyeful:])
		}
		copy(last[1][:], text[whole:])
		l.at = eyeful
		l.keyed = max(0, l.keyed-whole+eyeful)
		lookAVX2(&last[0][0], 2*eyeful, &g.Key[0], &l, &lookTab, &normalize.Kept)
		if l.long|l.pairs|l.other != 0 {
			l.keyed = max(0, l.keyed+whole-eyeful)
			if g.stopped(text, whole, &l) {
				return true, true
			}
		}
	}
	g.Key = g.Key[:l.to]
	g.seen(&l)
	return false, true
}

var spaces = func() (s [eyeful]byte) {
	for i := range s {
		s[i] = ' '
	}
	return s
}()

// seen adds what was seen in ASCII.
func (g *Glance) seen(l *look) {
	const ones = 0x0101010101010101
	zeros := uint64(0)
	for _, x := range l.least {
		zeros |= (x - ones) &^ x & (ones << 7)
	}
	if zeros != 0 {
		g.Seen |= normalize.Zeros
	}
	all := l.seen[0] | l.seen[1] | l.seen[2] | l.seen[3]
	for _, s := range [...]struct {
		class uint64
		bytes normalize.Bytes
	}{{lookPercent, normalize.Percents}, {lookEquals, normalize.Equals}, {lookSlash, normalize.Backslashes}} {
		if all&(s.class*ones) != 0 {
			g.Seen |= s.bytes
		}
	}
}

// stopped looks closer at what lookAVX2 stopped behind, the 64 bytes from one on, and says whether something may stand encoded there.
func (g *Glance) stopped(text []byte, from int, l *look) bool {
	for long := l.long; long != 0; long &= long - 1 {
		if i := from + 2*bits.TrailingZeros64(long) + 1; i >= g.end {
			found := false
			if found, g.end = longRun(text, i); found {
				return true
			}
		}
	}
	if l.pairs != 0 && anyPairs(text, from, l.pairs) {
		return true
	}
	if l.other != 0 {
		g.runes(text, from, l)
	}
	return false
}

// runes makes the key of the bytes from one on, of which lookAVX2 made none, up to the end of a rune; of more where many of them
// are not ASCII.
func (g *Glance) runes(text []byte, from int, l *look) {
	to := from + eyeful
	if bits.OnesCount64(l.other) > mostly {
		to = from + longer
	}
	to = min(to, len(text))
	if l.lead != 0 { // a rune begins before, of which the bytes so far have no key
		from -= 1 + int(^l.lead>>1&1)
		l.lead = 0
	}
	from = max(from, l.keyed)
	for range utf8.UTFMax - 1 {
		if to < len(text) && !utf8.RuneStart(text[to]) {
			to++
		}
	}
	part := text[from:to]
	g.Seen |= normalize.Seen(part)
	key := normalize.AppendKey(g.Key[:l.to], part)
	if l.to = len(key); cap(key) < l.to+len(text)-to+room {
		key = append(make([]byte, 0, 2*(l.to+len(text)-to+room)), key...)
	}
	g.Key, l.keyed = key[:cap(key)], to
}

func anyPairs(text []byte, at int, p uint64) bool {
	for ; p != 0; p &= p - 1 {
		if i := at + bits.TrailingZeros64(p); i < len(text) && i >= 6 && pairs(text, i-6) {
			return true
		}
	}
	return false
}
