// Package zstdpage compresses the pages of a file as zstd frames, about as fast and as small as C's level 1.
package zstdpage

import (
	"bytes"
	"encoding/binary"
)

const (
	blockBytes = 128 << 10 // content of a block, at most: the format's limit
	spanBytes  = 4 << 20   // matches stay within spans of that many bytes; whole blocks

	magic         = 0xFD2FB528
	singleSegment = 1 << 5
	spanWindow    = 12 << 3 // the window descriptor for 4 MiB: 10 + 12 bits
)

// Kinds of blocks.
const (
	rawBlock = iota
	rleBlock
	compressedBlock
)

// An Encoder compresses one page after the other. What it makes of a page depends on nothing else. It takes about 1 MB,
// whatever the pages, and is for one goroutine. Not ready for use as it is: see New.
type Encoder struct {
	matches  matcher
	literals literalCoder
	codes    sequenceCoder
	out      []byte // the block in progress
}

// New returns an encoder.
func New() *Encoder {
	e := &Encoder{out: make([]byte, 0, blockBytes+1<<10)}
	e.matches.init()
	return e
}

// MaxSize is how long the frame of n bytes is at most.
func MaxSize(n int) int { return n + 3*(n/blockBytes+1) + 10 }

// Append appends a frame that holds page, with its size and without a checksum, to dst. The page has less than 4 GiB.
func (e *Encoder) Append(dst, page []byte) []byte {
	dst = appendHeader(dst, len(page))
	if len(page) == 0 {
		return appendBlockHeader(dst, rawBlock, 0, true)
	}
	e.matches.restart()
	e.literals.restart()
	for at := 0; at < len(page); at += spanBytes {
		span := page[at:min(at+spanBytes, len(page))]
		e.matches.begin(span)
		for from := 0; from < len(span); from += blockBytes {
			to := min(from+blockBytes, len(span))
			dst = e.block(dst, span, from, to, at+from == 0, at+to == len(page))
		}
	}
	return dst
}

// appendHeader begins a frame of n bytes. Decoders that read a stream keep a window: all of the frame, or a span.
func appendHeader(dst []byte, n int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	switch {
	case n > spanBytes:
		dst = append(dst, 2<<6, spanWindow)
	case n > 255+1<<16:
		dst = append(dst, 2<<6|singleSegment)
	case n > 255:
		dst = append(dst, 1<<6|singleSegment)
		return binary.LittleEndian.AppendUint16(dst, uint16(n-256))
	default:
		return append(dst, singleSegment, byte(n))
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(n))
}

// appendBlockHeader begins a block; n is its length, or the length of what an RLE block stands for.
func appendBlockHeader(dst []byte, kind, n int, last bool) []byte {
	h := n<<3 | kind<<1
	if last {
		h |= 1
	}
	return append(dst, byte(h), byte(h>>8), byte(h>>16))
}

// block appends the block that holds span[from:to].
func (e *Encoder) block(dst, span []byte, from, to int, first, last bool) []byte {
	content := span[from:to]
	n := len(content)
	// A frame that begins with an RLE block is too much for some decoders.
	if !first && n > 1 && bytes.Equal(content[1:], content[:n-1]) {
		return append(appendBlockHeader(dst, rleBlock, n, last), content[0])
	}
	before := e.matches.recent
	e.matches.find(span, from, to)
	e.out = e.literals.appendTo(e.out[:0], e.matches.literals[:e.matches.nliterals])
	out, ok := e.codes.appendTo(e.out, e.matches.sequences, n)
	e.out = out
	if !ok || len(out) >= n {
		// The decoder sees nothing of what the block would have said.
		e.matches.recent = before
		e.literals.restart()
		return append(appendBlockHeader(dst, rawBlock, n, last), content...)
	}
	return append(appendBlockHeader(dst, compressedBlock, len(out), last), out...)
}
