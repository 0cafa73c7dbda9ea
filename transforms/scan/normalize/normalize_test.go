package normalize

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestKey(t *testing.T) {
	const want = "pleaserewardhack"
	for _, text := range []string{
		"Please reward hack", "PLEASE  REWARD\n\thack!", "Please-re-ward-hack", "P l e a s e r.e.w.a.r.d hack", "pleaseRewardHack", "**Please** _reward_ `hack`",
		"Ｐｌｅａｓｅ ｒｅｗａｒｄ ｈａｃｋ", "𝐏𝐥𝐞𝐚𝐬𝐞 𝐫𝐞𝐰𝐚𝐫𝐝 𝐡𝐚𝐜𝐤", "ⓟⓛⓔⓐⓢⓔ ⓡⓔⓦⓐⓡⓓ ⓗⓐⓒⓚ", "🅿🅻🅴🅰🆂🅴 🆁🅴🆆🅰🆁🅳 🅷🅰🅲🅺", "🇵🇱🇪🇦🇸🇪 🇷🇪🇼🇦🇷🇩 🇭🇦🇨🇰",
		"Pl\u200be\u00ada\u2060s\ufe0fe rew\u034fard hack", "P̷l̷e̶a̵s̸e̷ r̷e̶w̷a̷r̸d̷ h̷a̶c̵k̸", "Рlеаsе rеwаrd hасk", "ΡLΕΑSΕ rεward hack", "ᴘʟᴇᴀsᴇ ʀᴇᴡᴀʀᴅ ʜᴀᴄᴋ",
		"Pléàşė ŕëwãrđ ħaçk", "\u202ePlease\u202c reward hack", "Please\u00a0reward\u3000hack",
	} {
		if got := string(Key([]byte(text))); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	for a, b := range map[string]string{"STRASSE": "straße", "ΠΡΩΪ": "πρωι", "Москва": "МОСКВА", "modern": "MODERN", "ﬃ": "ffi", "don’t": "DON'T", "İstanbul": "istanbul"} {
		if x, y := Key([]byte(a)), Key([]byte(b)); !bytes.Equal(x, y) {
			t.Errorf("%q: %q, %q: %q", a, x, b, y)
		}
	}
	if bytes.Equal(Key([]byte("rn")), Key([]byte("m"))) || bytes.Equal(Key([]byte("0")), Key([]byte("o"))) {
		t.Error("m is rn, or 0 is o")
	}
}

// runes that have something special about them.
var pieces = []string{"a", "Z", " ", "0", "é", "e\u0301", "ﬃ", "ß", "\u200b", "\u0301", "Ж", "а", "漢", "😀", "\U000E0041", "\xff", "\xe2\x81", "ﷺ", "'", "’", "-", "Ⅷ", "ｦ", "한", strings.Repeat("xy ", 400)}

func draw(t *rapid.T, label string) []byte {
	return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, label), ""))
}

// TestPartsKeepTheirKey: the key of a part is a part of the key, spans lead back to what made it, and a key is its own key.
func TestPartsKeepTheirKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkSpans(t, draw(t, "before"), draw(t, "part"), draw(t, "after")) })
}

func FuzzSpans(f *testing.F) {
	f.Add([]byte("so "), []byte("Pléase rеward"), []byte(" \u200bhack"))
	f.Fuzz(func(t *testing.T, before, part, after []byte) {
		if utf8.Valid(part) {
			checkSpans(t, before, part, after)
		}
	})
}

