package normalize

import "slices"

// Mapped is text that was read out of another, with the bytes of that other each byte of it came from.
type Mapped struct {
	Text []byte
	from []int32
	to   []int32
}

// Reset empties m and makes room for n bytes.
func (m *Mapped) Reset(n int) {
	if cap(m.Text) < n {
		m.Text, m.from, m.to = make([]byte, 0, n), make([]int32, 0, n), make([]int32, 0, n)
	}
	m.Text, m.from, m.to = m.Text[:0], m.from[:0], m.to[:0]
}

// Append adds a byte that came from bytes [from, to) of the text under m, which is that of under, or the first text where
// under is nil.
func (m *Mapped) Append(c byte, from, to int, under *Mapped) {
	if under != nil {
		from, to = under.Span(from, to)
	}
	m.Text = append(m.Text, c)
	m.from, m.to = append(m.from, int32(from)), append(m.to, int32(to))
}

// AppendAll adds bytes [from, to) of a text, each as what it is; under is as for Append.
func (m *Mapped) AppendAll(text []byte, from, to int, under *Mapped) {
	m.Text = append(m.Text, text[from:to]...)
	if under != nil {
		m.from, m.to = append(m.from, under.from[from:to]...), append(m.to, under.to[from:to]...)
		return
	}
	m.from, m.to = slices.Grow(m.from, to-from), slices.Grow(m.to, to-from)
	for i := from; i < to; i++ {
		m.from, m.to = append(m.from, int32(i)), append(m.to, int32(i+1))
	}
}

// Span returns the bytes of the first text that bytes [from, to) came from, whichever way round; from < to.
func (m *Mapped) Span(from, to int) (lo, hi int) {
	lo, hi = int(min(m.from[from], m.from[to-1])), int(max(m.to[from], m.to[to-1]))
	return lo, hi
}
