//go:build !amd64

package normalize

func squeezeChunks(_, _ []byte) (read, written int) { return 0, 0 }

func seenChunks([]byte) (seen Bytes, read int) { return 0, 0 }

func starts(text *[chunk]byte) (high, follows, more uint64) { return startsPortable(text) }

func appendPairs(_ []byte, k int, _ []byte) (end, read int) { return k, 0 }
