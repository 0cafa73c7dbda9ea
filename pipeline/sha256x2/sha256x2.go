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
	d      *Digest
	p      []byte
	done   func()
	busy   bool // its work goes on
	hashed bool
}

// lone is how many pieces one stream may offer, and no other any, before its pieces do not wait any more.
const lone = 12

// pieces are those of all streams: one at most waits.
var pieces struct {
	sync.Mutex
	waits *offer
	last  *Digest // that offered a piece
	row   int     // pieces it has offered since another did
}

// Begin says that one call of Offer comes. From there until that is done, Settle is all that may be called, but for Offer, in whichever
// goroutine.
func (d *Digest) Begin() {
	pieces.Lock()
	d.hurry = false
	pieces.Unlock()
}

// Offer calls work, which reads p, and adds p, now or when another stream offers a piece. When both is over it calls done, in whichever
// goroutine. Until then p must not change.
func (d *Digest) Offer(p []byte, work, done func()) {
	pieces.Lock()
	if pieces.row++; pieces.last != d {
		pieces.last, pieces.row = d, 1
	}
	other := pieces.waits
	if other == nil && hasSHA && pieces.row <= lone {
		o := &offer{d: d, p: p, done: done, busy: true}
		pieces.waits = o
		pieces.Unlock()
		work()
		o.worked()
		return
	}
	pieces.waits = nil
	pieces.Unlock()
	if other == nil {
		work()
		d.sum.Write(p)
		done()
		return
	}
	both(d, other.d, p, other.p)
	other.added()
	work()
	done()
}

// worked notes that the work of a piece is over.
func (o *offer) worked() {
	pieces.Lock()
	o.busy = false
	hashed, alone := o.hashed, o.leave()
	pieces.Unlock()
	switch {
	case hashed:
		o.done()
	case alone:
		o.d.sum.Write(o.p)
		o.done()
	} // else whoever hashes it calls done
}

// added notes that a piece is hashed.
func (o *offer) added() {
	pieces.Lock()
	o.hashed = true
	busy := o.busy
	pieces.Unlock()
	if !busy {
		o.done()
	}
}

// leave lets a piece that waits, and should not any more, wait no longer, with the lock held. It is the caller's to hash then.
func (o *offer) leave() bool {
	if pieces.waits != o || o.busy || !o.d.hurry {
		return false
	}
	pieces.waits = nil
	return true
}

// Settle sees to it that done is called for what was offered, or will be next, as soon as its work is over, whether another stream
// has a piece or not.
func (d *Digest) Settle() {
	pieces.Lock()
	d.hurry = true
	mine := pieces.waits
	alone := mine != nil && mine.d == d && mine.leave()
	pieces.Unlock()
	if alone {
		d.sum.Write(mine.p)
		mine.done()
	}
}
