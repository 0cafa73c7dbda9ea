// Package leakbench plants prompts in texts in many disguises and measures which of them are found.
package leakbench

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf16"

	"inoculate/transforms/scan/encoded"
	"inoculate/transforms/scan/tiers"
)

// A Kind is one disguise.
type Kind struct {
	Name  string
	Tier  tiers.Tier // the narrowest that must find it
	Least int        // letters (tiers below near) or words (near) that a prompt needs for it
	Apply func(r *rand.Rand, s string) string
	Blind bool // it leaves letters that ROT13 does not turn
}

func each(s string, f func(i int, c rune) string) string {
	var out strings.Builder
	for i, c := range []rune(s) {
		out.WriteString(f(i, c))
	}
	return out.String()
}

// letters replaces the letters of ASCII.
func letters(f func(c rune) rune) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, s string) string {
		return strings.Map(func(c rune) rune {
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				return f(c)
			}
			return c
		}, s)
	}
}

// table replaces the characters that from has by those of to.
func table(from, to string) func(*rand.Rand, string) string {
	f, t := []rune(from), []rune(to)
	return func(_ *rand.Rand, s string) string {
		return strings.Map(func(c rune) rune {
			if k := slices.Index(f, c); k >= 0 {
				return t[k]
			}
			return c
		}, s)
	}
}

func between(gap string) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, s string) string { return strings.Join(strings.Fields(s), gap) }
}

// behind puts one of marks behind every n-th letter.
func behind(n int, marks ...string) func(*rand.Rand, string) string {
	return func(r *rand.Rand, s string) string {
		return each(s, func(i int, c rune) string {
			if c == ' ' || i%n > 0 {
				return string(c)
			}
			return string(c) + marks[r.IntN(len(marks))]
		})
	}
}

// hidden spells the bytes of the prompt with characters that are not seen.
func hidden(f func(c byte) string) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, s string) string {
		var out strings.Builder
		for _, c := range []byte(s) {
			out.WriteString(f(c))
		}
		return "\U0001F600" + out.String()
	}
}

// Exact are the disguises that an exact search finds.
var Exact = []Kind{
	{Name: "verbatim", Apply: func(_ *rand.Rand, s string) string { return s }},
	{Name: "upper case", Apply: func(_ *rand.Rand, s string) string { return strings.ToUpper(s) }},
	{Name: "random case", Apply: func(r *rand.Rand, s string) string {
		return letters(func(c rune) rune { return c ^ rune(r.IntN(2))<<5 })(r, s)
	}},
}

