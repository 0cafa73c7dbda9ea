package pool

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

var _ memory.Allocator = (*Allocator)(nil)

func TestClassesHoldTheirSizes(t *testing.T) {
	last, lastSize := 0, smallest
	for n := 0; n < 1<<16; n++ {
		class, size := classOf(n)
		if size < n || class < last || (class == last) != (size == lastSize) {
			t.Fatalf("classOf(%d) = %d, %d after %d, %d", n, class, size, last, lastSize)
		}
		if n > smallest && size > n+n/4+1 {
			t.Fatalf("classOf(%d) wastes %d bytes", n, size-n)
		}
		if c, s := classOf(size); c != class || s != size {
			t.Fatalf("classOf(%d) = %d, %d, not the class %d that it is the size of", size, c, s, class)
		}
		last, lastSize = class, size
	}
	if class, _ := classOf(1 << 61); class >= classes {
		t.Fatalf("class %d of %d", class, classes)
	}
}

func TestReuse(t *testing.T) {
	a := New(1 << 20)
	b := a.Allocate(1000)
	p := unsafe.SliceData(b)
	a.Free(b)
	if a.Held() == 0 {
		t.Fatal("a freed buffer was not kept")
	}
	if c := a.Allocate(1024); unsafe.SliceData(c) != p || len(c) != 1024 {
		t.Fatal("the freed buffer was not used again")
	}
	if a.Held() != 0 {
		t.Fatalf("%d bytes held while all are in use", a.Held())
	}
	n := testing.AllocsPerRun(100, func() {
		x, y := a.Allocate(5000), a.Allocate(70_000)
		a.Free(x)
		a.Free(y)
	})
	if n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}

func TestReallocateKeepsContent(t *testing.T) {
	a := New(1 << 20)
	b := a.Allocate(100)
	for i := range b {
		b[i] = byte(i)
	}
	want := bytes.Clone(b)
	b = a.Reallocate(100_000, b)
	if !bytes.Equal(b[:100], want) || len(b) != 100_000 {
		t.Fatal("growing lost bytes")
	}
	b = a.Reallocate(50, b)
	if !bytes.Equal(b, want[:50]) {
		t.Fatal("shrinking lost bytes")
	}
	if c := a.Reallocate(10, nil); len(c) != 10 {
		t.Fatalf("%d bytes from nothing", len(c))
	}
}

func TestLimitDropsWhatIsOutOfUse(t *testing.T) {
	a := New(1 << 20)
	a.Free(a.Allocate(600 << 10))
	for range 3 {
		a.Free(a.Allocate(500 << 10))
	}
	if h := a.Held(); h > 1<<20 || h < 500<<10 {
		t.Fatalf("%d bytes held", h)
	}
	a.Free(a.Allocate(2 << 20))
	if h := a.Held(); h > 1<<20 {
		t.Fatalf("%d bytes held with a limit of 1 MiB", h)
	}
	none := New(0)
	none.Free(none.Allocate(10))
	if none.Held() != 0 {
		t.Fatal("a pool with limit 0 holds memory")
	}
}

func TestForeignMemoryIsNotKept(t *testing.T) {
	a := New(1 << 20)
	a.Free(make([]byte, 300))
	a.Free(nil)
	b := a.Allocate(1024)
	a.Free(b[64:])
	if a.Held() != 0 {
		t.Fatalf("%d foreign bytes held", a.Held())
	}
}

func TestConcurrentUse(t *testing.T) {
	a := New(8 << 20)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			var live [][]byte
			for range 3000 {
				if len(live) > 8 || (len(live) > 0 && rng.IntN(2) == 0) {
					i := rng.IntN(len(live))
					b := live[i]
					if bytes.Count(b, []byte{byte(w)}) != len(b) {
						t.Errorf("a buffer has two owners")
						return
					}
					a.Free(b)
					live[i] = live[len(live)-1]
					live = live[:len(live)-1]
					continue
				}
				b := a.Allocate(rng.IntN(100_000))
				if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%align != 0 {
					t.Error("not aligned")
				}
				for i := range b {
					b[i] = byte(w)
				}
				live = append(live, b)
			}
		})
	}
	wg.Wait()
}

// TestTrim: what was freed goes, what is in use stays, and the pool goes on.
func TestTrim(t *testing.T) {
	a := New(DefaultLimit)
	used := a.Allocate(5000)
	copy(used, "in use")
	for _, n := range []int{100, 5000, 1 << 20} {
		a.Free(a.Allocate(n))
	}
	held := a.Held()
	if held < 1<<20 {
		t.Fatalf("%d bytes held", held)
	}
	if freed := a.Trim(); freed != held || a.Held() != 0 || a.Trim() != 0 {
		t.Errorf("%d bytes freed of %d, %d left", freed, held, a.Held())
	}
	if string(used[:6]) != "in use" {
		t.Error("a buffer in use was taken away")
	}
	a.Free(used)
	if a.Held() == 0 || cap(a.Allocate(5000)) < 5000 || a.Held() != 0 {
		t.Error("the pool does not go on")
	}
}
