//go:build !amd64

package literal

func (s *Set) fast(c *class, text []byte, emit func(pattern, at int)) (end int) {
	return s.plain(c, text, emit)
}

const hasProbes = false
