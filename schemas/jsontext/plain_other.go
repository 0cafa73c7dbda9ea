//go:build !amd64

package jsontext

// plainRun is plainRunPortable.
func plainRun(b []byte) int { return plainRunPortable(b) }
