package sha256x2

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"unsafe"
)

// The state of crypto/sha256 as its MarshalBinary gives it: a mark, eight words, 64 bytes with what does not fill a block yet, and the
// number of bytes so far.
const (
	words     = 4
	length    = words + 32 + 64
	stateSize = length + 8
	block     = 64
)

var mark = []byte("sha\x03")

// both adds p to a and q to b.
func both(a, b *Digest, p, q []byte) {
	if n := min(len(p), len(q)) &^ (block - 1); n > 0 && hasSHA {
		var x, y [8]uint32
		if a.load(&x) && b.load(&y) {
			blocksSHANI(&x, &y, unsafe.SliceData(p), unsafe.SliceData(q), n/block)
			a.store(&x, n)
			b.store(&y, n)
			p, q = p[n:], q[n:]
		}
	}
	a.sum.Write(p)
	b.sum.Write(q)
}

// load takes the state out; false where a part of a block waits, or the state is not as expected.
func (d *Digest) load(h *[8]uint32) bool {
	m, ok := d.sum.(encoding.BinaryAppender)
	if !ok {
		return false
	}
	s, err := m.AppendBinary(d.state[:0])
	if d.state = s; err != nil || len(s) != stateSize || !bytes.HasPrefix(s, mark) || binary.BigEndian.Uint64(s[length:])%block != 0 {
		return false
	}
	for i := range h {
		h[i] = binary.BigEndian.Uint32(s[words+4*i:])
	}
	return true
}

// store puts a state back that is n bytes further.
func (d *Digest) store(h *[8]uint32, n int) {
	s := d.state
	for i, w := range h {
		binary.BigEndian.PutUint32(s[words+4*i:], w)
	}
	binary.BigEndian.PutUint64(s[length:], binary.BigEndian.Uint64(s[length:])+uint64(n))
	if err := d.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(s); err != nil {
		panic("sha256x2: the state of crypto/sha256 is not taken back: " + err.Error())
	}
}
