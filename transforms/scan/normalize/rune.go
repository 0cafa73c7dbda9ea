package normalize

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

//go:generate sh -c "go run gen.go \"$CONFUSABLES\" /usr/share/unicode/UnicodeData.txt > confusables.txt"

//go:embed confusables.txt
var confusablesText string

// confusables are characters that look like a Latin letter.
var confusables = sync.OnceValue(func() map[rune]byte {
	m := map[rune]byte{}
	for line := range strings.Lines(confusablesText) {
		var r rune
		var c byte
		if _, err := fmt.Sscanf(line, "%X %c", &r, &c); err != nil {
			panic(fmt.Sprintf("confusables.txt: %q: %v", line, err))
		}
		m[r] = c
	}
	return m
})

// inline is the longest key that stands in an entry.
const inline = 6

// entry is the key of a rune: its length in the first byte, inline+1 for one that is in the longs of its page; what the rune is
// where it has none in the second; the key from the third, or where it stands in longs and its length.
type entry uint64

// entryKey is the bit at which the key begins.
const entryKey = 16

func (e entry) len() int  { return int(e & 0xFF) }
func (e entry) kind() Gap { return Gap(e >> 8) }

const pageBits = 7

// page has the entries of neighbouring runes, and the keys that are too long for an entry.
type page struct {
	entries [1 << pageBits]entry
	longs   []byte
}

// pages are the entries of all runes, each page made when it is needed.
var pages [(unicode.MaxRune + 1) >> pageBits]atomic.Pointer[page]

func lookup(r rune) entry {
	p := pages[r>>pageBits].Load()
	if p == nil {
		p = makePage(r &^ (1<<pageBits - 1))
	}
	return p.entries[r&(1<<pageBits-1)]
}

// near are the keys of what begins with two bytes, the first in the high ones: a byte of ASCII and any other, or a rune of two bytes.
// The key is in the low bytes, its length at nearLen; what two bytes may not spell has none.
var near atomic.Pointer[[1 << 16]uint64]

const nearLen = 56

// nearby is near, made when it is needed.
func nearby() *[1 << 16]uint64 {
	if t := near.Load(); t != nil {
		return t
	}
	t := new([1 << 16]uint64)
	for r := range rune(0x800) {
		e := lookup(r)
		if e.len() > inline {
			panic(fmt.Sprintf("the key of %U is too long", r))
		}
		packed := uint64(e)>>entryKey | uint64(e.len())<<nearLen
		if r < utf8.RuneSelf {
			for next := range rune(256) {
				t[r<<8|next] = packed
			}
		} else {
			t[(0xC0|r>>6)<<8|0x80|r&0x3F] = packed
		}
	}
	near.Store(t)
	return t
}

func makePage(first rune) *page {
	p := new(page)
	for i := range p.entries {
		r := first + rune(i)
		key := keyOf(r)
		switch {
		case len(key) > inline:
			p.entries[i] = inline + 1 | entry(len(p.longs))<<entryKey | entry(len(key))<<(entryKey+32)
			p.longs = append(p.longs, key...)
		case len(key) > 0:
			p.entries[i] = entry(len(key))
			for k, c := range key {
				p.entries[i] |= entry(c) << (entryKey + 8*k)
			}
		case ignored(r):
			p.entries[i] = entry(Invisible) << 8
		default:
			p.entries[i] = entry(Separated) << 8
		}
	}
	pages[first>>pageBits].Store(p)
	return p
}

// long is the key of a rune whose entry is too short for it.
func long(r rune) []byte {
	p := pages[r>>pageBits].Load()
	e := p.entries[r&(1<<pageBits-1)]
	from, n := int(uint32(e>>entryKey)), int(e>>(entryKey+32))
	return p.longs[from : from+n]
}

// keyOf makes the key of one rune: the steps are repeated until nothing changes, so that a key is its own key.
func keyOf(r rune) []byte {
	s := string(r)
	for range 5 {
		next := step(s)
		if next == s {
			break
		}
		s = next
	}
	return []byte(s)
}

func step(s string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if c := looksLike(r); c != 0 {
			out.WriteByte(c)
			continue
		}
		if ignored(r) {
			continue
		}
		for _, f := range foldCase(r) {
			if c := looksLike(f); c != 0 {
				out.WriteByte(c)
			} else if unicode.In(f, unicode.L, unicode.N, unicode.Mc) {
				out.WriteRune(f)
			}
		}
	}
	return out.String()
}

// foldCase is a rune with its letter case folded. Cherokee letters have two cases, which cases.Fold turns into one another: the
// capitals stand for both, as in Unicode's own table.
func foldCase(r rune) string {
	switch {
	case r >= 0x13A0 && r <= 0x13F5:
		return string(r)
	case r >= 0x13F8 && r <= 0x13FD:
		return string(r - 0x13F8 + 0x13F0)
	case r >= 0xAB70 && r <= 0xABBF:
		return string(r - 0xAB70 + 0x13A0)
	}
	return cases.Fold().String(string(r))
}

// looksLike is the Latin letter that a rune, or the rune in its other case, looks like; or 0.
func looksLike(r rune) byte {
	if r < 0x80 {
		return 0
	}
	m := confusables()
	for _, c := range []rune{r, unicode.ToLower(r), unicode.ToUpper(r)} {
		if l, ok := m[c]; ok {
			return l
		}
	}
	return 0
}

// ignored says whether a rune does not part words: marks, characters that are not seen (default ignorables), apostrophes.
func ignored(r rune) bool {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
	case r == '\'', r == '‘', r == '’', r == 'ʼ':
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
	case 0x180B <= r && r <= 0x180F, 0x200B <= r && r <= 0x200F, 0x202A <= r && r <= 0x202E, 0x2060 <= r && r <= 0x206F:
	case 0xFE00 <= r && r <= 0xFE0F, 0xFFF0 <= r && r <= 0xFFF8, 0x1BCA0 <= r && r <= 0x1BCA3, 0x1D173 <= r && r <= 0x1D17A, 0xE0000 <= r && r <= 0xE0FFF:
	default:
		return false
	}
	return true
}
