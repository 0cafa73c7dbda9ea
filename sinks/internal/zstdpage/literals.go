package zstdpage

import (
	"errors"

	"github.com/klauspost/compress/huff0"
)

// Kinds of literals.
const (
	rawLiterals = iota
	rleLiterals
	huffmanLiterals
	treelessLiterals // with the code of the block before
)

const (
	fewLiterals  = 32  // fewer are not worth a code
	oneStream    = 256 // fewer are one stream of bits, not four
	shortLengths = 1 << 10
	midLengths   = 1 << 14
)

// A literalCoder writes the literals of blocks. It may go on with the code of a block before.
type literalCoder struct {
	huff  huff0.Scratch
	fresh bool // the decoder has no code
}

// restart says that the decoder has no code, or another one.
func (l *literalCoder) restart() { l.fresh = true }

func (l *literalCoder) appendTo(dst, literals []byte) []byte {
	n := len(literals)
	if n < fewLiterals {
		return append(appendPlainHeader(dst, rawLiterals, n), literals...)
	}
	l.huff.Reuse = huff0.ReusePolicyAllow
	if l.fresh {
		l.huff.Reuse = huff0.ReusePolicyNone
	}
	compress := huff0.Compress4X
	if n < oneStream {
		compress = huff0.Compress1X
	}
	out, again, err := compress(literals, &l.huff)
	switch {
	case errors.Is(err, huff0.ErrUseRLE):
		return append(appendPlainHeader(dst, rleLiterals, n), literals[0])
	case err != nil: // incompressible
		return append(appendPlainHeader(dst, rawLiterals, n), literals...)
	}
	l.fresh = false
	kind := uint64(huffmanLiterals)
	if again {
		kind = treelessLiterals
	}
	return append(appendCodedHeader(dst, kind, n, len(out)), out...)
}

// appendPlainHeader begins n literals that have no code.
func appendPlainHeader(dst []byte, kind, n int) []byte {
	switch {
	case n < 1<<5:
		return append(dst, byte(n<<3|kind))
	case n < 1<<12:
		return append(dst, byte(n<<4|1<<2|kind), byte(n>>4))
	}
	return append(dst, byte(n<<4|3<<2|kind), byte(n>>4), byte(n>>12))
}

// appendCodedHeader begins n literals that take size bytes, with the code.
func appendCodedHeader(dst []byte, kind uint64, n, size int) []byte {
	h, length := kind|uint64(n)<<4, 3
	switch {
	case n < oneStream:
		h |= uint64(size) << 14
	case n < shortLengths:
		h |= 1<<2 | uint64(size)<<14
	case n < midLengths:
		h |= 2<<2 | uint64(size)<<18
		length = 4
	default:
		h |= 3<<2 | uint64(size)<<22
		length = 5
	}
	for ; length > 0; length-- {
		dst = append(dst, byte(h))
		h >>= 8
	}
	return dst
}
