package normalize

import "golang.org/x/sys/cpu"

var hasVBMI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VBMI2 && cpu.X86.HasPOPCNT

// squeezeVBMI puts the key of chunks of 64 bytes at src to dst, up to the first that is not all ASCII: done chunks, written
// bytes. It writes up to 64 bytes behind them.
//
//go:noescape
func squeezeVBMI(src *byte, chunks int, dst *byte, tab *[128]byte) (done, written int)

// asciiKey is for each byte of ASCII its byte of the key, or 0.
var asciiKey = func() (t [128]byte) {
	for c := range t {
		t[c] = byte(ascii[c]) & byte(-int8(ascii[c]>>8))
	}
	return t
}()

// squeezeChunks puts the key of whole chunks of ASCII at the start of text to dst, which has room for them and 64 bytes more.
// It returns the bytes it read and wrote.
func squeezeChunks(dst, text []byte) (read, written int) {
	if !hasVBMI || len(text) < 64 {
		return 0, 0
	}
	done, written := squeezeVBMI(&text[0], len(text)/64, &dst[0], &asciiKey)
	return done * 64, written
}
