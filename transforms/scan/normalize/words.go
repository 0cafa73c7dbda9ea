package normalize

import "bytes"

// A Gap is what stands between two letters or digits.
type Gap uint8

// The gaps there are.
const (
	None      Gap = iota
	Invisible     // nothing that is seen
	Separated     // space, punctuation, symbols
)

// A Needle is a text to look for, with what its key does not say.
type Needle struct {
	Key  []byte
	Lead int // bytes of the text before what gave the first byte of the key
	Gaps []Gap
	// Words is the number of words, Letters that of letters and digits.
	Words, Letters int
}

// NewNeedle takes a text apart.
func NewNeedle(text string) *Needle {
	raw := []byte(text)
	n := &Needle{Key: bytes.Clone(Key(raw))}
	w := walk{raw: raw}
	gap, first := None, true
	for end := 0; w.next(); {
		if w.keyEnd == end {
			gap = max(gap, w.kind)
			continue
		}
		if first {
			n.Lead, first = w.from, false
			n.Words, gap = 1, None
		}
		if gap == Separated {
			n.Words++
		}
		n.Letters++
		n.Gaps = append(n.Gaps, gap)
		for range w.keyEnd - end - 1 {
			n.Gaps = append(n.Gaps, None)
		}
		gap, end = None, w.keyEnd
	}
	return n
}

// SameWords says whether the text whose key holds n's at byte at has the same words there: n begins and ends where words do,
// and is parted where n is. Letters that are not ASCII may belong to a script without spaces: there the ends are free.
func (n *Needle) SameWords(t *Text, at int) bool {
	end := at + len(n.Key)
	w := t.walk(max(at-1, 0))
	for w.keyEnd < at && w.next() { // to behind the letter before
	}
	if w.keyEnd != at {
		return false // inside what one rune gave
	}
	gap, pos := None, at
	if at == 0 {
		gap = Separated
	}
	for pos < end && w.next() {
		if w.keyEnd == pos {
			gap = max(gap, w.kind)
			continue
		}
		if pos == at {
			if gap == None && at > 0 && n.Key[0] < 0x80 {
				return false
			}
		} else if want := n.Gaps[pos-at]; gap != want && gap != Invisible && want != Invisible {
			return false
		}
		gap, pos = None, w.keyEnd
	}
	if pos != end || n.Key[len(n.Key)-1] >= 0x80 {
		return pos == end
	}
	return !w.next() || w.keyEnd == end
}

// Words calls f with each word of the text: its key, and the bytes [from, to) it stands at. The key is valid during the call.
func (t *Text) Words(f func(key []byte, from, to int)) {
	if len(t.blocks) == 0 {
		return
	}
	w := walk{raw: t.Raw}
	start, from, to := 0, 0, 0
	for end := 0; w.next(); {
		if w.keyEnd == end {
			if w.kind == Separated && end > start {
				f(t.Key[start:end], from, to)
				start = end
			}
			continue
		}
		if end == start {
			from = w.from
		}
		end, to = w.keyEnd, w.to
	}
	if len(t.Key) > start {
		f(t.Key[start:], from, to)
	}
}
