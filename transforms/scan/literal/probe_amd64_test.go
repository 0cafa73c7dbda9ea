package literal

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestKernels: both ways to have words of the filter, at each stride, find what the portable loop does, also where many windows pass.
func TestKernels(t *testing.T) {
	if !hasProbes {
		t.Skip("no AVX2")
	}
	defer func(was uint64) { gathers = was }(gathers)
	rng := rand.New(rand.NewPCG(9, 10))
	strides := map[int]bool{}
	for _, length := range []int{8, 9, 11, 15, 23, 39, 71} {
		var patterns []string
		for range most + 1 {
			b := make([]byte, length)
			for i := range b {
				b[i] = "aAb"[rng.IntN(3)]
			}
			patterns = append(patterns, string(b))
		}
		s := NewFor(patterns, func() []byte { return nil })
		for n := 1; n < 60; n += 2 {
			text := make([]byte, n*n)
			for i := range text {
				text[i] = "aAb"[rng.IntN(3)]
			}
			for range n {
				if pat := patterns[rng.IntN(len(patterns))]; len(pat) <= len(text) {
					copy(text[rng.IntN(len(text)-len(pat)+1):], pat)
				}
			}
			want := map[match]int{}
			s.portable(text, func(p, at int) { want[match{p, at}]++ })
			for gathers = range uint64(2) {
				got := map[match]int{}
				s.strided(text, func(p, at int) { got[match{p, at}]++ })
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("gather %d, stride %d, %d bytes: got %v, want %v", gathers, s.classes[0].stride, len(text), got, want)
				}
			}
		}
		strides[s.classes[0].stride] = true
	}
	if !strides[4] || !strides[8] || len(strides) < 4 {
		t.Errorf("strides %v: too few to say much", strides)
	}
}
