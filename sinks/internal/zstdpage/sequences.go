package zstdpage

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The streams of a sequence section, in the order of the format.
const (
	literalStream = iota
	offsetStream
	matchStream
	streams
)

// How a stream says its table.
const (
	predefinedTable = iota
	singleTable
	ownTable
)

const (
	manySequences = 0x7F00 // that many have a longer header
	fewSequences  = 32     // fewer are not worth a table
)

// extraBits are the bits that follow a code: the low ones of the value. An offset has as many as its code says.
var extraBits = [streams][64]uint8{
	literalStream: {16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	matchStream:   {32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
}

// Codes of short literals and matches; longer ones follow from the number of their bits.
var (
	literalCodes = shortCodes[[64]uint8](literalStream)
	matchCodes   = shortCodes[[128]uint8](matchStream)
)

func shortCodes[T [64]uint8 | [128]uint8](stream int) (codes T) {
	code, left := 0, 1
	for i := range len(codes) {
		if left == 0 {
			code++
			left = 1 << extraBits[stream][code]
		}
		codes[i] = uint8(code)
		left--
	}
	return codes
}

// predefined are the tables of the format.
var predefined = func() (t [streams]fseTable) {
	for i, shares := range [streams][]int16{
		{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1},
		{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1},
		{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1},
	} {
		t[i].log, t[i].n = [streams]uint{6, 5, 6}[i], copy(t[i].shares[:], shares)
		t[i].build()
	}
	return t
}()

// A sequenceCoder writes the sequences of blocks.
type sequenceCoder struct {
	tables [streams]fseTable
	codes  []uint32 // of each sequence, a byte each
	header []byte   // scratch
}

// appendTo appends the sequences, unless dst comes to more than limit bytes.
func (c *sequenceCoder) appendTo(dst []byte, sequences []sequence, limit int) (out []byte, ok bool) {
	n := len(sequences)
	switch {
	case n == 0:
		return append(dst, 0), true
	case n < 128:
		dst = append(dst, byte(n))
	case n < manySequences:
		dst = append(dst, byte(n>>8+128), byte(n))
	default:
		dst = append(dst, 255, byte(n-manySequences), byte((n-manySequences)>>8))
	}
	histograms := c.encode(sequences)
	modes := len(dst)
	dst = append(dst, 0)
	var t [streams]*fseTable
	for i := range t {
		var mode byte
		t[i], mode = c.table(i, &histograms[i], n)
		dst = append(dst, c.header...)
		dst[modes] |= mode << (6 - 2*i)
	}
	return appendBits(dst, sequences, c.codes, &t, limit)
}

// encode fills c.codes, and counts them.
func (c *sequenceCoder) encode(sequences []sequence) (histograms [streams][64]uint32) {
	if cap(c.codes) < len(sequences) {
		c.codes = make([]uint32, 0, blockBytes/minMatch+1)
	}
	c.codes = c.codes[:len(sequences)]
	for i, q := range sequences {
		l, m, o := q.literals, q.match, uint32(bits.Len32(q.offset)-1)
		if l < 64 {
			l = uint32(literalCodes[l])
		} else {
			l = uint32(bits.Len32(l)) + 18
		}
		if m < 128 {
			m = uint32(matchCodes[m])
		} else {
			m = uint32(bits.Len32(m)) + 35
		}
		histograms[literalStream][l&63]++
		histograms[offsetStream][o&63]++
		histograms[matchStream][m&63]++
		c.codes[i] = l | o<<8 | m<<16
	}
	return histograms
}

// table chooses the table of a stream of n symbols; c.header is what says it.
func (c *sequenceCoder) table(stream int, histogram *[64]uint32, n int) (t *fseTable, mode byte) {
	kinds, last := 0, 0
	for s, count := range histogram {
		if count > 0 {
			kinds, last = kinds+1, s
		}
	}
	t, c.header = &c.tables[stream], c.header[:0]
	if kinds == 1 {
		t.single(last)
		c.header = append(c.header, byte(last))
		return t, singleTable
	}
	if n < fewSequences {
		return &predefined[stream], predefinedTable
	}
	most := [streams]int{9, 8, 9}[stream]
	t.share(histogram, n, min(max(bits.Len(uint(n))-2, bits.Len(uint(kinds)), 5), most))
	c.header = t.appendTo(c.header)
	if own := t.cost(histogram) + uint64(len(c.header))<<11; own >= predefined[stream].cost(histogram) {
		c.header = c.header[:0]
		return &predefined[stream], predefinedTable
	}
	t.build()
	return t, ownTable
}

// A bitWriter writes bits from the low ones on.
type bitWriter struct {
	out  []byte
	at   int
	acc  uint64
	bits uint // of acc, fewer than 8 between calls
}

// add writes the n low bits of v, the only ones that are set: 56 at most.
func (w *bitWriter) add(v uint64, n uint) {
	w.acc |= v << (w.bits & 63)
	w.bits += n
	binary.LittleEndian.PutUint64(w.out[w.at:], w.acc)
	w.at += int(w.bits >> 3)
	w.acc >>= w.bits & 56
	w.bits &= 7
}

// low are the n low bits of v.
func low(v uint32, n uint) uint64 { return uint64(v) & (1<<(n&63) - 1) }

// extra writes what follows the codes of a sequence.
func (w *bitWriter) extra(q *sequence, code uint32) {
	l, o, m := uint(extraBits[literalStream][code&63]), uint(code>>8&63), uint(extraBits[matchStream][code>>16&63])
	w.add(low(q.literals, l)|low(q.match, m)<<l, l+m)
	w.add(low(q.offset, o), o)
}

// appendBits appends the stream of bits, unless dst comes to more than limit bytes: the last sequence first, since decoders
// begin at the end.
func appendBits(dst []byte, sequences []sequence, codes []uint32, t *[streams]*fseTable, limit int) (out []byte, ok bool) {
	const room = 64 // for what is written after a look at the limit
	if len(dst) > limit {
		return dst, false
	}
	w := bitWriter{out: slices.Grow(dst, limit+room-len(dst))[:limit+room], at: len(dst)}
	tl, to, tm := t[literalStream], t[offsetStream], t[matchStream]
	i := len(sequences) - 1
	c := codes[i]
	sl, so, sm := tl.start(c), to.start(c>>8), tm.start(c>>16)
	w.extra(&sequences[i], c)
	for i--; i >= 0 && w.at <= limit; i-- {
		c, q := codes[i], &sequences[i]
		l, o, m := c&63, c>>8&63, c>>16&63
		// The three states know nothing of one another, so that the machine goes on with all at once.
		xo, xm, xl := &to.sym[o], &tm.sym[m], &tl.sym[l]
		no, nm, nl := uint((so+xo.bits)>>16), uint((sm+xm.bits)>>16), uint((sl+xl.bits)>>16)
		v := low(so, no) | low(sm, nm)<<(no&63) | low(sl, nl)<<((no+nm)&63)
		n := no + nm + nl
		so = uint32(to.states[(int32(so>>(no&31))+xo.base)&(1<<maxTableLog-1)])
		sm = uint32(tm.states[(int32(sm>>(nm&31))+xm.base)&(1<<maxTableLog-1)])
		sl = uint32(tl.states[(int32(sl>>(nl&31))+xl.base)&(1<<maxTableLog-1)])
		bl, bm := uint(extraBits[literalStream][l]), uint(extraBits[matchStream][m])
		if n+bl+bm+uint(o) > 56 {
			w.add(v, n)
			w.extra(q, c)
			continue
		}
		v |= low(q.literals, bl)<<(n&63) | low(q.match, bm)<<((n+bl)&63) | low(q.offset, uint(o))<<((n+bl+bm)&63)
		w.add(v, n+bl+bm+uint(o))
	}
	if i >= 0 || w.at > limit {
		return dst, false
	}
	w.add(low(sm, tm.log)|low(so, to.log)<<tm.log|low(sl, tl.log)<<(tm.log+to.log), tm.log+to.log+tl.log)
	w.add(1, 1) // the end
	if w.bits > 0 {
		w.at++
	}
	return w.out[:w.at], true
}