// Looks are the disguises that leave what a reader sees, more or less.
var Looks = []Kind{
	{Name: "two spaces", Tier: tiers.Normalized, Apply: between("  ")},
	{Name: "line ends", Tier: tiers.Normalized, Apply: between("\n\t")},
	{Name: "no-break spaces", Tier: tiers.Normalized, Apply: between("\u00a0")},
	{Name: "ideographic spaces", Tier: tiers.Normalized, Apply: between("\u3000")},
	{Name: "commas", Tier: tiers.Normalized, Apply: between(", ")},
	{Name: "hyphens", Tier: tiers.Normalized, Apply: between("-")},
	{Name: "markdown", Tier: tiers.Normalized, Apply: func(_ *rand.Rand, s string) string { return "**" + strings.Join(strings.Fields(s), "** _") + "_" }},
	{Name: "letter spaced", Tier: tiers.Normalized, Least: 20, Apply: func(_ *rand.Rand, s string) string {
		return strings.TrimSpace(each(s, func(_ int, c rune) string { return string(c) + " " }))
	}},
	{Name: "camel case", Tier: tiers.Normalized, Least: 20, Apply: func(_ *rand.Rand, s string) string {
		var out strings.Builder
		for _, w := range strings.Fields(s) {
			r := []rune(w)
			out.WriteString(strings.ToUpper(string(r[:1])) + string(r[1:]))
		}
		return out.String()
	}},
	{Name: "hyphenated", Tier: tiers.Normalized, Least: 20, Apply: behind(4, "-\n")},
	{Name: "full width", Tier: tiers.Normalized, Blind: true, Apply: letters(func(c rune) rune { return c + 0xFEE0 })},
	{Name: "bold", Tier: tiers.Normalized, Blind: true, Apply: letters(func(c rune) rune {
		if c >= 'a' {
			return c - 'a' + 0x1D41A
		}
		return c - 'A' + 0x1D400
	})},
	{Name: "circled", Tier: tiers.Normalized, Blind: true, Apply: letters(func(c rune) rune { return c | 0x20 - 'a' + 0x24D0 })},
	{Name: "squared", Tier: tiers.Normalized, Blind: true, Apply: letters(func(c rune) rune { return c | 0x20 - 'a' + 0x1F170 })},
	{Name: "flags", Tier: tiers.Normalized, Blind: true, Apply: letters(func(c rune) rune { return c | 0x20 - 'a' + 0x1F1E6 })},
	{Name: "small capitals", Tier: tiers.Normalized, Blind: true, Apply: table("abcdefghijklmnopqrtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀᴛᴜᴠᴡʏᴢ")},
	{Name: "Cyrillic", Tier: tiers.Normalized, Blind: true, Apply: table("aceopxyisjABCEHKMOPTXI", "асеорхуіѕјАВСЕНКМОРТХІ")},
	{Name: "Greek", Tier: tiers.Normalized, Blind: true, Apply: table("oviABEHIKMNOPTXZ", "ονιΑΒΕΗΙΚΜΝΟΡΤΧΖ")},
	{Name: "accents", Tier: tiers.Normalized, Blind: true, Apply: table("aeioucnyAEIOU", "áèîöůçñýÀÉÏÔÜ")},
	{Name: "zalgo", Tier: tiers.Normalized, Apply: behind(1, "\u0335\u0301", "\u0316\u0329\u0342", "\u0488")},
	{Name: "zero width", Tier: tiers.Normalized, Apply: behind(2, "\u200b", "\u200d", "\u2060", "\ufeff")},
	{Name: "soft hyphens", Tier: tiers.Normalized, Apply: behind(3, "\u00ad")},
	{Name: "variation selectors", Tier: tiers.Normalized, Apply: behind(1, "\ufe0f")},
	{Name: "right to left", Tier: tiers.Normalized, Apply: func(_ *rand.Rand, s string) string { return "\u202e" + s + "\u202c" }},
}

// Hidden are the disguises that cannot be seen.
var Hidden = []Kind{
	{Name: "tags", Tier: tiers.Normalized, Apply: hidden(func(c byte) string { return string(0xE0000 + rune(c)) })},
	{Name: "selectors", Tier: tiers.Normalized, Apply: hidden(func(c byte) string {
		if c < 16 {
			return string(0xFE00 + rune(c))
		}
		return string(0xE0100 + rune(c) - 16)
	})},
	{Name: "supplement", Tier: tiers.Normalized, Apply: hidden(func(c byte) string { return string(0xE0100 + rune(c)) })},
	{Name: "bits", Tier: tiers.Normalized, Apply: hidden(func(c byte) (s string) {
		for k := 7; k >= 0; k-- {
			s += []string{"\u2062", "\u2064"}[c>>k&1]
		}
		return s
	})},
}

func octets(format string) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, s string) string {
		var out strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&out, format, c)
		}
		return out.String()
	}
}

