package audit

import (
	"io"
	"strings"
	"testing"
)

// looking gives a piece of text at a time, and says whether what was given before has been marked as looked through.
type looking struct {
	t     *testing.T
	l     *lines
	text  string
	piece int
}

func (r *looking) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	if there := len(r.l.buf) - r.l.from; r.l.looked != there {
		r.t.Fatalf("%d bytes of %d are looked through again", there-r.l.looked, there)
	}
	n := copy(p[:min(len(p), r.piece)], r.text)
	r.text = r.text[n:]
	return n, nil
}

// TestLooksOnce: the end of a long line is looked for in what was read since, so that the time for it does not grow with its square.
func TestLooksOnce(t *testing.T) {
	r := &looking{t: t, text: strings.Repeat("a", 300_000) + "\n" + strings.Repeat("b", 2_000_000) + "\nc", piece: 1000}
	l := newLines(r, 1<<20, 100)
	r.l = l
	var parts []int
	for l.next() {
		parts = append(parts, len(l.text))
	}
	if l.err != nil || len(parts) != 4 || parts[0] != 300_000 || parts[1]+parts[2]-l.keep != 2_000_000 || parts[3] != 1 {
		t.Errorf("parts of %v bytes: %v", parts, l.err)
	}
}
