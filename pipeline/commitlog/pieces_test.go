package commitlog

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// TestPieces: what is written in steps of any size arrives once and in order, with and without large buffers, and all of them come
// back.
func TestPieces(t *testing.T) {
	for _, lent := range []int{0, maxLarge - 1, maxLarge} {
		var held [][]byte
		for range lent {
			held = append(held, large.get())
		}
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 0))
			var got, want bytes.Buffer
			s := pieces{w: behind{&got}}
			for range r.IntN(30) {
				p := make([]byte, r.IntN(1<<r.IntN(21)))
				for i := range p {
					p[i] = byte(r.Uint32())
				}
				want.Write(p)
				if n, err := s.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
				clear(p) // it is the caller's again
			}
			if err := s.flush(); err != nil {
				t.Fatal(err)
			}
			s.end()
			if !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Fatalf("%d lent, seed %d: %d bytes arrived, %d were written, or others", lent, seed, got.Len(), want.Len())
			}
		}
		for _, b := range held {
			large.put(b)
		}
		if large.left != maxLarge {
			t.Fatalf("%d large buffers came back, of %d", large.left, maxLarge)
		}
	}
}

// behind is a writer as pieces want it.
type behind struct{ io.Writer }

func (behind) Settle() {}
func (b behind) Behind(p []byte, done func(error)) func() {
	return func() {
		_, err := b.Write(p)
		done(err)
	}
}

var errFull = errors.New("no room")

// narrow takes a number of bytes.
type narrow struct{ left int }

func (n *narrow) Write(p []byte) (int, error) {
	k := min(len(p), n.left)
	if n.left -= k; k < len(p) {
		return k, errFull
	}
	return k, nil
}

// TestPiecesFail: the error of a piece is there at the latest when the file ends, and nothing is written behind it.
func TestPiecesFail(t *testing.T) {
	for _, room := range []int{0, 10, smallPiece, largePiece + 1, 3 * largePiece} {
		w := &narrow{room}
		s := pieces{w: behind{w}}
		var err error
		for i := 0; i < 10 && err == nil; i++ {
			_, err = s.Write(make([]byte, largePiece/2))
		}
		if err == nil {
			err = s.flush()
		}
		if !errors.Is(err, errFull) || !errors.Is(s.flush(), errFull) {
			t.Fatalf("room for %d: %v", room, err)
		}
		w.left = 1 << 30
		if _, err := s.Write(make([]byte, 2*largePiece)); !errors.Is(err, errFull) || w.left != 1<<30 {
			t.Fatalf("room for %d: after an error: %v", room, err)
		}
		s.end()
	}
	if large.left != maxLarge {
		t.Fatalf("%d large buffers came back, of %d", large.left, maxLarge)
	}
}
