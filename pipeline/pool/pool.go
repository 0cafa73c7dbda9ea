// Package pool keeps freed buffers by size class, so that a steady stream of batches allocates nothing.
package pool

import (
	"math/bits"
	"sync"
	"unsafe"
)

// DefaultLimit is a cap on held bytes that serves a few workers with batches of some MiB each.
const DefaultLimit = 64 << 20

const (
	align    = 64
	smallest = 256
	classes  = 4 * (bits.UintSize - 8) // four an octave, from smallest up
)

// An Allocator is an Arrow memory.Allocator for concurrent use. Its buffers start at a multiple of 64 bytes and come back
// dirty: who publishes one writes every byte of it. Freed buffers beyond the limit go to the garbage collector, those of
// the size class that has been out of use for longest first.
type Allocator struct {
	limit int64

	mu    sync.Mutex
	free  [classes][][]byte
	used  [classes]uint64 // clock of the class's last allocation
	clock uint64
	held  int64 // bytes on the free lists
}

// New returns an allocator that holds at most limit bytes of freed buffers; none at all for limit 0.
func New(limit int64) *Allocator { return &Allocator{limit: limit} }

// classOf returns the size class of an allocation of n bytes and the size of its buffers.
func classOf(n int) (class, size int) {
	if n <= smallest {
		return 0, smallest
	}
	e := bits.Len(uint(n-1)) - 1 // 2^e < n <= 2^(e+1)
	step := 1 << (e - 2)
	q := (n - 1 - 1<<e) / step // quarter of the octave
	return 4*(e-8) + q + 1, 1<<e + (q+1)*step
}

// Allocate returns n bytes with undefined content.
func (a *Allocator) Allocate(n int) []byte {
	class, size := classOf(n)
	if b := a.take(class); b != nil {
		return b[:n]
	}
	raw := make([]byte, size+align-1)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (align - 1))
	return raw[off : off+n : off+size]
}

// take pops a buffer of class or of the next one, nil where both are empty.
func (a *Allocator) take(class int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock++
	a.used[class] = a.clock
	for c := class; c <= class+1 && c < classes; c++ {
		if l := a.free[c]; len(l) > 0 {
			b := l[len(l)-1]
			l[len(l)-1] = nil
			a.free[c] = l[:len(l)-1]
			a.held -= int64(cap(b))
			return b
		}
	}
	return nil
}

// Reallocate returns n bytes that begin with those of b, and takes b over.
func (a *Allocator) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) && b != nil {
		return b[:n]
	}
	nb := a.Allocate(n)
	copy(nb, b)
	a.Free(b)
	return nb
}

// Free takes back a buffer of Allocate or Reallocate. Memory from anywhere else is left to the garbage collector.
func (a *Allocator) Free(b []byte) {
	size := cap(b)
	class, full := classOf(size)
	if size != full || uintptr(unsafe.Pointer(unsafe.SliceData(b)))&(align-1) != 0 || int64(size) > a.limit {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free[class] = append(a.free[class], b[:0])
	a.held += int64(size)
	for a.held > a.limit {
		a.evict()
	}
}

// evict drops one buffer of the class that was last allocated from the longest ago. The caller holds the lock.
func (a *Allocator) evict() {
	oldest := -1
	for c := range a.free {
		if len(a.free[c]) > 0 && (oldest < 0 || a.used[c] < a.used[oldest]) {
			oldest = c
		}
	}
	l := a.free[oldest]
	a.held -= int64(cap(l[len(l)-1]))
	l[len(l)-1] = nil
	a.free[oldest] = l[:len(l)-1]
}

// Trim leaves the freed buffers to the garbage collector, and returns how many bytes they had.
func (a *Allocator) Trim() (freed int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	freed, a.held = a.held, 0
	a.free = [classes][][]byte{}
	return freed
}

// Held returns the number of bytes that wait for reuse.
func (a *Allocator) Held() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held
}
