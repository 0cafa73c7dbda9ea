package commitlog

import "sync"

// Sizes of what goes to the file system at a time.
const (
	smallPiece = 64 << 10
	largePiece = 512 << 10
	maxLarge   = 64 // large buffers in use at once, 32 MiB; who gets none goes on with small pieces
)

// A pieceWriter writes pieces, one after the other.
type pieceWriter interface {
	Write(p []byte) (int, error)

	// Behind begins to write p; what it returns does it, in whichever goroutine. Then done gets the error, in whichever goroutine, and
	// p is free to change. That may be late; Settle sees to it that it is not any more.
	Behind(p []byte, done func(error)) (run func())
	Settle()
}

// pieces collects what is written into pieces. A file begins with small ones; once it has filled one it takes large ones, and
// one of them is written while the next is filled.
type pieces struct {
	w     pieceWriter
	buf   []byte
	spare []byte     // is being written, where sent is not nil
	sent  chan error // gives the fate of the spare
	err   error      // the first error, for ever: what comes behind a piece that is missing is not written
}

// Write appends p.
func (s *pieces) Write(p []byte) (n int, err error) {
	if s.buf == nil {
		s.buf = *small.Get().(*[]byte)
	}
	for {
		k := copy(s.buf[len(s.buf):cap(s.buf)], p[n:])
		s.buf, n = s.buf[:len(s.buf)+k], n+k
		if n == len(p) {
			return n, nil
		}
		if err := s.full(); err != nil {
			return n, err
		}
	}
}

// full makes room in the buffer.
func (s *pieces) full() error {
	if s.err != nil {
		return s.err
	}
	if cap(s.buf) < largePiece {
		if b := large.get(); b != nil {
			b = append(b, s.buf...)
			giveSmall(s.buf)
			s.buf = b
			return nil
		}
	}
	if err := s.landed(); err != nil {
		return err
	}
	if s.spare == nil && cap(s.buf) == largePiece {
		s.spare = large.get()
	}
	if s.spare == nil {
		_, s.err = s.w.Write(s.buf)
		s.buf = s.buf[:0]
		return s.err
	}
	s.buf, s.spare = s.spare[:0], s.buf
	sent := make(chan error, 1)
	s.sent = sent
	go s.w.Behind(s.spare, func(err error) { sent <- err })()
	return nil
}

// landed waits until the piece that is on its way is written.
func (s *pieces) landed() error {
	if s.sent != nil {
		s.w.Settle()
		s.err, s.sent = <-s.sent, nil
	}
	return s.err
}

// flush writes what is left.
func (s *pieces) flush() error {
	if err := s.landed(); err != nil {
		return err
	}
	_, s.err = s.w.Write(s.buf)
	s.buf = s.buf[:0]
	return s.err
}

// end waits for what is on its way and gives the buffers back. Its error was given to Write or flush, or nobody wants the file.
func (s *pieces) end() {
	_ = s.landed()
	for _, b := range [][]byte{s.buf, s.spare} {
		switch cap(b) {
		case largePiece:
			large.put(b)
		case smallPiece:
			giveSmall(b)
		}
	}
	*s = pieces{}
}

var small = sync.Pool{New: func() any { b := make([]byte, 0, smallPiece); return &b }}

func giveSmall(b []byte) {
	b = b[:0]
	small.Put(&b)
}

var large = pool{left: maxLarge}

// pool lends large buffers, a limited number of them.
type pool struct {
	mu   sync.Mutex
	free [][]byte
	left int
}

// get lends an empty buffer; nil where all are lent.
func (p *pool) get() (b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return nil
	}
	p.left--
	if n := len(p.free); n > 0 {
		b, p.free = p.free[n-1], p.free[:n-1]
		return b[:0]
	}
	return make([]byte, 0, largePiece)
}

func (p *pool) put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.left = append(p.free, b), p.left+1
}
