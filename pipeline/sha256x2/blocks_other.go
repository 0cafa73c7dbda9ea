//go:build !amd64

package sha256x2

const hasSHA = false

func blocksSHANI(_, _ *[8]uint32, _, _ *byte, _ int) { panic("no instructions for it") }
