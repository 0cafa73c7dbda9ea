//go:build !amd64

package literal

func (s *Set) fast(*class, []byte, func(pattern, at int)) (end int) { return 0 }
