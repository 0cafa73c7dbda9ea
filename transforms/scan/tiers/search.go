package tiers

import (
	"bytes"
	"slices"
	"strings"

	"inoculate/transforms/scan/encoded"
	"inoculate/transforms/scan/near"
	"inoculate/transforms/scan/normalize"
)

// Searcher searches texts, one after the other.
type Searcher struct {
	set     *Set
	tier    Tier             // the widest net that is cast, the set's at most
	text    normalize.Text   // of the text itself
	inner   normalize.Text   // of what is read out of it
	hidden  normalize.Mapped // what invisible characters spell, or the text with small letters
	decoder encoded.Decoder
	glance  encoded.Glance
	near    *near.Searcher
	found   []Match
	taken   [][2]int
	base    int // where the part begins that is searched
	without string
}

// NewSearcher makes a searcher, which is not safe for concurrent use.
func (s *Set) NewSearcher() *Searcher {
	x := &Searcher{set: s, tier: s.Tier, decoder: encoded.Decoder{Limits: encoded.Default()}}
	if s.near != nil {
		x.near = near.NewSearcher(s.near)
	}
	return x
}

// Upto makes the searcher cast no wider net than a tier.
func (x *Searcher) Upto(tier Tier) *Searcher {
	if x.tier = min(x.tier, tier); x.tier < Near {
		x.near = nil
	}
	return x
}

// Undecoded makes the searcher leave out what stands encoded, turned or backwards.
func (x *Searcher) Undecoded() *Searcher {
	x.tier = min(x.tier, Normalized)
	return x
}

// Without leaves one detector out, to measure what it finds: an encoding or a way to hide text, by the name Via has for it.
func (x *Searcher) Without(name string) *Searcher {
	x.without, x.decoder.Without = name, name
	return x
}

// Stopped is the number of texts so far in which not all that stands encoded was read, since it is too much.
func (x *Searcher) Stopped() int64 { return x.decoder.Stopped }

// May says whether Scan may find anything in a part of raw, at whatever bytes that are not letters or digits it is cut. It is
// fast, and says yes where it cannot know.
func (x *Searcher) May(raw []byte) (may bool) {
	yes := func(int, int) { may = true }
	if x.set.raw.Scan(raw, yes); may || x.tier == Exact {
		return may
	}
	var seen normalize.Bytes
	var key []byte
	if x.tier >= Encoded {
		if x.glance.Of(raw) {
			return true
		}
		seen, key = x.glance.Seen, x.glance.Key
	} else {
		x.text.Reset(raw)
		seen, key = normalize.Seen(raw), x.text.Key
	}
	if seen&normalize.Hiding != 0 && normalize.MayHide(raw, seen) || seen&normalize.TwoFacedLeads != 0 && normalize.TwoFaced(raw) {
		return true
	}
	if x.set.keys.Scan(key, yes); may || x.near == nil {
		return may
	}
	x.text.Reset(raw)
	return x.near.May(&x.text)
}

// Scan calls emit for each place in text where a pattern stands, by pattern's group and tier. Exact copies are reported one by
// one; a place that a narrower tier has found for a prompt is not reported for it again.
func (x *Searcher) Scan(text []byte, emit func(Match)) {
	x.found, x.base = x.found[:0], 0
	for {
		rest := text[x.base:]
		part := rest[:min(len(rest), x.set.window())]
		x.set.raw.Scan(part, func(p, at int) { x.exact(part, x.set.rawOf[p], at) })
		if x.tier > Exact {
			x.part(part)
		}
		if len(part) == len(rest) {
			x.report(len(text), emit)
			return
		}
		// What begins behind here is in the next part too, whole: nothing there can be in the way of what ends before.
		x.base += len(part) - x.set.common()
		x.report(x.base, emit)
	}
}

// GoesOn says whether something encoded may go on from a line to the next, so that ScanJoined may find more in both than Scan in each.
func GoesOn(line, next []byte) bool { return encoded.GoesOn(line, next) }

// ScanJoined is Scan of lines that were searched one by one: what stands encoded in one of them alone may be left out.
func (x *Searcher) ScanJoined(text []byte, emit func(Match)) {
	x.decoder.Joined = true
	x.Scan(text, emit)
	x.decoder.Joined = false
}

// part is how long text is searched: what is kept for each byte of it is bounded so.
const part = 256 << 10