// Encodings are the disguises that must be decoded.
var Encodings = []Kind{
	{Name: "base64", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{Name: "base64, inside", Tier: tiers.Encoded, Apply: func(r *rand.Rand, s string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x ", r.IntN(3)) + "so: " + s + " and so on"[:r.IntN(10)]))
	}},
	{Name: "base64url", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{Name: "base64, lines", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		var lines []string
		for c := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(s))), 24) {
			lines = append(lines, string(c))
		}
		return strings.Join(lines, "\r\n")
	}},
	{Name: "hex", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string { return hex.EncodeToString([]byte(s)) }},
	{Name: "hex, spaced", Tier: tiers.Encoded, Apply: func(r *rand.Rand, s string) string {
		return strings.TrimSpace(octets([]string{"%02X ", "%02x:"}[r.IntN(2)])(r, s))
	}},
	{Name: "percent", Tier: tiers.Encoded, Apply: octets("%%%02X")},
	{Name: "percent, spaces", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		return strings.NewReplacer(" ", "%20", ",", "%2C", "\n", "%0A", "%", "%25").Replace(s)
	}},
	{Name: "html, decimal", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string { return fmt.Sprintf("&#%d;", c) })
	}},
	{Name: "html, hex", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string { return fmt.Sprintf("&#x%X;", c) })
	}},
	{Name: "html, names", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		return strings.NewReplacer(" ", "&nbsp;", "&", "&amp;").Replace(s)
	}},
	{Name: "escapes", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		var out strings.Builder
		for _, u := range utf16.Encode([]rune(s)) {
			fmt.Fprintf(&out, "\\u%04x", u)
		}
		return out.String()
	}},
	{Name: "escapes, \\x", Tier: tiers.Encoded, Apply: octets("\\x%02x")},
	{Name: "escaped line ends", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(s, "\\", "\\\\")), "\\n")
	}},
	{Name: "quoted-printable", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		var out strings.Builder
		for i, c := range []byte(s) {
			if i > 0 && i%20 == 0 {
				out.WriteString("=\r\n")
			}
			if c <= ' ' || c == '=' || c > '~' {
				fmt.Fprintf(&out, "=%02X", c)
			} else {
				out.WriteByte(c)
			}
		}
		return out.String()
	}},
	{Name: "utf-16, little", Tier: tiers.Encoded, Apply: wide(false)},
	{Name: "utf-16, big", Tier: tiers.Encoded, Apply: wide(true)},
	{Name: "rot13", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		b := []byte(s)
		for i := range b {
			b[i] = encoded.Rot13(b[i])
		}
		return string(b)
	}},
	{Name: "reversed", Tier: tiers.Encoded, Apply: func(_ *rand.Rand, s string) string {
		r := []rune(s)
		slices.Reverse(r)
		return string(r)
	}},
}

func wide(big bool) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, s string) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			if big {
				u = u<<8 | u>>8
			}
			out = append(out, byte(u), byte(u>>8))
		}
		return string(out)
	}
}

// words edits the words of a prompt; the first and the last are left alone where there are others.
func words(f func(r *rand.Rand, w []string) []string) func(*rand.Rand, string) string {
	return func(r *rand.Rand, s string) string { return strings.Join(f(r, strings.Fields(s)), " ") }
}

// Edits are the disguises that change words.
var Edits = []Kind{
	{Name: "one word dropped", Tier: tiers.Near, Least: 8, Apply: words(func(r *rand.Rand, w []string) []string {
		k := r.IntN(len(w))
		return slices.Delete(w, k, k+1)
	})},
	{Name: "two words swapped", Tier: tiers.Near, Least: 8, Apply: words(func(r *rand.Rand, w []string) []string {
		k := r.IntN(len(w) - 1)
		w[k], w[k+1] = w[k+1], w[k]
		return w
	})},
	{Name: "one word changed", Tier: tiers.Near, Least: 8, Apply: words(func(r *rand.Rand, w []string) []string {
		w[r.IntN(len(w))] = []string{"thing", "zebra", "maybe", "often"}[r.IntN(4)]
		return w
	})},
	{Name: "one word added", Tier: tiers.Near, Least: 8, Apply: words(func(r *rand.Rand, w []string) []string {
		return slices.Insert(w, 1+r.IntN(len(w)-1), []string{"really", "always", "just"}[r.IntN(3)])
	})},
	{Name: "first seven tenths", Tier: tiers.Near, Least: 8, Apply: words(func(_ *rand.Rand, w []string) []string { return w[:(len(w)*7+9)/10] })},
	{Name: "negated", Tier: tiers.Near, Least: 8, Apply: words(func(r *rand.Rand, w []string) []string {
		return slices.Insert(w, min(1+r.IntN(3), len(w)-1), []string{"never", "not"}[r.IntN(2)])
	})},
}
