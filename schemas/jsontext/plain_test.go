package jsontext

import (
	"bytes"
	"testing"
)

// FuzzPlainRun holds the fast form against the portable one, at every start and length.
func FuzzPlainRun(f *testing.F) {
	f.Add(bytes.Repeat([]byte("a"), 70), 40)
	f.Add([]byte("\x1f \x7f\x80\xff\"\\"), 3)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		long := append(bytes.Repeat([]byte("plain text, "), 8), b...)
		for _, text := range [][]byte{b, long, append(bytes.Clone(b), long...)} {
			at = max(at, 0) % (len(text) + 1)
			if got, want := plainRun(text[at:]), plainRunPortable(text[at:]); got != want {
				t.Fatalf("%q: %d, want %d", text[at:], got, want)
			}
		}
	})
}

func TestPlainRun(t *testing.T) {
	for c := range 256 {
		for n := range 100 {
			b := append(bytes.Repeat([]byte("a"), n), byte(c), 'b')
			want := n
			if c >= 0x20 && c < 0x80 && c != '"' && c != '\\' {
				want = n + 2
			}
			if got := plainRun(b); got != want {
				t.Fatalf("%q: %d, want %d", b, got, want)
			}
		}
	}
}
