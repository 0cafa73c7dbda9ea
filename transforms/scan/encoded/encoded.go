// Package encoded reads what stands encoded in a text: base64, hex, percent, HTML entities, backslash escapes,
// quoted-printable, UTF-16, ROT13, text that runs backwards, and these inside one another.
package encoded

import (
	"strings"

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
	// Joined leaves out what stands in a line of base64 by itself, where a run goes on in others.
	Joined bool
	// Stopped counts texts whose limit on bytes was reached: not all that could be decoded was.
	Stopped int64

	layers []normalize.Mapped // one a depth
	runs   []runs             // one a depth
	left   int
	glance Glance
}

// runs are the parts [from, to) of a text that base64 and hex may stand in.
type runs struct {
	base64, hex [][2]int
	joined      bool // over line ends, and not line by line too
}

// An encoding appends to m what text says, and whether that is anything new. under leads from text to the first text.
type encoding struct {
	name   string
	decode func(text []byte, under, m *normalize.Mapped) bool
	run    func(text []byte, r *runs, under, m *normalize.Mapped) bool // the same for what stands in runs
}

var encodings = func() (out []encoding) {
	for _, way := range []way{forwards, backwards, rotated} {
		for skip := range 4 {
			out = append(out, encoding{way.prefix() + "base64", nil, func(text []byte, r *runs, under, m *normalize.Mapped) bool {
				return base64(text, r, under, m, way, skip)
			}})
		}
	}
	out = append(out, encoding{"percent", percent, nil}, encoding{"html", entities, nil}, encoding{"escapes", escapes, nil}, encoding{"utf-16", zeros, nil})
	for _, big := range []bool{false, true} {
		for from := range 2 {
			out = append(out, encoding{"utf-16", func(text []byte, under, m *normalize.Mapped) bool { return wide(text, under, m, big, from) }, nil})
		}
	}
	for _, way := range []way{forwards, backwards, rotated} {
		for skip := range 2 {
			out = append(out, encoding{way.prefix() + "hex", nil, func(text []byte, r *runs, under, m *normalize.Mapped) bool {
				return hexadecimal(text, r.hex, under, m, way, skip)
			}})
		}
	}
	return append(out, encoding{"quoted-printable", quotedPrintable, nil}, encoding{"rot13", rot13, nil}, encoding{"reversed", reversed, nil})
}()

// Decode calls f with each text that can be read out of text, and how: the encodings from the outermost inwards, "base64>hex".
// m is valid during the call.
func (d *Decoder) Decode(text []byte, f func(via string, m *normalize.Mapped)) {
	if !d.glance.Of(text) {
		return
	}
	if len(d.layers) < d.Depth {
		d.layers, d.runs = make([]normalize.Mapped, d.Depth), make([]runs, d.Depth)
	}
	d.left = d.Bytes + 16*len(text)
	d.level(text, nil, "", 0, f)
	if d.left < 0 {
		d.Stopped++
	}
}

func (d *Decoder) level(text []byte, under *normalize.Mapped, chain string, depth int, f func(string, *normalize.Mapped)) {
	r, any := &d.runs[depth], d.glance.run(text)
	if r.joined = d.Joined; any {
		r.find(text)
	}
	m := &d.layers[depth]
	for _, e := range encodings {
		if d.left < 0 {
			return
		}
		if e.name == d.Without || e.run != nil && !any || e.name == "rot13" && strings.HasSuffix(chain, "rot13>") { // twice is not at all
			continue
		}
		m.Reset(0)
		if e.run != nil && !e.run(text, r, under, m) || e.run == nil && !e.decode(text, under, m) {
			continue
		}
		if d.left -= len(m.Text); d.left < 0 {
			return
		}
		via := chain + e.name
		f(via, m)
		if depth+1 < d.Depth && d.glance.Of(m.Text) {
			d.level(m.Text, m, via+">", depth+1, f)
		}
	}
}
