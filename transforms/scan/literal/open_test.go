package literal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestOpen: patterns that lack a byte or two for the stride of the others are found wherever they stand, beside whatever bytes, and no
// class is made for them.
func TestOpen(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	lacked := map[int]bool{}
	for round := range 6 {
		var patterns []string
		for n := 8; n < 16; n++ {
			for range rng.IntN(2) {
				patterns = append(patterns, "short pattern of it"[:n])
			}
		}
		planted := len(patterns) + 5
		for i := range 4000 {
			patterns = append(patterns, fmt.Sprintf("%0*d ab", []int{15, 36}[round%2], rng.IntN(1<<30)*1000+i))
		}
		s := NewFor(patterns, func() []byte { return []byte(patterns[0]) })
		c := s.classes[0]
		p := planner{set: s, width: c.width}
		for _, e := range c.behind.entries {
			lacked[p.lacking(s.patterns[e.pattern], c.stride)] = true
		}
		for n := range 100 {
			text := make([]byte, n)
			for i := range text {
				text[i] = byte(rng.Uint32())
			}
			for range 3 {
				if pat := patterns[rng.IntN(planted)]; len(pat) <= n {
					copy(text[[]int{0, n - len(pat), rng.IntN(n - len(pat) + 1)}[rng.IntN(3)]:], pat)
				}
			}
			want := slow(patterns[:planted], text)
			checkOne(t, "Scan", patterns, text, want, s.Scan)
			checkOne(t, "portable", patterns, text, want, s.portable)
		}
	}
	if !lacked[1] || !lacked[2] {
		t.Errorf("patterns lacked %v: too few to say much", lacked)
	}
}

// TestOpenWindows: whatever stands in the open byte, one of the windows is the one of the text.
func TestOpenWindows(t *testing.T) {
	pattern := lower([]byte("Patterns @[`"))
	for _, off := range []int{-1, 0, 3, len(pattern) - window, len(pattern) - window + 1} {
		all, tags := map[uint64]int{}, map[uint32]bool{}
		openWindows(pattern, off, func(x uint64) {
			all[x]++
			tags[tagOf(x, hashKey(x, nothing), 0)] = true
		})
		want := openValues
		if off >= 0 && off+window <= len(pattern) {
			want = 1
		}
		if len(all) != want {
			t.Errorf("offset %d: %d different windows, want %d", off, len(all), want)
		}
		if len(tags) != want {
			t.Errorf("offset %d: %d different tags, want %d", off, len(tags), want)
		}
		for v := range 256 {
			text := append(append([]byte{byte(v)}, pattern...), byte(v))
			if all[folded(text[1+off:], window)] != 1 {
				t.Errorf("offset %d, byte %d: not one of the windows", off, v)
			}
		}
	}
}

// FuzzOpen: among patterns of which many are long, those that lack bytes for the stride are found in whatever text.
func FuzzOpen(f *testing.F) {
	var long []string
	for i := range 1100 {
		long = append(long, fmt.Sprintf("%08x of so many patterns", i*0x9E3779B1))
	}
	f.Add("short pat\nshort patt\nTTERN@[`{", []byte("a short pattern@[`{ SHORT PATT"))
	f.Add("\x00\x20\x00\x20\x00\x20\x00\x20\x00", []byte("\x20\x20\x00\x20\x00\x20\x20\x00\x20\x00\x20\x00\x20\x00\x20\x00\x20\x00"))
	f.Fuzz(func(t *testing.T, patterns string, text []byte) {
		list := strings.Split(patterns, "\n")
		if len(list) > 20 || len(text) > 1000 {
			return
		}
		want := slow(list, text)
		list = append(list, long...)
		s := NewFor(list, func() []byte { return text })
		checkOne(t, "Scan", list[:20], text, want, s.Scan)
		checkOne(t, "portable", list[:20], text, want, s.portable)
	})
}
