// Package sha256x2 computes the SHA-256 of streams that are written at the same time, two at once where the processor can: each round
// of one stream waits for the one before, and leaves room for the other's.
package sha256x2

import (
	"crypto/sha256"
	"hash"
	"sync"
)

// A Digest is the sum of one stream. It serves one goroutine.
type Digest struct {
	sum   hash.Hash
	state []byte // scratch
	hurry bool   // Settle was called; under the lock of the pieces that wait
}

// New begins a stream.
func New() *Digest { return &Digest{sum: sha256.New()} }

// Add adds p.
func (d *Digest) Add(p []byte) { d.sum.Write(p) }

// Sum returns the 32 bytes of the sum.
func (d *Digest) Sum() []byte { return d.sum.Sum(nil) }

// A Piece is a part of a stream that may wait for one of another stream.
type Piece struct {
	d       *Digest
	p       []byte
	done    func()
	partner *Piece // that waited, and is hashed with this one
	taken   bool   // it is the partner of another
	busy    bool   // its work is not over
	hashed  bool
}

// lone is how many pieces one stream may offer, and no other any, before its pieces do not wait any more.
const lone = 12

// pieces are those of all streams: one at most waits.
var pieces struct {
	sync.Mutex
	waits *Piece
	last  *Digest // that offered a piece
	row   int     // pieces it has offered since another did
}

// Offer adds p to the stream, which is no more than noted. Run must be called next, in whichever goroutine, and when both is over done is
// called, in whichever goroutine. Until then p must not change, and Settle is all of d that may be called.
func (d *Digest) Offer(p []byte, done func()) *Piece {
	o := &Piece{d: d, p: p, done: done, busy: true}
	pieces.Lock()
	defer pieces.Unlock()
	d.hurry = false
	if pieces.row++; pieces.last != d {
		pieces.last, pieces.row = d, 1
	}
	switch {
	case pieces.waits != nil:
		o.partner, pieces.waits = pieces.waits, nil
		o.partner.taken = true
	case hasSHA && pieces.row <= lone:
		pieces.waits = o
	}
	return o
}

// Run calls work, which reads the piece, and hashes the piece, unless it is to wait for another stream, or another stream's does it.
func (o *Piece) Run(work func()) {
	if o.partner != nil { // first, since somebody may wait for it
		both(o.d, o.partner.d, o.p, o.partner.p)
		o.partner.added()
		work()
		o.done()
		return
	}
	work()
	pieces.Lock()
	o.busy = false
	over, waits := o.hashed, o.taken || pieces.waits == o && !o.leave()
	pieces.Unlock()
	switch {
	case over:
		o.done()
	case !waits:
		o.d.sum.Write(o.p)
		o.done()
	} // else whoever hashes it calls done
}

// added notes that a piece is hashed.
func (o *Piece) added() {
	pieces.Lock()
	o.hashed = true
	busy := o.busy
	pieces.Unlock()
	if !busy {
		o.done()
	}
}

// leave lets a piece that waits, and should not any more, wait no longer, with the lock held. It is the caller's to hash then.
func (o *Piece) leave() bool {
	if pieces.waits != o || o.busy || !o.d.hurry {
		return false
	}
	pieces.waits = nil
	return true
}

// Settle sees to it that done is called for what was offered as soon as its work is over, whether another stream has a piece or not.
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
