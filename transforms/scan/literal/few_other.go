//go:build !amd64

package literal

const vectors, wide = false, false

func windows(*byte, int, *tables, *[32]byte) (int, uint32) { panic("literal: no vectors") }

func wideWindows(*byte, int, *wideTables, *[64]byte) (int, uint64) { panic("literal: no vectors") }

func pairs(*byte, int, int, uint64) (int, uint64) { panic("literal: no vectors") }

func nibbles(*byte, int, *nibbleTables, *[64]byte) (int, uint64) { panic("literal: no vectors") }
