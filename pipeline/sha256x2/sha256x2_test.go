package sha256x2

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// FuzzBoth holds the sums of two streams in pieces, added together, against those of crypto/sha256.
func FuzzBoth(f *testing.F) {
	f.Add([]byte("abc"), []byte(""), uint16(0), uint16(1))
	f.Add(bytes.Repeat([]byte("abc"), 100), bytes.Repeat([]byte("z"), 256), uint16(128), uint16(64))
	f.Add(bytes.Repeat([]byte("a"), 1000), bytes.Repeat([]byte{0xff, 0}, 700), uint16(3), uint16(128))
	f.Fuzz(func(t *testing.T, p, q []byte, i, j uint16) {
		a, b := New(), New()
		k, l := int(i)%(len(p)+1), int(j)%(len(q)+1)
		both(a, b, p[:k], q[:l])
		both(a, b, p[k:], q[l:])
		for _, c := range []struct {
			d    *Digest
			text []byte
		}{{a, p}, {b, q}} {
			if want := sha256.Sum256(c.text); !bytes.Equal(c.d.Sum(), want[:]) {
				t.Fatalf("%x of %q, want %x", c.d.Sum(), c.text, want)
			}
		}
	})
}

// TestLoad: the state of crypto/sha256 is as both expects, or two streams are never added together.
func TestLoad(t *testing.T) {
	d := New()
	d.Add(make([]byte, 3*block))
	if !d.load(new([8]uint32)) {
		t.Fatalf("the state is %x", d.state)
	}
	if d.Add([]byte{1}); d.load(new([8]uint32)) {
		t.Fatal("a state within a block")
	}
}

// TestPartner: a piece that waits is done when another stream has one, and both sums are right.
func TestPartner(t *testing.T) {
	var d [2]*Digest
	p := bytes.Repeat([]byte("0123456789abcdef"), 100)
	sent := make(chan struct{}, 2)
	for i := range d {
		d[i] = New()
		d[i].Offer(p[i:], func() { sent <- struct{}{} }).Run(func() {})
	}
	for i := range d {
		<-sent
		if want := sha256.Sum256(p[i:]); !bytes.Equal(d[i].Sum(), want[:]) {
			t.Errorf("stream %d: %x, want %x", i, d[i].Sum(), want)
		}
	}
}

// TestOffer: whatever the streams do at the same time, their sums are right and each piece is done once, also where one is alone.
func TestOffer(t *testing.T) {
	for _, streams := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(streams), func(t *testing.T) {
			var all sync.WaitGroup
			for s := range streams {
				all.Go(func() {
					r := rand.New(rand.NewPCG(uint64(s), 1))
					d, want := New(), sha256.New()
					for range 200 {
						p := make([]byte, block*r.IntN(40))
						for i := range p {
							p[i] = byte(r.Uint32())
						}
						want.Write(p)
						sent := make(chan struct{}, 2)
						worked := false
						before, behind := r.IntN(1000), r.IntN(1000)
						go d.Offer(p, func() { sent <- struct{}{} }).Run(func() {
							for range before {
								runtime.Gosched()
							}
							worked = true
						})
						for range behind {
							runtime.Gosched()
						}
						d.Settle()
						if <-sent; !worked {
							t.Error("done before its work")
						}
						if len(sent) > 0 {
							t.Error("done twice")
						}
						clear(p)
					}
					if !bytes.Equal(d.Sum(), want.Sum(nil)) {
						t.Errorf("stream %d has another sum", s)
					}
				})
			}
			all.Wait()
			if pieces.waits != nil {
				t.Error("a piece still waits")
			}
		})
	}
}

// BenchmarkBoth hashes two streams at once, and one after the other.
func BenchmarkBoth(b *testing.B) {
	p, q := make([]byte, 512<<10), make([]byte, 512<<10)
	b.Run("one by one", func(b *testing.B) {
		b.SetBytes(int64(len(p) + len(q)))
		x, y := New(), New()
		for b.Loop() {
			x.Add(p)
			y.Add(q)
		}
	})
	b.Run("both", func(b *testing.B) {
		b.SetBytes(int64(len(p) + len(q)))
		x, y := New(), New()
		for b.Loop() {
			both(x, y, p, q)
		}
	})
}
