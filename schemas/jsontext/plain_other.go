//go:build !amd64

package jsontext

// plainRun is plainRunPortable.
func plainRun(b []byte) int { return plainRunPortable(b) }

// appendPlain appends the plain bytes that b begins with to dst, and returns how many they are.
func appendPlain(dst, b []byte) ([]byte, int) {
	k := plainRun(b)
	return append(dst, b[:k]...), k
}
