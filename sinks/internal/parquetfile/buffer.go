package parquetfile

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A buffer is bytes from an allocator that grow at the end.
type buffer struct {
	mem memory.Allocator
	buf []byte // all of the memory
	n   int    // bytes in use
}

// extend adds k bytes of undefined content and returns them.
func (b *buffer) extend(k int) []byte {
	b.reserve(k)
	b.n += k
	return b.buf[b.n-k : b.n]
}

// reserve makes room for k more bytes.
func (b *buffer) reserve(k int) {
	need := b.n + k
	if need <= len(b.buf) {
		return
	}
	nb := b.mem.Allocate(max(need, len(b.buf)+len(b.buf)/4, 4096))
	copy(nb, b.buf[:b.n])
	b.free()
	b.buf, b.n = nb, need-k
}

func (b *buffer) bytes() []byte { return b.buf[:b.n] }

func (b *buffer) free() {
	if b.buf != nil {
		b.mem.Free(b.buf)
	}
	b.buf, b.n = nil, 0
}

// Sizes of the blocks of a spool, in bytes.
const (
	smallestBlock = 8 << 10
	largestBlock  = 512 << 10
)

// A spool holds the finished pages of a column until the columns before it are written.
type spool struct {
	mem    memory.Allocator
	blocks [][]byte
	used   int   // bytes used of the last block
	size   int64 // bytes held
}

func (s *spool) write(p []byte) {
	for len(p) > 0 {
		if len(s.blocks) == 0 || s.used == len(s.blocks[len(s.blocks)-1]) {
			s.blocks = append(s.blocks, s.mem.Allocate(int(min(max(s.size, smallestBlock), largestBlock))))
			s.used = 0
		}
		k := copy(s.blocks[len(s.blocks)-1][s.used:], p)
		p = p[k:]
		s.used += k
		s.size += int64(k)
	}
}

// writeTo writes what is held, and frees it.
func (s *spool) writeTo(w io.Writer) error {
	for i, b := range s.blocks {
		if i == len(s.blocks)-1 {
			b = b[:s.used]
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	s.free()
	return nil
}

func (s *spool) free() {
	for _, b := range s.blocks {
		s.mem.Free(b)
	}
	clear(s.blocks)
	s.blocks, s.used, s.size = s.blocks[:0], 0, 0
}
