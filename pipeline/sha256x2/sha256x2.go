// Package sha256x2 computes the SHA-256 of streams that are written at the same time, two at once where the processor can: each round
// of one stream waits for the one before, and leaves room for the other's.
package sha256x2

import (
	"crypto/sha256"
	"hash"
	"sync"
)

// A Digest is the sum of one stream. It serves one goroutine, but for what Offer says.
type Digest struct {
	sum   hash.Hash
	state []byte // scratch
	hurry bool   // Settle was called; under the lock of the pieces that wait
}

// New begins a stream.
func New() *Digest { return &Digest{sum: sha256.New()} }

// Write adds p. It does not fail.
func (d *Digest) Write(p []byte) (int, error) { return d.sum.Write(p) }

// Sum returns the 32 bytes of the sum.
func (d *Digest) Sum() []byte { return d.sum.Sum(nil) }

// offer is a piece of a stream that waits for one of another stream.
type offer struct {
	d    *Digest
	p    []byte
	done func()
}

// lone is how many pieces may wait in vain before pieces are not made to wait any more, but for one of again.
const lone, again = 8, 32

// pieces are those of all streams: one at most waits.
var pieces struct {
	sync.Mutex
	waits *offer
	alone int // pieces that waited in vain, since one did not
	turn  int // pieces that were not made to wait since then
}

// Begin says that one call of Offer comes. From there until it is done, Settle is all that may be called, but for Offer, in whichever
// goroutine.
func (d *Digest) Begin() {
	pieces.Lock()
	d.hurry = false
	pieces.Unlock()
}

// Offer adds p, now or when another stream offers a piece, and then calls done, in whichever goroutine. Until it does, p must not
// change.
func (d *Digest) Offer(p []byte, done func()) {
	pieces.Lock()
	other := pieces.waits
	pieces.waits = nil
	switch {
	case other != nil:
		pieces.alone, pieces.turn = 0, 0
	case hasSHA && !d.hurry && d.patient():
		pieces.waits = &offer{d, p, done}
		pieces.Unlock()
		return
	}
	pieces.Unlock()
	if other == nil {
		d.sum.Write(p)
		done()
		return
	}
	both(d, other.d, p, other.p)
	other.done()
	done()
}

// patient says whether a piece should wait, with the lock held.
func (d *Digest) patient() bool {
	if pieces.alone < lone {
		return true
	}
	pieces.turn++
	return pieces.turn%again == 0
}

// Settle sees to it that done is called soon for what was offered, or will be next, whether another stream has a piece or not.
func (d *Digest) Settle() {
	pieces.Lock()
	d.hurry = true
	mine := pieces.waits
	if mine == nil || mine.d != d {
		pieces.Unlock()
		return
	}
	pieces.waits = nil
	pieces.alone++
	pieces.Unlock()
	d.sum.Write(mine.p)
	mine.done()
}
