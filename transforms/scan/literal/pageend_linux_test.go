package literal

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPageEnd: nothing behind a text is read, nor before it.
func TestPageEnd(t *testing.T) {
	page := unix.Getpagesize()
	all, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	}()
	for _, gap := range [][]byte{all[:page], all[2*page:]} {
		if err := unix.Mprotect(gap, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	text := all[page : 2*page]
	for i := range text {
		text[i] = "whenever you get the opportunity, "[i%34]
	}
	for _, length := range []int{8, 9, 12, 20, 40, 90} { // so that there are several strides
		var patterns []string
		for i := range 3 * most {
			patterns = append(patterns, fmt.Sprintf("%0*d", length, i))
		}
		patterns = append(patterns, string(text[:length]), string(text[20:20+length]))
		for _, sets := range [][]string{patterns, patterns[3*most:]} {
			s := New(sets)
			for n := 0; n < 640; n += 1 + n/16 {
				for _, part := range [][]byte{text[:n], text[len(text)-n:]} {
					want := slow(sets, part)
					checkOne(t, "Scan", sets, part, want, s.Scan)
					checkOne(t, "strided", sets, part, want, s.strided)
					checkOne(t, "portable", sets, part, want, s.portable)
				}
			}
		}
	}
}