// window is the length of the parts of a long text, each of which has common bytes in common with the next.
func (s *Set) window() int { return max(part, 4*s.common()) }

// common is Overlap, and enough to see what stands before a copy.
func (s *Set) common() int { return max(s.Overlap()+context, leastCommon) }

const (
	context     = 64   // bytes before a copy that say whether it is negated
	leastCommon = 4096 // bytes that parts have in common
)

// part searches the part of the text that begins at base, exact copies of raw patterns aside.
func (x *Searcher) part(text []byte) {
	s := x.set
	x.text.Reset(text)
	x.keys(&x.text, nil, "", Normalized)
	x.small(text, nil, "", Normalized)
	x.invisible(text, nil, "")
	if x.tier >= Encoded {
		x.decoder.Decode(text, func(via string, m *normalize.Mapped) {
			s.raw.Scan(m.Text, func(p, at int) {
				if i := s.rawOf[p]; min(s.Tier, s.patterns[i].Tier) >= Encoded {
					x.add(m.Text, m, Match{Pattern: i, From: at, To: at + len(s.patterns[i].Text), Tier: Encoded, Kind: Copy, Via: via})
				}
			})
			x.inner.Reset(m.Text)
			x.keys(&x.inner, m, via, Encoded)
			x.small(m.Text, m, via, Encoded)
			x.invisible(m.Text, m, via)
		})
	}
	if x.near != nil {
		x.near.Scan(&x.text, func(m near.Match) {
			x.found = append(x.found, Match{Pattern: s.nearOf[m.Text], From: x.base + m.From, To: x.base + m.To, Tier: Near, Kind: NearCopy, Negated: m.Negated, Score: m.Score, Edits: m.Edits,
				Text: normalize.Key(text[m.From:m.To])})
		})
	}
}

func (x *Searcher) exact(text []byte, pattern, at int) {
	to := at + len(x.set.patterns[pattern].Text)
	x.found = append(x.found, Match{Pattern: pattern, From: x.base + at, To: x.base + to, Kind: Copy, Score: 1, Negated: near.Negated(text[:at]), Text: lowered(bytes.Clone(text[at:to]))})
}

// add adds a match in bytes [From, To) of text, which was read out of the first text as m says; m is nil for the first text
// itself.
func (x *Searcher) add(text []byte, m *normalize.Mapped, f Match) {
	f.Score, f.Negated = 1, near.Negated(text[:f.From])
	if f.Text == nil {
		f.Text = lowered(bytes.Clone(text[f.From:f.To]))
	}
	if m != nil {
		f.From, f.To = m.Span(f.From, f.To)
	}
	f.From, f.To = f.From+x.base, f.To+x.base
	x.found = append(x.found, f)
}

// keys searches the key of a text that was read as via says.
func (x *Searcher) keys(t *normalize.Text, m *normalize.Mapped, via string, tier Tier) {
	s := x.set
	s.keys.Scan(t.Key, func(k, at int) {
		n := &s.needles[k]
		from, to := t.Span(at, at+len(n.Key))
		if n.via == "" {
			if lead := from - n.Lead; lead >= 0 && lead+len(n.lower) <= len(t.Raw) && same(t.Raw[lead:lead+len(n.lower)], n.lower) {
				if m == nil {
					x.exact(t.Raw, n.pattern, lead)
					return
				}
				x.add(t.Raw, m, Match{Pattern: n.pattern, From: lead, To: lead + len(n.lower), Tier: tier, Kind: kindOf(via), Via: via, Text: n.Key})
				return
			}
		}
		if n.via != "" && n.via == x.without {
			return
		}
		if n.Letters < squeezable && !n.SameWords(t, at) {
			return
		}
		how, net := via, tier
		if n.via != "" {
			how, net = strings.TrimPrefix(via+">"+n.via, ">"), Encoded
		}
		if min(x.tier, s.patterns[n.pattern].Tier) >= net {
			x.add(t.Raw, m, Match{Pattern: n.pattern, From: from, To: to, Tier: net, Kind: kindOf(via), Via: how, Text: s.needles[k].Key})
		}
	})
}

// small searches the key of a text once more, where capitals in it may stand for other letters.
func (x *Searcher) small(text []byte, under *normalize.Mapped, via string, tier Tier) {
	if !normalize.TwoFaced(text) {
		return
	}
	normalize.Small(text, under, &x.hidden)
	x.inner.Reset(x.hidden.Text)
	x.keys(&x.inner, &x.hidden, via, tier)
}

