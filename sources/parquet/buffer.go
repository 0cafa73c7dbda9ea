package parquet

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// slack is the number of bytes that short copies may write past the end.
const slack = 16

// maxBuffer is the largest buffer of a column: what 32-bit offsets reach.
const maxBuffer = math.MaxInt32 - 64

// A gbuf is a growing byte buffer on an Arrow allocator.
type gbuf struct {
	mem memory.Allocator
	buf []byte
	n   int // bytes in use
}

func (g *gbuf) bytes() []byte { return g.buf[:g.n] }

// reserve makes room for k more bytes and slack behind them; false where that exceeds maxBuffer.
func (g *gbuf) reserve(k int) bool {
	need := g.n + k + slack
	if need <= len(g.buf) {
		return true
	}
	if k > maxBuffer || need > maxBuffer {
		return false
	}
	size := (max(need, min(2*len(g.buf), maxBuffer)) + 63) &^ 63
	if g.buf == nil {
		g.buf = g.mem.Allocate(size)
	} else {
		b := g.mem.Allocate(size)
		copy(b, g.buf[:g.n])
		g.mem.Free(g.buf)
		g.buf = b
	}
	return true
}

// extend returns k more bytes at the end, nil where reserve is false. Their content is undefined.
func (g *gbuf) extend(k int) []byte {
	if !g.reserve(k) {
		return nil
	}
	g.n += k
	return g.buf[g.n-k : g.n]
}

func (g *gbuf) free() {
	if g.buf != nil {
		g.mem.Free(g.buf)
	}
	g.buf, g.n = nil, 0
}

// take hands the bytes over to an Arrow buffer, and leaves g empty.
func (g *gbuf) take() *memory.Buffer {
	if g.buf == nil {
		g.reserve(0)
	}
	b := memory.NewBufferWithAllocator(g.buf, g.mem)
	b.ResizeNoShrink(g.n)
	g.buf, g.n = nil, 0
	return b
}

// bitmap takes n cleared bits.
func (g *gbuf) bitmap(n int) []byte {
	b := g.extend((n + 7) / 8)
	clear(b)
	return b
}
