package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline"
)

// maxWindow is the largest zstd window that is accepted, in bytes: what the zstd tool takes without being asked to.
const maxWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// IsCompressed says whether a name promises compressed content.
func IsCompressed(name string) bool {
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst")
}

// Open opens path, or standard input for Stdin, and decompresses it as Decompress does. The caller closes it.
func Open(path string) (io.ReadCloser, error) {
	if path == Stdin {
		return Decompress("standard input", io.NopCloser(os.Stdin))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return Decompress(path, f)
}

// Decompress reads r through gzip or zstd where the name ends in .gz or .zst, or the content begins like that; else as it
// is. Several members or frames in a row are read as one text; content that ends early is io.ErrUnexpectedEOF. It takes r
// over: closing the result closes r, and so does an error.
func Decompress(name string, r io.ReadCloser) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(r, 256<<10)
	head, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", name, err), r.Close())
	}
	d := &decompressor{name: name, from: r}
	switch {
	case strings.HasSuffix(name, ".gz") || bytes.HasPrefix(head, gzipMagic):
		d.format = "gzip"
		gz, err := gzip.NewReader(br)
		if err != nil {
			return nil, errors.Join(d.fault(err), r.Close())
		}
		d.r = gz
	case strings.HasSuffix(name, ".zst") || bytes.HasPrefix(head, zstdMagic):
		d.format = "zstd"
		if len(head) < 4 {
			return nil, errors.Join(d.fault(io.ErrUnexpectedEOF), r.Close())
		}
		zr, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, errors.Join(d.fault(err), r.Close())
		}
		d.r, d.done = zr, zr.Close
	default:
		return struct {
			io.Reader
			io.Closer
		}{br, r}, nil
	}
	return d, nil
}

type decompressor struct {
	name, format string
	r            io.Reader
	from         io.Closer
	done         func() // may be nil
}

func (d *decompressor) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = d.fault(err)
	}
	return n, err
}

func (d *decompressor) fault(err error) error {
	if errors.Is(err, io.EOF) { // an end inside a header
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("decompressing %s (%s): %w", d.name, d.format, err)
}

func (d *decompressor) Close() error {
	if d.done != nil {
		d.done()
		d.done = nil
	}
	return d.from.Close()
}

// KeepStdin copies standard input, decompressed, into a temporary file named by pattern, so that it can be read from any
// place and more than once. The caller removes the file.
func KeepStdin(pattern string) (path string, err error) {
	in, err := Open(Stdin)
	if err != nil {
		return "", &pipeline.InputError{Source: "standard input", Position: -1, Err: err}
	}
	defer in.Close()
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", fmt.Errorf("keeping standard input: %w", err)
	}
	if _, err := io.Copy(f, in); err != nil {
		return f.Name(), errors.Join(&pipeline.InputError{Source: "standard input", Position: -1, Err: err}, f.Close())
	}
	if err := f.Close(); err != nil {
		return f.Name(), fmt.Errorf("keeping standard input: %w", err)
	}
	return f.Name(), nil
}