// same says whether a text is one in small letters, letter case of ASCII aside.
func same(text, lower []byte) bool {
	for i, c := range lower {
		if d := text[i]; d != c && (d < 'A' || d > 'Z' || d+'a'-'A' != c) {
			return false
		}
	}
	return true
}

// kindOf is the kind of a copy that was read as via says.
func kindOf(via string) string {
	switch via[strings.LastIndexByte(via, '>')+1:] {
	case normalize.Tags, normalize.Selectors, normalize.Supplement, normalize.Bits:
		return Smuggled
	}
	return Copy
}

// invisible searches what the invisible characters of a text spell.
func (x *Searcher) invisible(text []byte, under *normalize.Mapped, chain string) {
	normalize.Hidden(text, under, &x.hidden, func(via string) {
		if via == x.without {
			return
		}
		if chain != "" {
			via = chain + ">" + via
		}
		before := len(x.found)
		m := &x.hidden
		tier := Normalized
		if under != nil {
			tier = Encoded
		}
		x.set.raw.Scan(m.Text, func(p, at int) {
			if i := x.set.rawOf[p]; min(x.set.Tier, x.set.patterns[i].Tier) >= tier {
				x.add(m.Text, m, Match{Pattern: i, From: at, To: at + len(x.set.patterns[i].Text), Tier: tier, Kind: Smuggled, Via: via})
			}
		})
		x.inner.Reset(m.Text)
		x.keys(&x.inner, m, via, tier)
		if len(x.found) == before && len(m.Text) >= worthy {
			x.add(m.Text, m, Match{Pattern: -1, From: 0, To: len(m.Text), Tier: tier, Kind: Invisible, Via: via})
		}
	})
}

// worthy is how many bytes of invisible text are reported though they are no prompt.
const worthy = 16

// report leaves out what a narrower tier found, and hands on what ends at byte end or before; the rest stays.
func (x *Searcher) report(end int, emit func(Match)) {
	if len(x.found) == 0 {
		return
	}
	group := func(m *Match) int {
		if m.Pattern < 0 {
			return -1
		}
		return x.set.patterns[m.Pattern].Group
	}
	slices.SortStableFunc(x.found, func(a, b Match) int {
		switch {
		case group(&a) != group(&b):
			return group(&a) - group(&b)
		case a.Tier != b.Tier:
			return int(a.Tier) - int(b.Tier)
		case a.Tier == Near && a.Score != b.Score: // the best first
			if a.Score > b.Score {
				return -1
			}
			return 1
		case a.From != b.From:
			return a.From - b.From
		case a.To != b.To:
			return b.To - a.To
		}
		return a.Pattern - b.Pattern
	})
	x.taken = x.taken[:0]
	kept, last := x.found[:0], 0
	for i := range x.found {
		m := x.found[i]
		if i > 0 && group(&m) != last {
			x.taken = x.taken[:0]
		}
		last = group(&m)
		if n := len(kept); m.Tier == Exact && n > 0 && kept[n-1].Tier == Exact && kept[n-1].Pattern == m.Pattern && kept[n-1].From == m.From {
			continue // in two parts of the text
		}
		if m.Tier == Exact || !x.overlaps(m.From, m.To) {
			kept = append(kept, m)
			x.take(m.From, m.To)
		}
	}
	slices.SortStableFunc(kept, func(a, b Match) int { return a.From - b.From })
	rest := kept[:0]
	for _, m := range kept {
		if m.To <= end {
			emit(m)
		} else {
			rest = append(rest, m)
		}
	}
	x.found = rest
}

// taken are spans in order that do not overlap.

func (x *Searcher) overlaps(from, to int) bool {
	k, _ := slices.BinarySearchFunc(x.taken, from, func(s [2]int, from int) int { return s[1] - from - 1 })
	return k < len(x.taken) && x.taken[k][0] < to
}

func (x *Searcher) take(from, to int) {
	lo, _ := slices.BinarySearchFunc(x.taken, from, func(s [2]int, from int) int { return s[1] - from - 1 })
	hi := lo
	for hi < len(x.taken) && x.taken[hi][0] < to {
		from, to = min(from, x.taken[hi][0]), max(to, x.taken[hi][1])
		hi++
	}
	x.taken = slices.Replace(x.taken, lo, hi, [2]int{from, to})
}
