// Package normalize reduces text to its letters and digits, as a reader sees them, and leads back to the bytes they came from.
//
// The key of a text is made rune by rune, without a look at what stands beside: compatibility decomposition (NFKD), marks and
// invisible characters dropped, letter case folded, characters that look like a Latin letter turned into it, everything else
// left out. So the key of a part of a text is a part of the text's key, and a copy of a prompt has the prompt's key whatever
// was done to its case, spaces, punctuation, accents and alphabets. Digits are not letters here, and rn is not m. A Greek or
// Cyrillic letter whose two cases look like different Latin letters keeps them apart.
package normalize

import (
	"encoding/binary"
	"math/bits"
	"sort"
	"unicode/utf8"
)

// block is how many bytes of text have one entry in the map back.
const block = 1 << 10

// Text is a text with its key. The zero Text is ready to use, and meant to be used again.
type Text struct {
	Raw    []byte
	Key    []byte
	blocks []place // starts of blocks, by their place in the text and in the key
}

type place struct{ raw, key int }

// Reset makes the key of raw, which must not change while the Text is used.
func (t *Text) Reset(raw []byte) {
	t.Raw, t.Key, t.blocks = raw, t.Key[:0], t.blocks[:0]
	for i := 0; i < len(raw); {
		t.blocks = append(t.blocks, place{i, len(t.Key)})
		end := min(i+block, len(raw))
		for end < len(raw) && end > i+block-utf8.UTFMax && !utf8.RuneStart(raw[end]) {
			end-- // a rune is not cut
		}
		t.Key = AppendKey(t.Key, raw[i:end])
		i = end
	}
}

// Key is the key of a text.
func Key(text []byte) []byte {
	var t Text
	t.Reset(text)
	return t.Key
}

// AppendKey appends the key of text to dst.
func AppendKey(dst, text []byte) []byte {
	for len(text) > 0 {
		n := 0
		if dst, n = appendASCII(dst, text); n == len(text) {
			break
		}
		dst, n = appendRunes(dst, text[n:], n)
		text = text[n:]
	}
	return dst
}

