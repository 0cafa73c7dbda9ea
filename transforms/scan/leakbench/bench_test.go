package leakbench

import (
	"slices"
	"testing"

	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/tiers"
)

const seed = 1

// TestFloors is what the detector must find.
func TestFloors(t *testing.T) {
	prompts := Prompts()
	x := Set(prompts, tiers.Near).NewSearcher()
	for _, f := range []struct {
		kinds []Kind
		least float64
	}{{Exact, 1}, {Looks, 0.99}, {Hidden, 0.99}, {Encodings, 0.99}, {Edits, 0.9}} {
		for _, k := range f.kinds {
			r := Measure(x, seed, prompts, 150, k)
			t.Logf("%-20s %s", k.Name, r)
			if share, _, _ := r.Recall(); share < f.least || r.Cases < 150 {
				t.Errorf("%s: %s, want %.0f %%; missed %+v", k.Name, r, 100*f.least, r.Missed)
			}
			if r.Overlap < 0.75*float64(r.Found) {
				t.Errorf("%s: spans are off: %s", k.Name, r)
			}
			if k.Tier < tiers.Near && r.First[3] > 0 {
				t.Errorf("%s: found by words alone: %s", k.Name, r)
			}
		}
	}
}

// TestStacks: two disguises, one over the other.
func TestStacks(t *testing.T) {
	prompts := Prompts()
	x := Set(prompts, tiers.Encoded).NewSearcher()
	total := &Result{}
	for i, s := range Stacks() {
		r := Measure(x, seed+uint64(i), prompts, 5, s[0], s[1])
		total.Cases += r.Cases
		total.Found += r.Found
		if r.Found < r.Cases {
			t.Logf("%s below %s: %s; missed %+v", s[0].Name, s[1].Name, r, r.Missed[0])
		}
	}
	for _, names := range [][2]string{{"Greek", "camel case"}, {"hex, spaced", "html, names"}} { // hard ones
		k := slices.IndexFunc(Stacks(), func(s [2]Kind) bool { return s[0].Name == names[0] && s[1].Name == names[1] })
		s := Stacks()[k]
		r := Measure(x, seed, prompts, 100, s[0], s[1])
		if share, _, _ := r.Recall(); share < 0.95 || r.Cases < 100 {
			t.Errorf("%s below %s: %s", s[0].Name, s[1].Name, r)
		}
	}
	t.Logf("%s", total)
	if share, _, _ := total.Recall(); share < 0.95 {
		t.Errorf("stacks of two: %s", total)
	}
}

// TestClean: the words of the prompts in a random order hold none of them, and no encoding of one.
func TestClean(t *testing.T) {
	prompts := Prompts()
	for _, p := range prompts {
		if n := background.PerMillion(p); n >= 0.1 {
			t.Errorf("%q: %.2g of a million clean records hold it", p, n)
		}
	}
	x := Set(prompts, tiers.Encoded).NewSearcher()
	for _, rec := range Shuffled(seed, 20000) {
		x.Scan(rec, func(m tiers.Match) { t.Errorf("%q: %+v", rec, m) })
	}
}

// TestEachDetectorCounts: without any one of them, something is not found.
func TestEachDetectorCounts(t *testing.T) {
	prompts := Prompts()
	all := slices.Concat(Exact, Looks, Hidden, Encodings, Edits)
	found := func(x *tiers.Searcher) (n int) {
		for _, k := range all {
			n += Measure(x, seed, prompts, 20, k).Found
		}
		return n
	}
	last := 0
	for tier := tiers.Exact; tier <= tiers.Near; tier++ {
		n := found(Set(prompts, tier).NewSearcher())
		if n <= last {
			t.Errorf("tier %s finds %d, without it %d are found", tier, n, last)
		}
		last = n
	}
	set := Set(prompts, tiers.Near)
	for _, name := range []string{"base64", "hex", "percent", "html", "escapes", "quoted-printable", "rot13", "reversed", "tags", "selectors", "supplement", "bits"} {
		if n := found(set.NewSearcher().Without(name)); n >= last {
			t.Errorf("without %s, %d are found, with it %d", name, n, last)
		}
	}
	// UTF-16 of ASCII has the key of the text itself: it takes other letters to need it.
	cyrillic := Looks[slices.IndexFunc(Looks, func(k Kind) bool { return k.Name == "Cyrillic" })]
	wide := Encodings[slices.IndexFunc(Encodings, func(k Kind) bool { return k.Name == "utf-16, big" })]
	with, without := Measure(set.NewSearcher(), seed, prompts, 50, cyrillic, wide), Measure(set.NewSearcher().Without("utf-16"), seed, prompts, 50, cyrillic, wide)
	if without.Found >= with.Found {
		t.Errorf("without UTF-16: %s, with it: %s", without, with)
	}
}
