package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// trusted is the size that a page may claim without having the compressed bytes to show for it.
const trusted = 16 << 20

func knownCodec(c format.CompressionCodec) bool {
	return c >= format.Uncompressed && c <= format.Lz4Raw && c != format.LZO
}

// An inflater decompresses pages of one column chunk, one after another, into memory that it keeps.
type inflater struct {
	codec  format.CompressionCodec
	mem    memory.Allocator
	buf    []byte
	gzip   *gzip.Reader
	brotli *brotli.Reader
}

// ensure returns n bytes of the buffer, which keeps its first keep bytes.
func (f *inflater) ensure(n, keep int) []byte {
	if n > len(f.buf) {
		b := f.mem.Allocate(n)
		copy(b, f.buf[:keep])
		f.free()
		f.buf = b
	}
	return f.buf[:n:n]
}

func (f *inflater) free() {
	if f.buf != nil {
		f.mem.Free(f.buf)
		f.buf = nil
	}
}

// inflate decompresses src to exactly size bytes, which are valid until the next call. Memory beyond the trusted size is
// only taken where the codec can reach size from so many bytes.
func (f *inflater) inflate(src []byte, size int) ([]byte, error) {
	ratio := 0 // largest there is; 0 for no bound
	switch f.codec {
	case format.Uncompressed:
		if len(src) != size {
			return nil, corrupt("%d bytes instead of %d in an uncompressed page", len(src), size)
		}
		return src, nil
	case format.Snappy:
		ratio = 32
	case format.Gzip:
		ratio = 1040
	case format.Lz4, format.Lz4Raw:
		ratio = 256
	case format.Zstd:
		ratio = 128 << 10 / 4 // a block of 4 bytes
	}
	if ratio > 0 && size > trusted && size/ratio > len(src) {
		return nil, corrupt("%d bytes of %s cannot become %d", len(src), f.codec, size)
	}
	out, err := f.decode(src, size)
	if err != nil {
		return nil, corrupt("decompressing %s: %w", f.codec, err)
	}
	return out, nil
}

func (f *inflater) decode(src []byte, size int) ([]byte, error) {
	switch f.codec {
	case format.Snappy:
		if n, err := snappy.DecodedLen(src); err != nil || n != size {
			return nil, fmt.Errorf("%d bytes instead of %d: %w", n, size, orShort(err))
		}
		return snappy.Decode(f.ensure(size, 0), src)
	case format.Zstd:
		return f.zstd(src, size)
	case format.Gzip:
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		if err := f.gzip.Reset(bytes.NewReader(src)); err != nil {
			return nil, orShort(err)
		}
		return f.readAll(f.gzip, size)
	case format.Brotli:
		if f.brotli == nil {
			f.brotli = new(brotli.Reader)
		}
		if err := f.brotli.Reset(bytes.NewReader(src)); err != nil {
			return nil, err
		}
		return f.readAll(f.brotli, size)
	case format.Lz4Raw:
		return lz4Block(f.ensure(size, 0), src)
	case format.Lz4:
		return lz4Hadoop(f.ensure(size, 0), src)
	}
	return nil, unsupported("codec %d", f.codec)
}

func orShort(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readAll reads exactly size bytes, in steps so that memory grows with what arrives.
func (f *inflater) readAll(r io.Reader, size int) ([]byte, error) {
	for n := 0; n < size; {
		to := min(size, max(trusted, 4*n))
		k, err := io.ReadFull(r, f.ensure(to, n)[n:])
		if n += k; err != nil {
			return nil, fmt.Errorf("%d bytes instead of %d: %w", n, size, orShort(err))
		}
	}
	var more [1]byte
	switch _, err := io.ReadFull(r, more[:]); err {
	case io.EOF:
		return f.ensure(size, 0), nil
	case nil:
		return nil, fmt.Errorf("more than %d bytes", size)
	default:
		return nil, err
	}
}

// zstdDecoder is shared by all readers; it decodes as many blocks at once as there are processors.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})

func (f *inflater) zstd(src []byte, size int) ([]byte, error) {
	d, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	for room := min(size, trusted); ; room = min(size, 4*room) {
		out, err := d.DecodeAll(src, f.ensure(room, 0)[:0])
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) && room < size {
			continue
		}
		if err == nil && len(out) != size {
			err = fmt.Errorf("%d bytes instead of %d", len(out), size)
		}
		return out, err
	}
}

func lz4Block(dst, src []byte) ([]byte, error) {
	if len(src) == 0 && len(dst) == 0 {
		return dst, nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err == nil && n != len(dst) {
		err = fmt.Errorf("%d bytes instead of %d", n, len(dst))
	}
	return dst, err
}

// lz4Hadoop decodes the deprecated LZ4 codec: blocks with big-endian sizes in front as Hadoop writes them, or one bare
// block as others do.
func lz4Hadoop(dst, src []byte) ([]byte, error) {
	out, in := dst, src
	for len(in) >= 8 {
		n, k := binary.BigEndian.Uint32(in), binary.BigEndian.Uint32(in[4:])
		in = in[8:]
		if uint64(k) > uint64(len(in)) || uint64(n) > uint64(len(out)) {
			break
		}
		if _, err := lz4Block(out[:n], in[:k]); err != nil {
			break
		}
		out, in = out[n:], in[k:]
		if len(in) == 0 && len(out) == 0 {
			return dst, nil
		}
	}
	return lz4Block(dst, src)
}
