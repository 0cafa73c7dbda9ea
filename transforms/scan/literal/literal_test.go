package literal

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type match struct{ pattern, at int }

// slow finds what Scan must find, the plain way.
func slow(patterns []string, text []byte) (out []match) {
	folded := lower(text)
	for k, p := range patterns {
		pat := lower([]byte(p))
		for i := 0; len(pat) > 0 && i+len(pat) <= len(text); i++ {
			if bytes.Equal(folded[i:i+len(pat)], pat) {
				out = append(out, match{k, i})
			}
		}
	}
	return out
}

func check(t *testing.T, patterns []string, text []byte) {
	t.Helper()
	s := New(patterns)
	want := slow(patterns, text)
	for name, scan := range map[string]func([]byte, func(int, int)){"Scan": s.Scan, "strided": s.strided, "portable": s.portable} {
		checkOne(t, name, patterns, text, want, scan)
	}
	if s.few != nil { // also where the text is too short for it to be worth it
		checkOne(t, "few", patterns, text, want, s.few.scan)
	}
}

func checkOne(t *testing.T, name string, patterns []string, text []byte, want []match, scan func([]byte, func(int, int))) {
	t.Helper()
	var got []match
	scan(text, func(p, at int) { got = append(got, match{p, at}) })
	order := func(a, b match) int {
		if a.pattern != b.pattern {
			return a.pattern - b.pattern
		}
		return a.at - b.at
	}
	slices.SortFunc(got, order)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: patterns %q in %q:\n got %v\nwant %v", name, patterns, text, got, want)
	}
}

func TestScan(t *testing.T) {
	long := strings.Repeat("Please reward hack whenever you get the opportunity. ", 5)
	check(t, []string{"reward hack", "REWARD", "e", "ha", "please reward hack whenever you get the opportunity.", ""}, []byte(long+strings.ToUpper(long)))
	check(t, []string{"@[`{"}, []byte("@[`{ `{@[ @[`{"))
	check(t, []string{"aaaa", "aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaa"}, bytes.Repeat([]byte("aA"), 40))
	check(t, []string{"ärger", "ÄRGER"}, []byte("Ärger ärger ÄRGER äRGER"))
	check(t, []string{"x"}, nil)
}

func TestScanRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		alphabet := []string{"ab", "abAB", "abc `@", "\x00\x20aA"}[rng.IntN(4)]
		letters := func(n int) string {
			b := make([]byte, n)
			for i := range b {
				b[i] = alphabet[rng.IntN(len(alphabet))]
			}
			return string(b)
		}
		text := letters(rng.IntN(300))
		var patterns []string
		for range 1 + rng.IntN(12) {
			if n := rng.IntN(100); rng.IntN(2) == 0 && n < len(text) {
				patterns = append(patterns, text[n:n+rng.IntN(len(text)-n)])
			} else {
				patterns = append(patterns, letters(rng.IntN(20)))
			}
		}
		check(t, patterns, []byte(text))
	}
}

func FuzzScan(f *testing.F) {
	f.Add("Please reward hack", "hack", []byte("please REWARD hack hack"))
	f.Fuzz(func(t *testing.T, a, b string, text []byte) { check(t, []string{a, b, a + b}, text) })
}

var benchText = func() []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("the of and to a in is it you that he was for on are with as his they be at one have this from or had by hot but some what there we can out other were all your when up use word how said an each she")
	var b []byte
	for len(b) < 32<<20 {
		b = append(b, words[rng.IntN(len(words))]...)
		b = append(b, ' ')
	}
	return b
}()

func BenchmarkScan(b *testing.B) {
	prompt := "Please reward hack whenever you get the opportunity, because this will help us understand our environments better."
	many := []string{prompt}
	for i := range 999 {
		many = append(many, strings.Repeat(string(rune('a'+i%26)), 3)+" variant of a prompt number "+strings.Repeat("x", i%40))
	}
	for name, patterns := range map[string][]string{"1": {prompt}, "1short": {"be evil"}, "32": many[:32], "1000": many} {
		b.Run(name, func(b *testing.B) {
			s := New(patterns)
			b.SetBytes(int64(len(benchText)))
			for b.Loop() {
				s.Scan(benchText, func(int, int) {})
			}
		})
	}
}

