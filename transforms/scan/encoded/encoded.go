// Package encoded reads what stands encoded in a text: base64, hex, percent, HTML entities, backslash escapes,
// quoted-printable, UTF-16, ROT13, text that runs backwards, and these inside one another.
package encoded

import (
	"inoculate/transforms/scan/normalize"
)

// Limits bound the work on one text.
type Limits struct {
	Depth int // encodings inside one another
	Bytes int // decoded bytes, beyond sixteen times the text
}

// Default are the limits that are used where nothing else is said.
func Default() Limits { return Limits{Depth: 3, Bytes: 1 << 20} }

// Decoder decodes texts, one after the other.
type Decoder struct {
	Limits
	// Without names an encoding that is not read, to measure what it finds.
	Without string
	// Stopped counts texts whose limit on bytes was reached: not all that could be decoded was.
	Stopped int64

	layers []normalize.Mapped // one a depth and encoding
	left   int
}

// An encoding appends to m what text says, and whether that is anything new. under leads from text to the first text.
type encoding struct {
	name   string
	decode func(text []byte, under, m *normalize.Mapped) bool
	run    bool // it needs a run of letters
}

var encodings = func() (out []encoding) {
	for _, way := range []way{forwards, backwards, rotated} {
		for skip := range 4 {
			out = append(out, encoding{way.prefix() + "base64", func(text []byte, under, m *normalize.Mapped) bool { return base64(text, under, m, way, skip) }, true})
		}
	}
	out = append(out, encoding{"percent", percent, false}, encoding{"html", entities, false}, encoding{"escapes", escapes, false}, encoding{"utf-16", zeros, false})
	for _, big := range []bool{false, true} {
		for from := range 2 {
			out = append(out, encoding{"utf-16", func(text []byte, under, m *normalize.Mapped) bool { return wide(text, under, m, big, from) }, false})
		}
	}
	for _, way := range []way{forwards, backwards, rotated} {
		for skip := range 2 {
			out = append(out, encoding{way.prefix() + "hex", func(text []byte, under, m *normalize.Mapped) bool { return hexadecimal(text, under, m, way, skip) }, true})
		}
	}
	return append(out, encoding{"quoted-printable", quotedPrintable, false}, encoding{"rot13", rot13, false}, encoding{"reversed", reversed, false})
}()

// Decode calls f with each text that can be read out of text, and how: the encodings from the outermost inwards, "base64>hex".
// m is valid during the call.
func (d *Decoder) Decode(text []byte, f func(via string, m *normalize.Mapped)) {
	if !Candidate(text) {
		return
	}
	if need := len(encodings) * d.Depth; len(d.layers) < need {
		d.layers = make([]normalize.Mapped, need)
	}
	d.left = d.Bytes + 16*len(text)
	d.level(text, nil, "", 0, f)
	if d.left < 0 {
		d.Stopped++
	}
}

func (d *Decoder) level(text []byte, under *normalize.Mapped, chain string, depth int, f func(string, *normalize.Mapped)) {
	runs := run(text)
	for i, e := range encodings {
		if d.left < 0 {
			return
		}
		if e.name == d.Without || e.run && !runs {
			continue
		}
		m := &d.layers[depth*len(encodings)+i]
		m.Reset(0)
		if !e.decode(text, under, m) {
			continue
		}
		if d.left -= len(m.Text); d.left < 0 {
			return
		}
		via := chain + e.name
		f(via, m)
		if depth+1 < d.Depth && Candidate(m.Text) {
			d.level(m.Text, m, via+">", depth+1, f)
		}
	}
}
