package arrow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/sources/files"
)

var fileMagic = []byte("ARROW1")

// stream reads the batches of an IPC stream or file one after the other.
type stream struct {
	f    *os.File
	in   io.ReadCloser // decompressed
	tail *tailReader
	s    *ipc.Reader
	file *ipc.FileReader
	k    int // batch of file that comes next
}

// ErrNoEnd says that a stream ends without its end marker: batches may be missing.
var ErrNoEnd = errors.New("the stream has no end marker: it was cut off, or is still being written")

// open opens a file and reads its schema. A panic of the decoder, which damaged files can cause, becomes an error.
func open(in input, mem memory.Allocator) (s *stream, err error) {
	f, err := os.Open(in.path)
	if err != nil {
		return nil, inputError(in.name, err)
	}
	s = &stream{f: f}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Arrow data: %v", p)
		}
		if err != nil {
			err = errors.Join(inputError(in.name, err), s.close())
			s = nil
		}
	}()
	head := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(f, head); err != nil {
		return s, fmt.Errorf("not an Arrow stream or file: %w", err)
	}
	if bytes.Equal(head, fileMagic) {
		return s, s.openFile(mem)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	if s.in, err = files.Decompress(in.path, io.NopCloser(f)); err != nil {
		return s, err
	}
	s.tail = &tailReader{r: s.in}
	if s.s, err = ipc.NewReader(s.tail, ipc.WithAllocator(collected)); err != nil {
		return s, fmt.Errorf("not an Arrow stream or file: %w", err)
	}
	if hasDictionary(s.s.Schema()) {
		return s, nil
	}
	s.s.Release()
	s.s = nil
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	if s.in, err = files.Decompress(in.path, io.NopCloser(f)); err != nil {
		return s, err
	}
	s.tail = &tailReader{r: s.in}
	s.s, err = ipc.NewReader(s.tail, ipc.WithAllocator(mem))
	return s, err
}

func (s *stream) openFile(mem memory.Allocator) (err error) {
	if s.file, err = ipc.NewFileReader(s.f, ipc.WithAllocator(collected)); err != nil || hasDictionary(s.file.Schema()) {
		return err
	}
	s.file, err = ipc.NewFileReader(s.f, ipc.WithAllocator(mem))
	return err
}

// collected is what readers with dictionaries allocate from: they do not give the memory of dictionaries back.
var collected = memory.NewGoAllocator()

func hasDictionary(s *arrow.Schema) bool {
	for _, f := range s.Fields() {
		if !arrow.TypeEqual(f.Type, plainType(f.Type)) {
			return true
		}
	}
	return false
}

func (s *stream) schema() *arrow.Schema {
	if s.file != nil {
		return s.file.Schema()
	}
	return s.s.Schema()
}

// next returns the next batch, which the caller releases; io.EOF behind the last one, but only where the stream says that
// it is.
func (s *stream) next() (rec arrow.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			rec, err = nil, fmt.Errorf("damaged Arrow data: %v", p)
		}
	}()
	if s.file != nil {
		if s.k >= s.file.NumRecords() {
			return nil, io.EOF
		}
		s.k++
		rec, err := s.file.RecordAt(s.k - 1)
		return rec, notEOF(err)
	}
	if s.s.Next() {
		rec := s.s.Record()
		rec.Retain()
		return rec, nil
	}
	if err := s.s.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, s.tail.ended()
}

// notEOF keeps an early end of the file from passing for the end of the data.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *stream) close() (err error) {
	if s.s != nil {
		s.s.Release()
	}
	if s.file != nil {
		err = s.file.Close()
	}
	if s.in != nil {
		err = errors.Join(err, s.in.Close())
	}
	if e := s.f.Close(); e != nil && !errors.Is(e, os.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// tailReader notices the end marker: a length of zero, which the decoder reads as four bytes of their own.
type tailReader struct {
	r      io.Reader
	marked bool // the last bytes were the marker
}

// Read fills p, so that what the decoder asks for at once comes at once.
func (t *tailReader) Read(p []byte) (int, error) {
	n, err := io.ReadFull(t.r, p)
	if n > 0 {
		t.marked = n == 4 && len(p) == 4 && [4]byte(p) == [4]byte{}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// ended checks that the last bytes were the end marker, and that nothing follows: io.EOF if so.
func (t *tailReader) ended() error {
	if !t.marked {
		return ErrNoEnd
	}
	var more [1]byte
	n, err := io.ReadFull(t.r, more[:])
	switch {
	case n > 0:
		return errors.New("bytes follow the end marker of the stream")
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return err
}

// count returns the rows of a file.
func (s *Source) count(in input) (rows int64, err error) {
	st, err := open(in, s.cfg.Mem)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	for {
		rec, err := st.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return 0, inputError(in.name, fmt.Errorf("the batch at row %d: %w", rows, err))
		}
		rows += rec.NumRows()
		rec.Release()
	}
}