// appendRunes appends the key of the runes at the start of text up to the first eight bytes of ASCII in a row, and returns how much
// that was, and skip.
func appendRunes(dst, text []byte, skip int) ([]byte, int) {
	k := len(dst)
	if need := k + 3*len(text) + 8; need > cap(dst) { // no key that stands in an entry is longer than three bytes a byte
		dst = append(make([]byte, 0, need+need/2), dst...)
	}
	out := dst[:cap(dst)]
	i, wait := 0, 0
	for i < len(text) {
		if i+8 <= len(text) && binary.LittleEndian.Uint64(text[i:])&highBits == 0 {
			break
		}
		c := text[i]
		if wait--; wait < 0 && c >= utf8.RuneSelf && c < 0xE0 {
			part, read := text[i:], 0
			if k, read = appendPairs(out, k, part); read > 0 {
				i += read
				continue
			}
			if len(part) <= chunk {
				var padded [chunk + 1]byte
				copy(padded[:], part)
				part = padded[:]
			}
			k, read = appendChunk(out, k, part)
			if read < worthwhile { // it is no text, or of longer runes
				wait = worthwhile
			}
			if read > 0 {
				i += read
				continue
			}
		}
		if c < utf8.RuneSelf {
			v := ascii[c]
			out[k] = byte(v)
			k += int(v >> 8)
			i++
			continue
		}
		if c < 0xC2 || c > 0xF4 || i+1 < len(text) && text[i+1]&0xC0 != 0x80 { // no character
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		e := lookup(r)
		if n := e.len(); n <= inline {
			binary.LittleEndian.PutUint64(out[k:], uint64(e)>>entryKey)
			k += n
			continue
		}
		k += copy(out[k:], long(r))
		if k+3*(len(text)-i)+8 > len(out) { // long keys are longer than three bytes a byte now and then
			break
		}
	}
	return out[:k], skip + i
}

const (
	chunk      = 64 // bytes of text that appendChunk takes
	worthwhile = 16 // bytes that it should read
	highBits   = 0x8080808080808080
)

// appendChunk puts the key of runes of one byte and of two, from the start of a chunk up to the last that is not ASCII, or before the
// first that is neither, to out[k:]. It returns where the key ends and how many bytes were read. It looks for the starts of runes
// first: to go from one to the next would be to wait for each.
func appendChunk(out []byte, k int, text []byte) (end, read int) {
	text = text[:chunk+1]
	high, follows, more := starts((*[chunk]byte)(text))
	lead := high &^ follows
	read = bits.Len64(high)
	if bad := follows ^ lead<<1 | more; bad != 0 || lead>>(chunk-1) != 0 {
		read = min(read, chunk-1, bits.TrailingZeros64(bad))
		if read > 0 && lead>>(read-1)&1 != 0 { // what should follow it does not
			read--
		}
		if read == 0 {
			return k, 0
		}
	}
	near := nearby()
	for at, rest := 0, follows>>1; at < read; {
		e := near[binary.BigEndian.Uint16(text[at:])]
		binary.LittleEndian.PutUint64(out[k:], e)
		k += int(e >> nearLen)
		two := rest & 1
		at += 1 + int(two)
		rest = rest >> 1 >> two
	}
	return k, read
}

// startsPortable has a bit for each byte that is not ASCII, that is not the first of a rune, and that begins a rune of three bytes or
// more.
func startsPortable(text *[chunk]byte) (high, follows, more uint64) {
	for j := 0; j < chunk; j += 8 {
		x := binary.LittleEndian.Uint64(text[j : j+8])
		high |= bitOfEach(x&highBits) << j
		follows |= bitOfEach(x&^(x<<1)&highBits) << j
		if x = x & (x << 1) & (x << 2) & highBits; x != 0 {
			more |= bitOfEach(x) << j
		}
	}
	return high, follows, more
}

// bitOfEach gathers the high bits of eight bytes; there are no others.
func bitOfEach(x uint64) uint64 { return x * 0x0002040810204081 >> 56 }

// appendASCII appends the key of what stands before the first byte that is not ASCII, and returns how much that was.
func appendASCII(dst, text []byte) ([]byte, int) {
	k := len(dst)
	if need := k + len(text) + 64; need > cap(dst) {
		dst = append(make([]byte, 0, need+need/2), dst...)
	}
	out := dst[:cap(dst)]
	i := 0
	if len(text) >= 32 && binary.LittleEndian.Uint64(text)&highBits == 0 {
		n := 0
		i, n = squeezeChunks(out[k:], text)
		k += n
	}
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		if x&highBits != 0 {
			break
		}
		d := out[k : k+8 : k+8]
		v := ascii[byte(x)]
		d[0] = byte(v)
		j := int(v >> 8)
		v = ascii[byte(x>>8)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>16)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>24)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>32)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>40)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>48)]
		d[j&7] = byte(v)
		j += int(v >> 8)
		v = ascii[byte(x>>56)]
		d[j&7] = byte(v)
		k += j + int(v>>8)
	}
	for ; i < len(text) && text[i] < utf8.RuneSelf; i++ {
		v := ascii[text[i]]
		out[k] = byte(v)
		k += int(v >> 8)
	}
	return out[:k], i
}

// ascii is for each byte its byte of the key, and 1<<8 where it has one.
var ascii = func() (t [256]uint16) {
	for c := range t[:utf8.RuneSelf] {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[c] = uint16(c) | 1<<8
		case 'A' <= c && c <= 'Z':
			t[c] = uint16(c|0x20) | 1<<8
		}
	}
	return t
}()

// Span returns the bytes [from, to) of the text that the bytes [keyFrom, keyTo) of the key came from; keyFrom < keyTo.
func (t *Text) Span(keyFrom, keyTo int) (from, to int) {
	w := t.walk(keyFrom)
	for w.next() && w.keyEnd <= keyFrom {
	}
	from = w.from
	if keyTo > w.keyEnd+block {
		w = t.walk(keyTo - 1)
		w.next()
	}
	for w.keyEnd < keyTo && w.next() {
	}
	return from, w.to
}

// walk starts before the block in whose key a byte stands.
func (t *Text) walk(key int) walk {
	i := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].key > key }) - 1
	return walk{raw: t.Raw, to: t.blocks[i].raw, keyEnd: t.blocks[i].key}
}

// walk goes from rune to rune of a text.
type walk struct {
	raw      []byte
	from, to int // the rune
	keyEnd   int // of its key
	kind     Gap // what it is, where it has no key
}

func (w *walk) next() bool {
	if w.to >= len(w.raw) {
		return false
	}
	w.from = w.to
	if c := w.raw[w.to]; c < utf8.RuneSelf {
		w.to++
		if ascii[c] != 0 {
			w.keyEnd++
			w.kind = None
		} else if w.kind = Separated; c == '\'' {
			w.kind = Invisible
		}
		return true
	}
	r, size := utf8.DecodeRune(w.raw[w.to:])
	w.to += size
	switch e := lookup(r); {
	case e.len() > inline:
		w.keyEnd += len(long(r))
		w.kind = None
	case e.len() > 0:
		w.keyEnd += e.len()
		w.kind = None
	default:
		w.kind = e.kind()
	}
	return true
}
