//go:build !amd64

package encoded

func (g *Glance) fast([]byte) (may, ok bool) { return false, false }
