package zstdpage

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// madeUp is a frame of sequences that no matcher has to find, and what a decoder must make of it: raw blocks, then one of
// sequences of a kind.
func madeUp(rng *rand.Rand, blocks, kind int) (frame, content []byte) {
	recent := 1
	var body []byte
	for range blocks {
		b := random(rng, blockBytes)
		content = append(content, b...)
		body = append(appendBlockHeader(body, rawBlock, len(b), false), b...)
	}
	start := len(content)
	var literals []byte
	var sequences []sequence
	for {
		k, n := rng.IntN(1<<rng.IntN(8)), 4+rng.IntN(1<<rng.IntN(9))
		switch kind {
		case 1: // as many as there can be
			k, n = 0, 4
		case 2: // all alike
			k, n = 3, 10
		case 3: // as long as can be
			k, n = rng.IntN(1<<rng.IntN(17)), 4+rng.IntN(1<<rng.IntN(17))
		case 4:
			k, n = 65_536+rng.IntN(1000), 64_000
		case 5:
			k, n = 1, blockBytes-1
		}
		if len(content)-start+k+n > blockBytes {
			break
		}
		l := skewed(rng, k, 1+rng.IntN(256))
		literals, content = append(literals, l...), append(content, l...)
		distance := 1 + rng.IntN(min(len(content), 1<<rng.IntN(24)))
		if kind == 2 {
			distance = 1000
		}
		code := uint32(distance + 3)
		if k > 0 && rng.IntN(4) == 0 {
			code, distance = 1, recent
		}
		recent = distance
		for range n {
			content = append(content, content[len(content)-distance])
		}
		sequences = append(sequences, sequence{uint32(k), uint32(n - 3), code})
		if kind == 6 && len(sequences) == 1+blocks {
			break
		}
	}
	tail := skewed(rng, min(rng.IntN(3000), blockBytes-(len(content)-start)), 20)
	literals, content = append(literals, tail...), append(content, tail...)
	e := New()
	e.literals.restart()
	block := e.literals.appendTo(nil, literals)
	block, ok := e.codes.appendTo(block, sequences, 1<<20)
	if !ok || len(block) >= blockBytes {
		panic("a made-up block that is too large")
	}
	frame = appendHeader(nil, len(content))
	frame = append(frame, body...)
	return append(appendBlockHeader(frame, compressedBlock, len(block), true), block...), content
}

func TestMadeUpSequences(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range 70 {
		frame, content := madeUp(rng, 1+i%3, i%7)
		got, err := decoder().DecodeAll(frame, nil)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("case %d, kind %d: %v", i, i%7, err)
		}
	}
}

// TestManySequences makes sure that one of the kinds of madeUp has a header of three bytes.
func TestManySequences(t *testing.T) {
	if blockBytes/minMatch <= manySequences {
		t.Fatal("blocks cannot have that many")
	}
}

// TestGivesUp looks for no limit that is passed.
func TestGivesUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	sequences := make([]sequence, 300)
	for i := range sequences {
		sequences[i] = sequence{uint32(rng.IntN(1 << rng.IntN(17))), uint32(rng.IntN(1 << rng.IntN(17))), uint32(1 + rng.IntN(1<<22))}
	}
	var c sequenceCoder
	all, ok := c.appendTo(nil, sequences, 1<<20)
	if !ok {
		t.Fatal("a megabyte is not enough")
	}
	all = bytes.Clone(all)
	for limit := range len(all) + 20 {
		out, ok := c.appendTo(nil, sequences, limit)
		switch {
		case ok && !bytes.Equal(out, all):
			t.Fatalf("limit %d: another stream", limit)
		case ok && len(out) > limit+16:
			t.Fatalf("limit %d: %d bytes", limit, len(out))
		case !ok && limit >= len(all):
			t.Fatalf("limit %d: gave up at %d bytes", limit, len(all))
		}
	}
}

func TestSharesAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 5000 {
		var h [64]uint32
		kinds, total := 2+rng.IntN(52), 0
		for _, s := range rng.Perm(53)[:min(kinds, 53)] {
			h[s] = 1 + uint32(rng.IntN(1<<rng.IntN(15)))
			total += int(h[s])
		}
		var f fseTable
		log := max(bits.Len(uint(kinds)), 5) + rng.IntN(3)
		f.share(&h, total, min(log, maxTableLog))
		sum := 0
		for s, k := range f.shares {
			if (k > 0) != (h[s] > 0) || k < 0 || s >= f.n && k != 0 {
				t.Fatalf("symbol %d, %d of %d times, has %d states", s, h[s], total, k)
			}
			sum += int(k)
		}
		if sum != 1<<f.log {
			t.Fatalf("%d states of %d", sum, 1<<f.log)
		}
	}
}

// TestCodes compares the codes with the format's table of where each begins.
func TestCodes(t *testing.T) {
	literals := []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}
	matches := []uint32{32: 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539}
	for i := range matches[:32] {
		matches[i] = uint32(i) + 3
	}
	var c sequenceCoder
	for v := uint32(0); v < blockBytes; v += 1 + v>>12 {
		c.encode([]sequence{{v, v, 1 + v}})
		l, o, m := c.codes[0]&255, c.codes[0]>>8&255, c.codes[0]>>16
		if got := literals[l] + uint32(low(v, uint(extraBits[literalStream][l]))); got != v {
			t.Fatalf("%d literals have code %d: %d", v, l, got)
		}
		if got := matches[m] + uint32(low(v, uint(extraBits[matchStream][m]))); got != v+3 {
			t.Fatalf("a match of %d has code %d: %d", v+3, m, got)
		}
		if got := uint32(1)<<o + uint32(low(1+v, uint(o))); got != 1+v {
			t.Fatalf("offset %d has code %d: %d", 1+v, o, got)
		}
	}
}

func TestCommon(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 5000 {
		b := bytes.Repeat(random(rng, 1+rng.IntN(40)), 20)[:20]
		b = append(b, bytes.Repeat(b, 8)...)
		for range rng.IntN(4) {
			b[rng.IntN(len(b))]++
		}
		at := 1 + rng.IntN(40)
		from, end := rng.IntN(at), at+rng.IntN(len(b)-at)
		n := 0
		for at+n < end && b[from+n] == b[at+n] {
			n++
		}
		if got := common(b, from, at, end); got != n {
			t.Fatalf("%d bytes in common, %d are", got, n)
		}
	}
}

// FuzzRoundTrip takes its input as a page, and as what a page is made of: copies that are longer and farther than an input is.
func FuzzRoundTrip(f *testing.F) {
	for name, page := range hostile() {
		if len(page) < 3000 {
			f.Add(page, uint64(len(name)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		e := New()
		roundTrip(t, e, data)
		rng := rand.New(rand.NewPCG(seed, 0))
		var page []byte
		for part := data; len(part) >= 4 && len(page) < 1<<20; {
			op := binary.LittleEndian.Uint32(part)
			part = part[4:]
			n := int(op>>4&0xfff) << (op >> 2 & 3 * 2)
			switch {
			case op&3 == 0:
				n = min(n, len(part))
				page = append(page, part[:n]...)
				part = part[n:]
			case op&3 == 1:
				page = append(page, skewed(rng, n, 1+int(op>>16&255))...)
			case len(page) > 0:
				distance := 1 + int(op>>16)<<(op>>2&3*2)%len(page)
				for range n {
					page = append(page, page[len(page)-distance])
				}
			}
		}
		roundTrip(t, e, page)
		if len(page) > 0 { // many times, so that blocks follow one another
			roundTrip(t, e, bytes.Repeat(page, 1+300_000/(1+len(page))%7))
		}
	})
}
