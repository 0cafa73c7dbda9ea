package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A window reads a range of a file in pieces, and holds no more of it than what was peeked at last.
type window struct {
	r    io.ReaderAt
	mem  memory.Allocator
	size int // bytes read at a time

	buf    []byte
	lo, hi int   // unread bytes of buf
	next   int64 // file offset of what follows buf[hi]
	end    int64 // file offset of the end of the range
}

// left is the number of bytes until the end of the range.
func (w *window) left() int64 { return int64(w.hi-w.lo) + w.end - w.next }

// peek returns the next n bytes, fewer only at the end of the range. They are valid until the next peek.
func (w *window) peek(n int) ([]byte, error) {
	n = int(min(int64(n), w.left()))
	if w.hi-w.lo < n {
		if err := w.fill(n); err != nil {
			return nil, err
		}
	}
	return w.buf[w.lo : w.lo+n : w.lo+n], nil
}

func (w *window) fill(n int) error {
	if n > len(w.buf) {
		want := max(n, int(min(int64(w.size), w.left())))
		b := w.mem.Allocate(want)
		copy(b, w.buf[w.lo:w.hi])
		w.free()
		w.buf = b
	} else {
		copy(w.buf, w.buf[w.lo:w.hi])
	}
	w.lo, w.hi = 0, w.hi-w.lo
	k := int(min(int64(len(w.buf)-w.hi), w.end-w.next))
	got, err := w.r.ReadAt(w.buf[w.hi:w.hi+k], w.next)
	if got < k {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading %d bytes at %d: %w", k, w.next, err)
	}
	w.hi += k
	w.next += int64(k)
	return nil
}

// skip passes over n bytes, which must not be more than are left.
func (w *window) skip(n int) {
	if over := n - (w.hi - w.lo); over > 0 {
		w.lo, w.hi = 0, 0
		w.next += int64(over)
		return
	}
	w.lo += n
}

func (w *window) free() {
	if w.buf != nil {
		w.mem.Free(w.buf)
		w.buf = nil
	}
}