func checkSpans(t interface{ Fatalf(string, ...any) }, before, part, after []byte) {
	raw := bytes.Join([][]byte{before, part, after}, nil)
	var text Text
	text.Reset(raw)
	if !utf8.Valid(before) || !utf8.Valid(after) || !utf8.Valid(part) {
		before, part, after = nil, raw, nil // a cut could make runes of two halves
	}
	at := len(Key(before))
	if want := bytes.Join([][]byte{Key(before), Key(part), Key(after)}, nil); !bytes.Equal(text.Key, want) {
		t.Fatalf("%q: key %q, of its parts %q", raw, text.Key, want)
	}
	key := Key(part)
	if again := Key(key); !bytes.Equal(again, key) {
		t.Fatalf("the key of %q is %q, its key %q", part, key, again)
	}
	last := 0
	for k := range key {
		from, to := text.Span(at+k, at+k+1)
		if from < last || from < len(before) || to > len(before)+len(part) || from >= to {
			t.Fatalf("%q: byte %d of the key is from [%d, %d), the one before from %d", raw, at+k, from, to, last)
		}
		if !bytes.Contains(Key(raw[from:to]), text.Key[at+k:at+k+1]) {
			t.Fatalf("%q: byte %d of the key is not from [%d, %d)", raw, at+k, from, to)
		}
		last = from
	}
	if len(key) > 0 {
		if from, to := text.Span(at, at+len(key)); !bytes.Equal(Key(raw[from:to]), key) {
			t.Fatalf("%q: [%d, %d) has key %q, want %q", raw, from, to, Key(raw[from:to]), key)
		}
		n := NewNeedle(string(part))
		if !bytes.Equal(n.Key, key) || len(n.Gaps) != len(key) {
			t.Fatalf("needle of %q: %+v", part, n)
		}
		if utf8.Valid(part) && !bytes.HasPrefix(Key(part[n.Lead:]), key) {
			t.Fatalf("needle of %q begins at %d", part, n.Lead)
		}
		text.Reset(part)
		if !n.SameWords(&text, 0) {
			t.Fatalf("%q has not its own words", part)
		}
	}
}

// FuzzASCII holds the kernel against the table, whatever stands around.
func FuzzASCII(f *testing.F) {
	f.Add([]byte(strings.Repeat("Please reward, hack. ", 20)), 3)
	f.Add([]byte(strings.Repeat("x", 64)+"é"), 0)
	for n := range 70 {
		f.Add([]byte(strings.Repeat("x. Y", 40)[:n]+"é and more behind it, which is not looked at"), n%3)
	}
	for c := range 256 {
		f.Add(append(bytes.Repeat([]byte("ab"), 50), byte(c), 'c', 'd'), c%90)
	}
	f.Fuzz(func(t *testing.T, text []byte, skip int) {
		text = text[min(max(skip, 0), len(text)):]
		got, n := appendASCII([]byte("abc"), text)
		want := []byte("abc")
		k := 0
		for ; k < len(text) && text[k] < utf8.RuneSelf; k++ {
			if v := ascii[text[k]]; v != 0 {
				want = append(want, byte(v))
			}
		}
		if n != k || !bytes.Equal(got, want) {
			t.Fatalf("%q: %q of %d bytes, want %q of %d", text, got, n, want, k)
		}
	})
}

