package normalize

import (
	"bytes"
	"unicode/utf8"
)

// twoFaced are capitals that look like another Latin letter than their small letters do: N and v, Y and u. All begin with the same
// byte.
var twoFaced = [...]struct{ capital, small string }{{"Ν", "ν"}, {"Υ", "υ"}, {"Ϋ", "ϋ"}, {"Ύ", "ύ"}}

const twoFacedLead = 0xCE

// TwoFaced says whether there is a word that has a letter of ASCII, and a capital that may stand for the Latin letter that its
// small letter looks like: where words begin with a capital, ν for v becomes Ν. It is fast.
func TwoFaced(text []byte) bool {
	if bytes.IndexByte(text, twoFacedLead) < 0 {
		return false
	}
	for _, f := range twoFaced {
		for from := 1; from < len(text); { // by the second byte: the first is that of most Greek letters
			k := bytes.IndexByte(text[from:], f.capital[1])
			if k < 0 {
				break
			}
			if from += k; text[from-1] == twoFacedLead && mixed(text, from-1, from+1) {
				return true
			}
			from++
		}
	}
	return false
}

// mixed says whether a letter of ASCII stands in the word of bytes [from, to), not far away.
func mixed(text []byte, from, to int) bool {
	const far = 8
	for i := to; i < len(text) && i < to+far && inWord(text[i]); i++ {
		if text[i] < utf8.RuneSelf {
			return true
		}
	}
	for i := from - 1; i >= 0 && i >= from-far && inWord(text[i]); i-- {
		if text[i] < utf8.RuneSelf {
			return true
		}
	}
	return false
}

func inWord(c byte) bool { return c >= utf8.RuneSelf || c|0x20 >= 'a' && c|0x20 <= 'z' }

// Small puts text into m with the small letters of two-faced capitals in their place.
func Small(text []byte, under, m *Mapped) {
	m.Reset(len(text))
	done := 0
	for at := 0; ; {
		k := bytes.IndexByte(text[at:], twoFacedLead)
		if k < 0 {
			m.AppendAll(text, done, len(text), under)
			return
		}
		at += k
		n := 1
		for _, f := range twoFaced {
			if n == 1 && bytes.HasPrefix(text[at:], []byte(f.capital)) {
				n = len(f.capital)
				m.AppendAll(text, done, at, under)
				done = at + n
				for k := range n {
					m.Append(f.small[k], at, done, under)
				}
			}
		}
		at += n
	}
}
