package overlap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	fanBits   = 6
	fan       = 1 << fanBits // parts of a spread
	partBytes = 8 << 10      // of a part's keys are written at once
	readBytes = 64 << 10     // of a part's keys are read at once
)

// spread holds keys in files by bits of their hash, the test keys of each file before its train keys.
type spread struct {
	temp  func() (Temp, error)
	level int // spreads above it, which have used so many times fanBits
	most  int // keys that memory holds
	parts [fan]part
}

func newSpread(temp func() (Temp, error), level, most int) *spread {
	return &spread{temp: temp, level: level, most: most}
}

// part is one file of a spread; none is made before there is a key.
type part struct {
	file     Temp
	buf      []byte // not written yet
	n, tests int64  // keys, and how many of them are test keys
}

func (s *spread) put(k uint64) error {
	p := &s.parts[k<<(fanBits*s.level)>>(64-fanBits)]
	if p.file == nil {
		file, err := s.temp()
		if err != nil {
			return fmt.Errorf("making a file for keys: %w", err)
		}
		p.file, p.buf = file, make([]byte, 0, partBytes)
	}
	p.n++
	if p.buf = binary.LittleEndian.AppendUint64(p.buf, k); len(p.buf) == cap(p.buf) {
		return p.flush()
	}
	return nil
}

func (p *part) flush() error {
	if _, err := p.file.Write(p.buf); err != nil {
		return fmt.Errorf("putting keys aside: %w", err)
	}
	p.buf = p.buf[:0]
	return nil
}

// testsEnd says that train keys come from now on.
func (s *spread) testsEnd() {
	if s == nil {
		return
	}
	for i := range s.parts {
		s.parts[i].tests = s.parts[i].n
	}
}

// Close deletes what is left of the files.
func (s *spread) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for i := range s.parts {
		errs = append(errs, s.parts[i].Close())
	}
	return errors.Join(errs...)
}

func (p *part) Close() error {
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	*p = part{}
	return err
}

// compare gives the number of test records whose key is among the train keys. It closes each part behind it.
func (s *spread) compare(ctx context.Context) (found int64, err error) {
	for i := range s.parts {
		n, err := s.comparePart(ctx, &s.parts[i])
		if err := errors.Join(err, s.parts[i].Close()); err != nil {
			return 0, err
		}
		found += n
	}
	return found, nil
}

func (s *spread) comparePart(ctx context.Context, p *part) (found int64, err error) {
	if p.n == p.tests {
		return 0, nil
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	p.buf = nil
	t := newTable(int(min(p.tests, int64(s.most))))
	err = p.each(ctx, func(i int64, k uint64) error {
		switch {
		case i >= p.tests:
			t.look(k)
		case t.len == s.most && !t.has(k):
			return errFull
		default:
			t.add(k)
		}
		return nil
	})
	if !errors.Is(err, errFull) {
		return t.found, err
	}
	return s.spreadAgain(ctx, p)
}

var errFull = errors.New("more keys than memory may hold")

// spreadAgain compares the keys of a part by its parts. That comes to an end: equal keys take the room of one, and there are
// only so many bits.
func (s *spread) spreadAgain(ctx context.Context, p *part) (found int64, err error) {
	next := newSpread(s.temp, s.level+1, s.most)
	defer func() { err = errors.Join(err, next.Close()) }()
	err = p.each(ctx, func(i int64, k uint64) error {
		if i == p.tests {
			next.testsEnd()
		}
		return next.put(k)
	})
	if err != nil {
		return 0, err
	}
	if err := p.Close(); err != nil {
		return 0, err
	}
	return next.compare(ctx)
}

// each calls f for all keys and their places, in the order in which they were put there.
func (p *part) each(ctx context.Context, f func(i int64, k uint64) error) error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading keys that were put aside: %w", err)
	}
	buf := make([]byte, min(readBytes, 8*p.n))
	for i := int64(0); i < p.n; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), 8*(p.n-i))]
		if _, err := io.ReadFull(p.file, b); err != nil {
			return fmt.Errorf("reading keys that were put aside: %w", err)
		}
		for ; len(b) > 0; b = b[8:] {
			if err := f(i, binary.LittleEndian.Uint64(b)); err != nil {
				return err
			}
			i++
		}
	}
	return nil
}