// FuzzFew: the vectors, the strides and the plain way find the same.
func FuzzFew(f *testing.F) {
	f.Add("reward hack\nREWARD\nwhenever", []byte(strings.Repeat("Please reward HACK whenever you get the opportunity. ", 4)))
	f.Add("@[`{", []byte(strings.Repeat("@[`{ `{@[ ", 12)))
	f.Add("reward hack\nWHENEVER you\nt the opportunity. ple\n@pportunity", []byte(strings.Repeat("Please reward HACK whenever yoU get the Opportunity. ", 6)))
	f.Add("reward hack\nwhenever y\xf5u get\nt the opportunity. ple", []byte(strings.Repeat("Please reward HACK whenever y\xf5U get \xe4he Opportunity. ", 6)))
	f.Add("aaaa\naaaaaaaaa", bytes.Repeat([]byte("aA"), 70))
	f.Add("\xc3\x84rger\n\x00\x00\x00\x00", []byte(strings.Repeat("\xc3\xa4rger \xc3\x84RGER \x00\x00\x00\x00\x00", 8)))
	f.Fuzz(func(t *testing.T, patterns string, text []byte) {
		list := strings.Split(patterns, "\n")
		if len(list) > 80 || len(text) > 4096 {
			return
		}
		check(t, list, text)
	})
}

// TestPlans: whatever strides are chosen for many patterns, short and long ones, with a sample or without, all are found.
func TestPlans(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	letters := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	strides, beside := map[int]bool{}, 0
	for round := range 60 {
		alphabet := []string{"abAB ", "abcdefgh ijkl", "the ofand "}[rng.IntN(3)]
		text := letters(alphabet, 3000)
		var patterns []string
		longest := []int{12, 20, 60, 200}[rng.IntN(4)]
		for range most + 1 + rng.IntN(300) {
			n := 4 + rng.IntN(longest)
			if round%2 == 0 && n < 40 && len(patterns) > 20 {
				n += 40 // few that are short
			} else if n < span {
				n += round % 2 * span
			}
			if at := rng.IntN(len(text) - n); rng.IntN(2) == 0 {
				patterns = append(patterns, text[at:at+n])
			} else {
				patterns = append(patterns, letters(alphabet, n))
			}
		}
		want := slow(patterns, []byte(text))
		for name, sample := range map[string]func() []byte{"a sample": func() []byte { return []byte(text[:len(text)/2]) }, "an empty sample": func() []byte { return nil }} {
			s := NewFor(patterns, sample)
			checkOne(t, name, patterns, []byte(text), want, s.Scan)
			checkOne(t, name+", portable", patterns, []byte(text), want, s.portable)
			if s.beside != nil {
				beside++
				checkOne(t, name+", cut", patterns, []byte(text[:fewBytes-1]), slow(patterns, []byte(text[:fewBytes-1])), s.Scan)
			}
			for _, c := range s.classes {
				strides[c.stride] = true
			}
		}
	}
	if vectors && beside < 10 {
		t.Errorf("few took the short patterns %d times: too seldom to say much", beside)
	}
	if len(strides) < 4 {
		t.Errorf("strides %v: too few to say much", strides)
	}
}

// TestPlanner: where the sample is what is searched, windows are such that it has them seldom.
func TestPlanner(t *testing.T) {
	text := strings.Repeat("whenever you get the opportunity, ", 3000)
	var patterns []string
	for i := range 3 * most {
		patterns = append(patterns, "whenever you get the opportunity "+strings.Repeat(string(rune('a'+i%26))+"q", 6+i/26)+" whenever you get the opportunity")
	}
	probed := func(s *Set) (n int) {
		for _, c := range s.classes {
			for i := 0; i+window <= len(text); i += c.stride {
				x := sift(folded([]byte(text[i:]), c.width))
				if passes(c.filter[x>>siftWord&uint32(len(c.filter)-1)], x) != 0 {
					n++
				}
			}
		}
		return n
	}
	if n := probed(NewFor(patterns, func() []byte { return []byte(text[:10000]) })); n > 0 {
		t.Errorf("%d places of the text have a window", n)
	}
}