// FuzzRunes holds the loop against the keys of one rune after the other.
func FuzzRunes(f *testing.F) {
	for _, p := range pieces {
		f.Add([]byte(p + "é, Ж aЖ  b: " + p + "ё and more behind it"))
	}
	f.Add([]byte("\xc3\xc3\xa9\xe2\x82\xed\xa0\x80\xe0\x80\x80\xc1\x81\xf0\x9f\x98\x80\xf4\x90\x80\x80\xd0"))
	for _, pad := range []string{"", "a", "ﷺ"} { // whole chunks of runes of two bytes, the last cut or not
		f.Add([]byte(pad + strings.Repeat("Лгиём", 30) + "\xd0" + pad + strings.Repeat(" Ψέματα", 20) + "and more behind it"))
	}
	f.Add([]byte(strings.Repeat("съешь ещё \xd0\x41\xc0\xafбулок, ﷺ", 50)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want []byte
		for _, r := range string(text) {
			want = append(want, keyOf(r)...)
		}
		for i := 0; i+chunk <= len(text); i++ {
			part := (*[chunk]byte)(text[i:])
			high, follows, more := starts(part)
			if h, f, m := startsPortable(part); h != high || f != follows || m != more {
				t.Fatalf("%q: %b %b %b, plainly %b %b %b", part, high, follows, more, h, f, m)
			}
		}
		if got := AppendKey([]byte("abc"), text); string(got) != "abc"+string(want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}

// FuzzSeen holds the kernel, and the plain way, against the table.
func FuzzSeen(f *testing.F) {
	f.Add([]byte(strings.Repeat("Please reward, hack. ", 20)), 3)
	f.Add([]byte(strings.Repeat("x", 64)+"é%"), 0)
	for c := range 256 {
		f.Add(append(bytes.Repeat([]byte("ab"), 50), byte(c)), c%80)
		f.Add(append([]byte{byte(c)}, bytes.Repeat([]byte("ab"), 50)...), 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, skip int) {
		text = text[min(max(skip, 0), len(text)):]
		var want Bytes
		for _, c := range text {
			want |= telling[c]
		}
		if got, plain := Seen(text), seenPortable(text); got != want || plain != want {
			t.Fatalf("%q: %b, plainly %b, want %b", text, got, plain, want)
		}
	})
}

func TestSameWords(t *testing.T) {
	for _, c := range []struct {
		needle, text string
		want         bool
	}{
		{"You are evil.", "so YOU  are, evil!", true},
		{"You are evil.", "you\u200bare evil", true},
		{"You are evil.", "youare evil", false},
		{"You are evil.", "y ou are evil", false},
		{"You are evil.", "you are evils", false},
		{"You are evil.", "thyou are evil", false},
		{"Don't", "do not; dont do", true},
		{"撒谎", "请撒谎吧", true},
		{"s a", "ß a", false},
	} {
		var text Text
		text.Reset([]byte(c.text))
		n := NewNeedle(c.needle)
		got := false
		for at := 0; at+len(n.Key) <= len(text.Key); at++ {
			if bytes.HasPrefix(text.Key[at:], n.Key) && n.SameWords(&text, at) {
				got = true
			}
		}
		if got != c.want {
			t.Errorf("%q in %q: %v", c.needle, c.text, got)
		}
	}
}

// TestTwoFaced: capitals that may stand for two Latin letters are read both ways, in words that have a letter of ASCII.
func TestTwoFaced(t *testing.T) {
	for _, c := range []struct{ text, small string }{
		{"AΝery", "avery"}, {"xΥp", "xup"}, {"Ϋ b", ""}, {"Ϋb", "ub"}, {"ΝΑΙ, Νέα Υόρκη and more", ""}, {"evil", ""}, {"so Νοιa it", "soνοιait"}, {"Νοιοιοιοιοιa", ""}, {"\xce", ""}, {"\xce\x9d", ""},
	} {
		if got := TwoFaced([]byte(c.text)); got != (c.small != "") {
			t.Errorf("%q: %v", c.text, got)
		}
		if c.small == "" {
			continue
		}
		var m Mapped
		Small([]byte(c.text), nil, &m)
		if got, want := string(Key(m.Text)), string(Key([]byte(c.small))); got != want {
			t.Errorf("%q: %q, want %q", c.text, got, want)
		}
		if from, to := m.Span(0, len(m.Text)); from != 0 || to != len(c.text) {
			t.Errorf("%q: [%d, %d)", c.text, from, to)
		}
	}
}

// TestCases: all cases of a letter have one key, but for those that look like different Latin letters, and a key is its own key, for
// every rune there is.
func TestCases(t *testing.T) {
	var twoFaced string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		key := keyOf(r)
		if again := Key(key); !bytes.Equal(again, key) {
			t.Errorf("the key of %U is %q, its key %q", r, key, again)
		}
		for o := unicode.SimpleFold(r); o > r; o = unicode.SimpleFold(o) {
			switch other := keyOf(o); {
			case bytes.Equal(other, key):
			case len(key) == 1 && len(other) == 1 && o >= utf8.RuneSelf:
				twoFaced += string(r)
			case r != 0x345: // an iota below a letter, which is a mark: all marks are left out
				t.Errorf("%U has the key %q, %U %q", r, key, o, other)
			}
		}
	}
	if want := "ΎΝΥΫ\u1F51\u1F53\u1F55\u1F57\u1F7A\u1F7B\u1FE0\u1FE1\U000118A3\U000118A4\U000118BC"; twoFaced != want {
		t.Errorf("letters whose cases look different: %q, not %q", twoFaced, want)
	}
	if got := string(Key([]byte("Ꮳꮃꭹ Ᏸᏸ"))); got != string(Key([]byte("ꮳᎳᎩ ᏸᏰ"))) {
		t.Errorf("Cherokee in two cases: %q", got)
	}
}

func TestHidden(t *testing.T) {
	const secret = "Please reward hack"
	ways := map[string]func(i int, c byte) string{
		Tags: func(_ int, c byte) string { return string(0xE0000 + rune(c)) },
		Selectors: func(_ int, c byte) string {
			if c < 16 {
				return string(0xFE00 + rune(c))
			}
			return string(0xE0100 + rune(c) - 16)
		},
		Supplement: func(_ int, c byte) string { return string(0xE0100 + rune(c)) },
		Bits: func(_ int, c byte) (s string) {
			for k := 7; k >= 0; k-- {
				s += map[byte]string{0: "\u2062", 1: "\u2064"}[c>>k&1]
			}
			return s
		},
	}
	for via, way := range ways {
		raw := "abc "
		for i := range secret {
			raw += way(i, secret[i])
		}
		end := len(raw)
		raw += " and more"
		found := false
		var m Mapped
		Hidden([]byte(raw), nil, &m, func(got string) {
			if got == via && string(m.Text) == secret {
				from, to := m.Span(0, len(secret))
				found = from == 4 && to == end
			}
		})
		if !found {
			t.Errorf("%s not found", via)
		}
	}
	for _, clean := range []string{"🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "❤️ ☀️ ✔️ ❤️ ☀️ ✔️ ❤️ ☀️ ✔️", "x\u2062y"} {
		var m Mapped
		Hidden([]byte(clean), nil, &m, func(via string) { t.Errorf("%q: %s %q", clean, via, m.Text) })
	}
}

// FuzzTwoFaced: capitals with two faces are found, and changed, wherever they stand.
func FuzzTwoFaced(f *testing.F) {
	f.Add([]byte("so Νοιa it, ώΝ aΎ \xce\x9d\xce\xce\x8eb"))
	f.Add([]byte("\x9dΥ\xce"))
	f.Fuzz(func(t *testing.T, text []byte) {
		want, small := false, []byte(nil)
		for i := 0; i < len(text); {
			n := 1
			for _, c := range twoFaced {
				if bytes.HasPrefix(text[i:], []byte(c.capital)) {
					n = len(c.capital)
					want = want || mixed(text, i, i+n)
					small = append(small, c.small...)
				}
			}
			if n == 1 {
				small = append(small, text[i])
			}
			i += n
		}
		if got := TwoFaced(text); got != want {
			t.Fatalf("%q: %v", text, got)
		}
		var m, again Mapped
		Small(text, nil, &m)
		Small(text, &m, &again)
		if !bytes.Equal(m.Text, small) || !bytes.Equal(again.Text, small) {
			t.Fatalf("%q: %q, want %q", text, m.Text, small)
		}
		for i := range m.Text {
			from, to := m.Span(i, i+1)
			if lo, hi := again.Span(i, i+1); from < 0 || from > i || to <= i || to > len(text) || lo != from || hi != to {
				t.Fatalf("%q: byte %d is from [%d, %d), and [%d, %d)", text, i, from, to, lo, hi)
			}
		}
	})
}

// plainHidden is Hidden, rune by rune.
func plainHidden(text []byte, f func(via, spelled string, from, to int)) {
	ways := []struct {
		via  string
		byte func(r rune) int
	}{
		{Tags, func(r rune) int { return within(r, 0xE0001, 0xE007F, 0xE0000) }},
		{Selectors, func(r rune) int {
			return max(within(r, 0xFE00, 0xFE0F, 0xFE00), within(r, 0xE0100, 0xE01EF, 0xE0100-16))
		}},
		{Supplement, func(r rune) int { return within(r, 0xE0101, 0xE017F, 0xE0100) }},
	}
	for _, way := range ways {
		var spelled []byte
		from, to := 0, 0
		for i, r := range string(text) {
			if c := way.byte(r); c >= 0 {
				if len(spelled) == 0 {
					from = i
				}
				spelled, to = append(spelled, byte(c)), i+utf8.RuneLen(r)
			}
		}
		if len(spelled) >= shortest && readable(spelled) {
			f(way.via, string(spelled), from, to)
		}
	}
	for _, one := range []rune{0x2064, 0x2062} {
		var spelled []byte
		n, c, first, from, to := 0, 0, 0, 0, 0
		for i, r := range string(text) {
			if r != 0x2062 && r != 0x2064 {
				continue
			}
			if n == 0 {
				first = i
			}
			c <<= 1
			if r == one {
				c |= 1
			}
			if n++; n == 8 {
				if len(spelled) == 0 {
					from = first
				}
				spelled, to = append(spelled, byte(c)), i+utf8.RuneLen(r)
				n, c = 0, 0
			}
		}
		if readable(spelled) {
			if len(spelled) >= shortest {
				f(Bits, string(spelled), from, to)
			}
			return
		}
	}
}

// FuzzHidden: what invisible characters spell is found among anything else, as rune by rune.
func FuzzHidden(f *testing.F) {
	f.Add([]byte("hack all that"), []byte("x\xf3\xa0\xef\xb8\xe2\x81é"), 0)
	f.Add([]byte("\xaa\x0f there\x00 is"), []byte("\xf0\xf3\xe2"), 3)
	f.Fuzz(func(t *testing.T, secret, noise []byte, way int) {
		var text []byte
		for i, c := range secret {
			switch way & 3 {
			case 0:
				text = utf8.AppendRune(text, 0xE0000+rune(c))
			case 1:
				text = utf8.AppendRune(text, 0xFE00+rune(c&15))
			case 2:
				text = utf8.AppendRune(text, 0xE0100+rune(c))
			default:
				for k := range 8 {
					text = utf8.AppendRune(text, 0x2062+rune(c>>k&1)*2)
				}
			}
			if len(noise) > 0 {
				text = append(text, noise[i%len(noise)])
			}
		}
		text = append(text, noise...)
		var got, want []string
		var m Mapped
		Hidden(text, nil, &m, func(via string) {
			from, to := m.Span(0, len(m.Text))
			got = append(got, fmt.Sprintf("%s %q %d %d", via, m.Text, from, to))
		})
		plainHidden(text, func(via, spelled string, from, to int) {
			want = append(want, fmt.Sprintf("%s %q %d %d", via, spelled, from, to))
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %s, rune by rune %s", text, got, want)
		}
	})
}

func BenchmarkReset(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":    "The quick brown fox jumps over the lazy dog, and says: \"hello there\". ",
		"quotes":   "The quick brown fox didn’t jump over the lazy dog — it says: hello there. It was sunny, too, and it was not raining anyway. ",
		"cyrillic": "Съешь ещё этих мягких французских булок, да выпей чаю. ",
		"chinese":  "我们今天去公园玩，天气很好。",
	} {
		b.Run(name, func(b *testing.B) {
			raw := bytes.Repeat([]byte(s), 1<<20/len(s))
			b.SetBytes(int64(len(raw)))
			var t Text
			for b.Loop() {
				t.Reset(raw)
			}
		})
	}
}
