package encoded

import (
	"slices"
	"sync"
	"unicode/utf8"

	"inoculate/transforms/scan/normalize"
)

// A way is how a run of letters is read.
type way uint8

const (
	forwards way = iota
	backwards
	rotated // ROT13 was put over it
)

func (w way) prefix() string { return [...]string{"", "reversed>", "rot13>"}[w] }

// stretch is the least number of readable bytes in a row that decoded bytes are kept for.
const stretch = 8

// digits are the values of the letters of base64, of either alphabet, and of hex; 0xFF is none.
var digits = func() (t struct{ base64, hex [256]uint8 }) {
	for c := range 256 {
		t.base64[c], t.hex[c] = 0xFF, 0xFF
		if class[c]&isHex != 0 {
			t.hex[c] = nibble(byte(c))
		}
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t.base64[c] = uint8(i)
	}
	t.base64['-'], t.base64['_'] = 62, 63
	return t
}()

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// A digit is a letter of a run: its value, and where it stands.
type digit struct {
	value uint8
	at    int32
}

// arrange puts the letters of a run in the order in which they are read.
func (w way) arrange(run []digit) {
	if w == backwards {
		for i, j := 0, len(run)-1; i < j; i, j = i+1, j-1 {
			run[i], run[j] = run[j], run[i]
		}
	}
}

// value is the value of c in a run that is read this way.
func (w way) value(values *[256]uint8, c byte) uint8 {
	if w == rotated {
		c = Rot13(c)
	}
	return values[c]
}

// find finds the runs of a text.
func (r *runs) find(text []byte) {
	r.base64, r.hex = r.base64[:0], r.hex[:0]
	for i := 0; i < len(text); {
		if class[text[i]]&isBase64 == 0 {
			i++
			continue
		}
		from, line := i, i
		for {
			for i < len(text) && class[text[i]]&isBase64 != 0 {
				i++
			}
			next := wrapped(text, i)
			if next == i || next == len(text) || class[text[next]]&isBase64 == 0 || i-line < shortest && !long(text[next:]) {
				break
			}
			i, line = next, next
		}
		if i-from >= shortest {
			r.base64 = append(r.base64, [2]int{from, i})
		}
	}
	is := func(i int) bool { return i < len(text) && class[text[i]]&isRotHex != 0 }
	for i := 0; i < len(text); i++ {
		if !is(i) || !is(i+1) {
			continue
		}
		from := i
		for is(i) || is(i+1) && is(i+2) && between(text[i]) {
			i++
		}
		if i-from >= shortest {
			r.hex = append(r.hex, [2]int{from, i})
		}
	}
}

// base64 reads runs of base64, with either alphabet, padded or not, over line ends and line by line; the first skip letters
// belong to something before it.
func base64(text []byte, runs [][2]int, under, m *normalize.Mapped, w way, skip int) bool {
	b := newBytes(m, under)
	defer b.free()
	run, cuts := b.run, b.cuts // cuts are where lines end in run
	defer func() { b.run, b.cuts = run, cuts }()
	for _, r := range runs {
		run, cuts = run[:0], cuts[:0]
		for i := r[0]; i < r[1]; i++ {
			if v := w.value(&digits.base64, text[i]); v != 0xFF {
				run = append(run, digit{v, int32(i)})
			} else if len(run) > 0 && (len(cuts) == 0 || cuts[len(cuts)-1] < len(run)) {
				cuts = append(cuts, len(run))
			}
		}
		if len(cuts) == 0 {
			b.base64(run, w, skip)
			continue
		}
		b.base64(slices.Clone(run), w, skip)
		from := 0
		for _, to := range append(cuts, len(run)) {
			b.base64(run[from:to], w, skip)
			from = to
		}
	}
	return len(m.Text) > 0
}

// base64 adds what a run says.
func (b *bytesOf) base64(run []digit, w way, skip int) {
	if len(run) < shortest+skip {
		return
	}
	w.arrange(run)
	for run := run[skip:]; len(run) >= 2; run = run[min(4, len(run)):] {
		group, v := run[:min(4, len(run))], uint32(0)
		for k := range 4 {
			v <<= 6
			if k < len(group) {
				v |= uint32(group[k].value)
			}
		}
		for k := range len(group) - 1 {
			b.add(byte(v>>(16-8*k)), group[k].at, group[k+1].at)
		}
	}
	b.end()
}

// wrapped is where text goes on behind a line end at i, and white space behind that; i if there is none.
func wrapped(text []byte, i int) int {
	k := i
	for k < len(text) && (text[k] == '\r' || text[k] == '\n') {
		k++
	}
	if k == i {
		return i
	}
	for k < len(text) && (text[k] == ' ' || text[k] == '\t') {
		k++
	}
	return k
}

// long says whether text begins with a run that is long enough by itself.
func long(text []byte) bool {
	return len(text) >= shortest && all(text[:shortest], isBase64)
}

// hexadecimal reads runs of hex digits, and of pairs of them with one byte between; the first skip digits belong to something
// before.
func hexadecimal(text []byte, runs [][2]int, under, m *normalize.Mapped, w way, skip int) bool {
	b := newBytes(m, under)
	defer b.free()
	run := b.run[:0]
	defer func() { b.run = run }()
	end := func() {
		if len(run) >= shortest+skip {
			w.arrange(run)
			for run := run[skip:]; len(run) >= 2; run = run[2:] {
				b.add(run[0].value<<4|run[1].value, run[0].at, run[1].at)
			}
			b.end()
		}
		run = run[:0]
	}
	for _, r := range runs {
		for i := r[0]; i < r[1]; i++ {
			switch v := w.value(&digits.hex, text[i]); {
			case v != 0xFF:
				run = append(run, digit{v, int32(i)})
			case class[text[i]]&isRotHex != 0: // a digit, read the other way
				end()
			}
		}
		end()
	}
	return len(m.Text) > 0
}

// between says whether a byte may stand between two pairs of hex digits: the marks of other encodings do not.
func between(c byte) bool {
	return class[c]&isWord == 0 && c < utf8.RuneSelf && c != '%' && c != '=' && c != '\\' && c != '&' && c != '#' && c != ';'
}

// bytesOf keeps the stretches of readable bytes among decoded ones, each with a line end behind it.
type bytesOf struct {
	m, under *normalize.Mapped
	raw      normalize.Mapped
	run      []digit // memory for callers
	cuts     []int
}

var spare = sync.Pool{New: func() any { return new(bytesOf) }}

func newBytes(m, under *normalize.Mapped) *bytesOf {
	b := spare.Get().(*bytesOf)
	b.m, b.under = m, under
	b.raw.Reset(0)
	return b
}

func (b *bytesOf) free() {
	b.m, b.under = nil, nil
	spare.Put(b)
}

// add adds a byte that comes from the letters at x and y.
func (b *bytesOf) add(c byte, x, y int32) {
	b.raw.Append(c, int(min(x, y)), int(max(x, y))+1, nil)
}

func (b *bytesOf) end() {
	text := b.raw.Text
	for i := 0; i < len(text); {
		k := i
		for k < len(text) {
			r, size := utf8.DecodeRune(text[k:])
			if r == utf8.RuneError && size == 1 || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0 || r == 0x7F {
				break
			}
			k += size
		}
		if k-i >= stretch {
			for j := i; j < k; j++ {
				from, to := b.raw.Span(j, j+1)
				b.m.Append(text[j], from, to, b.under)
			}
			from, to := b.raw.Span(k-1, k)
			b.m.Append('\n', from, to, b.under)
		}
		i = k + 1
	}
	b.raw.Reset(0)
}
