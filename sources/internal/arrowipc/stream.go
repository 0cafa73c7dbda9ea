// Package arrowipc reads Arrow IPC streams and files, and checks what it reads.
package arrowipc

import (
	"bytes"
	"encoding/binary"
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

// A Stream reads the batches of an IPC stream or file one after the other.
type Stream struct {
	f    *os.File
	in   io.ReadCloser // decompressed
	tail *tailReader
	s    *ipc.Reader
	file *ipc.FileReader
	k    int // batch of file that comes next
}

// ErrNoEnd says that a stream ends without its end marker: batches may be missing.
var ErrNoEnd = errors.New("the stream has no end marker: it was cut off, or is still being written")

// Open opens a file of size bytes and reads its schema. A panic of the decoder, which damaged files can cause, becomes an error.
func Open(path string, size int64, mem memory.Allocator) (s *Stream, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s = &Stream{f: f}
	mem, collected := bounded{mem, boundFor(size)}, bounded{collected, boundFor(size)}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Arrow data: %v", p)
		}
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	head := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(f, head); err != nil {
		return s, fmt.Errorf("not an Arrow stream or file: %w", err)
	}
	if bytes.Equal(head, fileMagic) {
		if err := checkFooter(f, size); err != nil {
			return s, err
		}
		return s, s.openFile(mem, collected)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	if s.in, err = files.Decompress(path, io.NopCloser(f)); err != nil {
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
	if s.in, err = files.Decompress(path, io.NopCloser(f)); err != nil {
		return s, err
	}
	s.tail = &tailReader{r: s.in}
	s.s, err = ipc.NewReader(s.tail, ipc.WithAllocator(mem))
	return s, err
}

func (s *Stream) openFile(mem, collected memory.Allocator) (err error) {
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

// Schema is that of the file, dictionaries and all.
func (s *Stream) Schema() *arrow.Schema {
	if s.file != nil {
		return s.file.Schema()
	}
	return s.s.Schema()
}

// Next returns the next batch, which the caller releases; io.EOF behind the last one, but only where the stream says that
// it is.
func (s *Stream) Next() (rec arrow.Record, err error) {
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
		if err != nil {
			return nil, notEOF(err)
		}
		return rec, sound(rec)
	}
	if s.s.Next() {
		rec := s.s.Record()
		rec.Retain()
		return rec, sound(rec)
	}
	if err := s.s.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, s.tail.ended()
}

// sound validates a record, and releases it where it is damaged.
func sound(rec arrow.Record) error {
	for i, c := range rec.Columns() {
		err := validate(c.Data())
		if err == nil && c.Len() != int(rec.NumRows()) {
			err = fmt.Errorf("%d values in a batch of %d", c.Len(), rec.NumRows())
		}
		if err != nil {
			err = fmt.Errorf("damaged Arrow data: column %q: %w", rec.ColumnName(i), err)
			rec.Release()
			return err
		}
	}
	return nil
}

// notEOF keeps an early end of the file from passing for the end of the data.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close closes the file.
func (s *Stream) Close() (err error) {
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

// maxHeader is far more than the bytes of any message without its body, for which the decoder makes room at once.
const maxHeader = 64 << 20

// continuation stands before the length of a message.
const continuation = 0xFFFFFFFF

// tailReader notices the end marker: a length of zero, which the decoder reads as four bytes of their own.
type tailReader struct {
	r      io.Reader
	marked bool // the last bytes were the marker
	schema bool // the schema was looked at: the first message, and the first read that is no length
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
	if err == nil && len(p) == 4 {
		if size := binary.LittleEndian.Uint32(p); size > maxHeader && size != continuation {
			return 0, fmt.Errorf("damaged Arrow data: a header of %d bytes", size)
		}
	}
	if err == nil && !t.schema && len(p) > 4 {
		t.schema = true
		if err := checkSchema(p, messageHeader); err != nil {
			return 0, err // with bytes, io.ReadFull would drop it
		}
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
