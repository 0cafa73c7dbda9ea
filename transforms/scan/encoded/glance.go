package encoded

import "inoculate/transforms/scan/normalize"

// A Glance is one look at a text, for all that says whether it must be looked at more closely. The zero Glance is ready to use, and
// meant to be used again.
type Glance struct {
	Key  []byte          // the text's key, where nothing may stand encoded in it; valid until the next look
	Seen normalize.Bytes // bytes of the text that say more, but for those of runes that hide nothing

	end int // of the run that was looked at last
}

// Of says whether there may be anything encoded in text. Where it says no, Decode reads nothing out of it. It is fast.
func (g *Glance) Of(text []byte) bool {
	return g.run(text) || g.Seen&normalize.Marks != 0 && anyMark(text, g.Seen) || marked16(text)
}

// run says whether there is a run in text that may be base64 or hex.
func (g *Glance) run(text []byte) bool {
	g.Seen = 0
	may, ok := g.fast(text)
	if !ok {
		may = g.portable(text)
	}
	return may || g.Seen&normalize.WideSpaceLeads != 0 && widePairs(text)
}

// portable is fast for every processor.
func (g *Glance) portable(text []byte) bool {
	if g.Seen = normalize.Seen(text); runPortable(text) {
		return true
	}
	g.Key = normalize.AppendKey(g.Key[:0], text)
	return false
}
