// Package tiers finds prompts in text by widening nets: exact copies, copies that look the same to a reader, copies that stand
// encoded, and near copies.
package tiers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/encoded"
	"inoculate/transforms/scan/literal"
	"inoculate/transforms/scan/near"
	"inoculate/transforms/scan/normalize"
)

// A Tier is how far a text may be from a prompt to be found. Each includes the ones before.
type Tier uint8

// The tiers.
const (
	Exact      Tier = iota // byte for byte, letter case of ASCII aside
	Normalized             // case, spaces, punctuation, invisible characters, accents and look-alike letters aside
	Encoded                // the same, inside encodings, ROT13, or backwards
	Near                   // most of the telling words, in their order
)

// Names are the tiers by name.
var Names = []string{"exact", "normalized", "encoded", "near"}

func (t Tier) String() string { return Names[t] }

// MarshalText is the name.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Parse reads the name of a tier.
func Parse(name string) (Tier, error) {
	if k := slices.Index(Names, name); k >= 0 {
		return Tier(k), nil
	}
	return 0, fmt.Errorf("a tier is one of %s, not %q", strings.Join(Names, ", "), name)
}

// A Pattern is a text to look for.
type Pattern struct {
	Text  string
	Group int  // texts of one group are one prompt: one place is reported once for it by the tiers beyond exact
	Tier  Tier // the widest net it is looked for with; the set's own bounds it
}

// The kinds of matches.
const (
	Copy      = "copy"
	Smuggled  = "smuggled"  // a copy spelled with characters that are not seen
	Invisible = "invisible" // text spelled so that is no copy; its Pattern is -1
	NearCopy  = "near"
)

// A Match is a place where a prompt stands.
type Match struct {
	Pattern  int
	From, To int // bytes of the text; of the encoded part where it is encoded
	Tier     Tier
	Kind     string
	Negated  bool    // a negation stands before it, or in it
	Score    float64 // 1, or what a near copy keeps of the prompt
	Edits    int     // words of a near copy that are dropped, added or moved
	Via      string  // how it was read, outermost first: "base64>rot13", "tags"
	Text     []byte  // the matched text, in lower case for an exact copy, else its letters and digits; valid during the call
}

// manyPatterns is the number of patterns beyond which only the first of each group is also looked for turned by ROT13 and
// backwards: each is three patterns more.
const manyPatterns = 4096

// squeezable is the number of letters from which spaces inside words, and missing ones, do not matter.
const squeezable = 20

// Set is a compiled set of patterns. It is immutable and safe for concurrent use.
type Set struct {
	Tier     Tier
	patterns []Pattern
	raw      *literal.Set // patterns that are looked for as they are: all of them where the tier is exact
	rawOf    []int        // the pattern of each
	keys     *literal.Set
	needles  []needle // of the keys
	near     *near.Set
	nearOf   []int
	longest  int
	// OneWay is the number of patterns that are not looked for turned and backwards.
	OneWay int
}

// needle is a pattern as it is looked for in keys.
type needle struct {
	*normalize.Needle
	pattern int
	via     string // "", "rot13", "reversed", "rot13>reversed"
	lower   []byte // the pattern in lower case
}

// New compiles patterns.
func New(patterns []Pattern, tier Tier) *Set {
	s := &Set{Tier: tier, patterns: patterns}
	var raw, keys, nears []string
	groups := map[int]bool{}
	for i, p := range patterns {
		s.longest = max(s.longest, len(p.Text))
		first := !groups[p.Group]
		groups[p.Group] = true
		n := normalize.NewNeedle(p.Text)
		if min(tier, p.Tier) < Normalized || !fits(n, p.Text) {
			raw, s.rawOf = append(raw, p.Text), append(s.rawOf, i)
			continue
		}
		lower := bytes.Clone(lowered([]byte(p.Text)))
		keys, s.needles = append(keys, string(n.Key)), append(s.needles, needle{n, i, "", lower})
		if min(tier, p.Tier) >= Encoded && (first || len(patterns) <= manyPatterns) {
			for _, t := range [][2]string{{"rot13", rot13(p.Text)}, {"reversed", reversed(p.Text)}, {"rot13>reversed", rot13(reversed(p.Text))}} {
				n := normalize.NewNeedle(t[1])
				keys, s.needles = append(keys, string(n.Key)), append(s.needles, needle{n, i, t[0], nil})
			}
		} else if min(tier, p.Tier) >= Encoded {
			s.OneWay++
		}
		if min(tier, p.Tier) >= Near {
			nears, s.nearOf = append(nears, p.Text), append(s.nearOf, i)
		}
	}
	s.raw = literal.New(raw)
	s.keys = literal.NewFor(keys, background.SampleKey)
	if len(nears) > 0 {
		s.near = near.New(nears)
	}
	return s
}

// fits says whether the key of a text tells it apart: two words or more, or one long one that is all letters.
func fits(n *normalize.Needle, text string) bool {
	if len(n.Key) < 4 {
		return false
	}
	return n.Words >= 2 || n.Letters >= 8 && !background.Marked(text)
}

// Exactly lists the patterns that the set's tier allows more for, and that are looked for exactly only since their letters and
// digits alone say too little.
func (s *Set) Exactly() (out []int) {
	for _, i := range s.rawOf {
		if min(s.Tier, s.patterns[i].Tier) >= Normalized {
			out = append(out, i)
		}
	}
	return out
}

// NotNear lists the patterns that the tier near is asked for, and that have too few distinctive words for it.
func (s *Set) NotNear() (out []int) {
	for k, i := range s.nearOf {
		if !s.near.Has(k) {
			out = append(out, i)
		}
	}
	return out
}

// Overlap is how many bytes parts of a long text must have in common so that no match is cut: every exact copy fits, and a
// copy that was written sixteen times as long.
func (s *Set) Overlap() int {
	if s.Tier == Exact {
		return max(s.longest-1, 0)
	}
	return max(16*s.longest, 4096)
}

func rot13(text string) string {
	b := []byte(text)
	for i, c := range b {
		b[i] = encoded.Rot13(c)
	}
	return string(b)
}

func reversed(text string) string {
	r := []rune(text)
	slices.Reverse(r)
	return string(r)
}

// lowered turns the capitals of ASCII into small letters, in place.
func lowered(b []byte) []byte {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return b
}
