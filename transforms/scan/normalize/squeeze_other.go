//go:build !amd64

package normalize

func squeezeChunks(_, _ []byte) (read, written int) { return 0, 0 }

func seenFast([]byte) (seen Bytes, ok bool) { return 0, false }

func starts(text *[chunk]byte) (high, follows, more uint64) { return startsPortable(text) }

func appendPairs(_ []byte, k int, _ []byte) (end, read int) { return k, 0 }
