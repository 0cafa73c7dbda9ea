package audit

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"unsafe"

	"inoculate/sources/files"
)

// open opens a file, decompressed where it is compressed.
func (a *Auditor) open(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	r, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	budget := int64(math.MaxInt64)
	if a.Expansion > 0 && info.Size() < math.MaxInt64/a.Expansion {
		budget = max(leastBudget, info.Size()*a.Expansion)
		if a.least > 0 {
			budget = max(a.least, info.Size()*a.Expansion)
		}
	}
	return &budgeted{r, path, budget, budget}, nil
}

// leastBudget is how much text a compressed file may always hold.
const leastBudget = 1 << 30

// budgeted is a file that may hold so much text: a small one that goes on and on is a bomb.
type budgeted struct {
	io.ReadCloser
	path         string
	left, budget int64
}

func (b *budgeted) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.ReadCloser.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, fmt.Errorf("it holds more than %d bytes, over the limit for its size (--max-expansion)", b.budget)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// lines reads text line by line; a line longer than the limit comes in parts that overlap, so that nothing at a cut is
// missed.
type lines struct {
	r       io.Reader
	limit   int
	keep    int // bytes of overlap between parts
	buf     []byte
	from    int // start of what was not handed out yet
	looked  int // bytes of that in which there is no line end
	eof     bool
	err     error
	text    []byte // the line, or the part, without its newline
	at      int64  // position of the line in the plain text
	row     int64  // from 1
	part    bool   // the text is a part of a long line
	more    bool   // and not its last
	overlap int    // bytes at its start that the part before had too
	shift   int64  // where the part starts in its line
	next0   int64  // position behind what was handed out
	long    bool   // the line goes on
}

func newLines(r io.Reader, limit, overlap int) *lines {
	return &lines{r: r, limit: max(limit, 4*overlap, 4096), keep: overlap, buf: make([]byte, 0, 1<<20)}
}

// next goes to the next line, or part of one.
func (l *lines) next() bool {
	for {
		rest := l.buf[l.from:]
		skip := min(max(l.overlapOf(), l.looked), len(rest))
		end := bytes.IndexByte(rest[skip:], '\n')
		switch {
		case end >= 0 && skip+end <= l.limit:
			l.hand(rest[:skip+end], 1, false)
			return true
		case len(rest) > l.limit:
			l.hand(rest[:l.limit], 0, true)
			return true
		case l.eof:
			if len(rest) == 0 && !l.long {
				return false
			}
			l.hand(rest, 0, false)
			return true
		}
		l.looked = len(rest)
		l.fill()
	}
}

// overlapOf is how much of the rest was handed out with the part before.
func (l *lines) overlapOf() int {
	if l.long {
		return l.keep
	}
	return 0
}

func (l *lines) hand(text []byte, newline int, goesOn bool) {
	if l.long {
		l.shift = l.next0 - int64(l.keep) - l.at
		l.overlap = l.keep
	} else {
		l.row++
		l.at, l.shift, l.overlap = l.next0, 0, 0
	}
	l.text, l.part, l.more = text, goesOn || l.long, goesOn
	taken := len(text) + newline
	l.next0 += int64(taken - l.overlap)
	if goesOn {
		taken -= l.keep
	}
	l.from += taken
	l.looked = 0
	l.long = goesOn
}

// fill reads more, and makes room for it.
func (l *lines) fill() {
	if l.from > 0 {
		l.buf = l.buf[:copy(l.buf, l.buf[l.from:])]
		l.from = 0
	}
	if len(l.buf) == cap(l.buf) { // which is less than the limit, or a line would have been handed out
		l.buf = append(make([]byte, 0, min(2*cap(l.buf), l.limit+4096)), l.buf...)
	}
	n, err := l.r.Read(l.buf[len(l.buf):cap(l.buf)])
	l.buf = l.buf[:len(l.buf)+n]
	if err != nil {
		l.eof = true
		if err != io.EOF {
			l.err = err
		}
	}
}

func bytesString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
