package encoded

import (
	"bytes"
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

// alphabets are the values of the letters of base64, of either alphabet, and of hex; 0xFF is none.
type alphabets struct{ base64, hex [256]uint8 }

// turnedDigits are digits with ROT13 put over them.
var turnedDigits = func() (t alphabets) {
	for c := range 256 {
		t.base64[c], t.hex[c] = digits.base64[Rot13(byte(c))], digits.hex[Rot13(byte(c))]
	}
	return t
}()

var digits = func() (t alphabets) {
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

// letters are the letters of a run in the order in which they are read: their values, and where they stand.
type letters struct {
	values []uint8
	at     []int32
}

func (l *letters) add(value uint8, at int) {
	l.values, l.at = append(l.values, value), append(l.at, int32(at))
}

func (l letters) part(from, to int) letters { return letters{l.values[from:to], l.at[from:to]} }

// arrange puts the letters of a run in the order in which they are read.
func (w way) arrange(l letters) {
	if w == backwards {
		slices.Reverse(l.values)
		slices.Reverse(l.at)
	}
}

// values are the values of letters in a run that is read this way.
func (w way) values() *alphabets {
	if w == rotated {
		return &turnedDigits
	}
	return &digits
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
		for {
			if is(i) || is(i+1) && is(i+2) && between(text[i]) {
				i++
			} else if is(i+2) && is(i+3) && bytes.HasPrefix(text[i:], []byte(wideSpace)) {
				i += len(wideSpace)
			} else {
				break
			}
		}
		if i-from >= shortest {
			r.hex = append(r.hex, [2]int{from, i})
		}
	}
}

// base64 reads runs of base64, with either alphabet, padded or not, over line ends and line by line; the first skip letters
// belong to something before it.
func base64(text []byte, runs *runs, under, m *normalize.Mapped, w way, skip int) bool {
	b := newBytes(m, under)
	defer b.free()
	run, cuts := &b.run, b.cuts // cuts are where lines end in run
	defer func() { b.cuts = cuts }()
	values := &w.values().base64
	for _, r := range runs.base64 {
		run.values, run.at, cuts = run.values[:0], run.at[:0], cuts[:0]
		for i := r[0]; i < r[1]; i++ {
			if v := values[text[i]]; v != 0xFF {
				run.add(v, i)
			} else if n := len(run.at); n > 0 && (len(cuts) == 0 || cuts[len(cuts)-1] < n) {
				cuts = append(cuts, n)
			}
		}
		n := len(run.at)
		if len(cuts) == 0 || runs.joined {
			b.base64(*run, w, skip)
			continue
		}
		b.base64(letters{slices.Clone(run.values), slices.Clone(run.at)}, w, skip)
		from := 0
		for _, to := range append(cuts, n) {
			b.base64(run.part(from, to), w, skip)
			from = to
		}
	}
	return len(m.Text) > 0
}

// base64 adds what a run says.
func (b *bytesOf) base64(run letters, w way, skip int) {
	if len(run.at) < shortest+skip {
		return
	}
	w.arrange(run)
	b.plain = decode64(slices.Grow(b.plain[:0], len(run.values)), run.values[skip:])
	at := run.at[skip:]
	b.keep(func(i int) (int32, int32) { return at[i/3*4+i%3], at[i/3*4+i%3+1] })
}

// decode64 appends the bytes that values of base64 stand for.
func decode64(out, values []byte) []byte {
	k := 0
	for ; k+4 <= len(values); k += 4 {
		g := values[k : k+4 : k+4]
		v := uint32(g[0])<<18 | uint32(g[1])<<12 | uint32(g[2])<<6 | uint32(g[3])
		out = append(out, byte(v>>16), byte(v>>8), byte(v))
	}
	if rest := values[k:]; len(rest) >= 2 {
		v := uint32(rest[0])<<18 | uint32(rest[1])<<12
		if out = append(out, byte(v>>16)); len(rest) == 3 {
			out = append(out, byte((v|uint32(rest[2])<<6)>>8))
		}
	}
	return out
}

// decode16 appends the bytes that values of hex digits stand for.
func decode16(out, values []byte) []byte {
	for ; len(values) >= 2; values = values[2:] {
		out = append(out, values[0]<<4|values[1])
	}
	return out
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
	run := &b.run
	run.values, run.at = run.values[:0], run.at[:0]
	values := &w.values().hex
	end := func() {
		if len(run.at) >= shortest+skip {
			w.arrange(*run)
			b.plain = decode16(b.plain[:0], run.values[skip:])
			at := run.at[skip:]
			b.keep(func(i int) (int32, int32) { return at[2*i], at[2*i+1] })
		}
		run.values, run.at = run.values[:0], run.at[:0]
	}
	for _, r := range runs {
		for i := r[0]; i < r[1]; i++ {
			switch v := values[text[i]]; {
			case v != 0xFF:
				run.add(v, i)
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
	run      letters // memory for callers
	cuts     []int
	plain    []byte // decoded bytes
}

var spare = sync.Pool{New: func() any { return new(bytesOf) }}

func newBytes(m, under *normalize.Mapped) *bytesOf {
	b := spare.Get().(*bytesOf)
	b.m, b.under = m, under
	return b
}

func (b *bytesOf) free() {
	b.m, b.under = nil, nil
	spare.Put(b)
}

// unreadable are the bytes of ASCII that are no text.
var unreadable = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7F
	}
	return t
}()

// inUTF16 says whether the zero at i is one of UTF-16 of ASCII letters, which has one in two bytes.
func inUTF16(b []byte, i int) bool {
	return i >= 2 && b[i-2] == 0 || i+2 < len(b) && b[i+2] == 0
}

// readable is where the readable bytes from i on end.
func readable(text []byte, i int) int {
	for i < len(text) {
		if c := text[i]; c < utf8.RuneSelf {
			if unreadable[c] && (c != 0 || !inUTF16(text, i)) {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		i += size
	}
	return i
}

// keep keeps what is readable of the plain bytes; letters gives the two letters that byte i came from.
func (b *bytesOf) keep(letters func(i int) (int32, int32)) {
	text := b.plain
	for i := 0; i < len(text); {
		k := readable(text, i)
		if k-i >= stretch && !blank(text[i:k]) {
			lo, hi := int32(0), int32(0)
			for j := i; j < k; j++ {
				x, y := letters(j)
				lo, hi = min(x, y), max(x, y)+1
				b.m.Append(text[j], int(lo), int(hi), b.under)
			}
			b.m.Append('\n', int(lo), int(hi), b.under)
		}
		i = k + 1
	}
}
