package normalize

import "golang.org/x/sys/cpu"

var (
	hasVBMI  = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasPOPCNT
	hasPairs = cpu.X86.HasAVX2 && cpu.X86.HasBMI1
	hasAVX2  = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT
)

// squeezeVBMI puts the key of chunks of 64 bytes at src to dst, up to the first that is not all ASCII: done chunks, written
// bytes. It writes up to 64 bytes behind them.
//
//go:noescape
func squeezeVBMI(src *byte, chunks int, dst *byte, tab *[128]byte) (done, written int)

// squeezeAVX2 puts the key of the bytes at src to dst, 32 at a time, up to the first that is not ASCII: of n bytes, 32 or more, read
// ones, written ones. Of the last, less than 32, it reads none if not all are ASCII. It writes up to 8 bytes behind them.
//
//go:noescape
func squeezeAVX2(src *byte, n int, dst *byte, tab *[256]uint64) (read, written int)

// seenAVX2 is the bits of all of n bytes at src, 32 or more, by what tab has for their low and for their high half.
//
//go:noescape
func seenAVX2(src *byte, n int, tab *[2][32]byte) (seen uint8)

// startsAVX2 is startsPortable.
//
//go:noescape
func startsAVX2(text *byte) (high, follows, more uint64)

// pairsAVX2 puts the keys of runes of one byte and of two at text to dst, 64 bytes at a time, up to the first 64 of which not all are
// such runes, or that end with eight bytes of ASCII: of n bytes, read ones, written ones. The byte behind the last must be there, too.
// It writes up to 8 bytes behind them.
//
//go:noescape
func pairsAVX2(text *byte, n int, dst *byte, near *[1 << 16]uint64) (read, written int)

// appendPairs is appendChunk of as many whole chunks as there are at the start of text that are runes of one byte and of two, most of
// them of two.
func appendPairs(out []byte, k int, text []byte) (end, read int) {
	if !hasPairs || len(text) <= chunk {
		return k, 0
	}
	read, written := pairsAVX2(&text[0], len(text), &out[k], nearby())
	return k + written, read
}

// starts is startsPortable, faster.
func starts(text *[chunk]byte) (high, follows, more uint64) {
	if hasAVX2 {
		return startsAVX2(&text[0])
	}
	return startsPortable(text)
}

// asciiKey is for each byte of ASCII its byte of the key, or 0.
var asciiKey = func() (t [128]byte) {
	for c := range t {
		t[c] = byte(ascii[c]) & byte(-int8(ascii[c]>>8))
	}
	return t
}()

// Kept is for each set of eight bytes where those that are in it stand, one in each byte.
var Kept = func() (t [256]uint64) {
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

// squeezeChunks puts the key of ASCII at the start of text to dst, which has room for it and 64 bytes more: of chunks, of which
// none or a part of one may be left. It returns the bytes it read and wrote.
func squeezeChunks(dst, text []byte) (read, written int) {
	switch {
	case hasVBMI && len(text) >= 64:
		done, written := squeezeVBMI(&text[0], len(text)/64, &dst[0], &asciiKey)
		return done * 64, written
	case hasAVX2 && len(text) >= 32:
		return squeezeAVX2(&text[0], len(text), &dst[0], &Kept)
	}
	return 0, 0
}

// seenFast is Seen; ok is false where there is no such thing as fast.
func seenFast(text []byte) (seen Bytes, ok bool) {
	if !hasAVX2 || len(text) < 32 {
		return 0, false
	}
	return Bytes(seenAVX2(&text[0], len(text), &halves)), true
}

// halves say what a byte is by its low and its high half, each twice: by what they have in common.
var halves = func() (t [2][32]byte) {
	for c, b := range telling {
		for k := 0; k < 32; k += 16 {
			t[0][k+c&15] |= byte(b)
			t[1][k+c>>4] |= byte(b)
		}
	}
	return t
}()
