package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs, as in a batch's attributes.
const (
	codecGzip = iota + 1
	codecSnappy
	codecLZ4
	codecZstd
)

// keep is the capacity of a decoded batch that is held for the next one.
const keep = 16 << 20

// xerial frames snappy blocks, each with its length: its magic, two versions, blocks.
var xerial = []byte("\x82SNAPPY\x00")

const xerialHeader = 16

// decoder decompresses one batch after the other into the same memory. It serves one goroutine.
type decoder struct {
	buf  []byte
	in   bytes.Reader
	gzip *gzip.Reader
	lz4  *lz4.Reader
	zstd *zstd.Decoder
	most int // limit that zstd was made with
}

func tooLarge(limit int) error {
	return fmt.Errorf("more than %d bytes when decoded (max_batch)", limit)
}

// decode returns the plain bytes of in, valid until the next call. More than limit bytes are an error.
func (d *decoder) decode(codec int16, in []byte, limit int) (out []byte, err error) {
	if cap(d.buf) > keep {
		d.buf = nil
	}
	d.in.Reset(in)
	switch codec {
	case codecGzip:
		out, err = d.gunzip(limit)
	case codecSnappy:
		out, err = d.snappy(in, limit)
	case codecLZ4:
		if d.lz4 == nil {
			d.lz4 = lz4.NewReader(nil)
		}
		d.lz4.Reset(&d.in)
		out, err = d.readAll(d.lz4, limit)
	case codecZstd:
		out, err = d.unzstd(in, limit)
	default:
		return nil, fmt.Errorf("compressed by the unknown codec %d", codec)
	}
	if err != nil {
		return nil, fmt.Errorf("decompressing (%s): %w", [...]string{"", "gzip", "snappy", "lz4", "zstd"}[codec], err)
	}
	return out, nil
}

func (d *decoder) gunzip(limit int) (_ []byte, err error) {
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.in)
	} else {
		err = d.gzip.Reset(&d.in)
	}
	if err != nil {
		return nil, err
	}
	return d.readAll(d.gzip, limit)
}

func (d *decoder) unzstd(in []byte, limit int) (_ []byte, err error) {
	if d.zstd == nil || d.most != limit {
		if d.zstd != nil {
			d.zstd.Close()
		}
		if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit))); err != nil {
			return nil, err
		}
		d.most = limit
	}
	d.buf, err = d.zstd.DecodeAll(in, d.buf[:0])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || err == nil && len(d.buf) > limit {
		err = tooLarge(limit)
	}
	return d.buf, err
}

// snappy decodes xerial's frames, and a bare block.
func (d *decoder) snappy(in []byte, limit int) ([]byte, error) {
	d.buf = d.buf[:0]
	if len(in) < xerialHeader || !bytes.HasPrefix(in, xerial) {
		return d.buf, d.snappyBlock(in, limit)
	}
	for in = in[xerialHeader:]; len(in) > 0; {
		if len(in) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := int64(binary.BigEndian.Uint32(in))
		if in = in[4:]; n > int64(len(in)) {
			return nil, io.ErrUnexpectedEOF
		}
		if err := d.snappyBlock(in[:n], limit); err != nil {
			return nil, err
		}
		in = in[n:]
	}
	return d.buf, nil
}

func (d *decoder) snappyBlock(in []byte, limit int) error {
	n, err := s2.DecodedLen(in)
	if err != nil {
		return err
	}
	at := len(d.buf)
	if n > limit-at {
		return tooLarge(limit)
	}
	d.grow(n)
	d.buf = d.buf[:at+n]
	_, err = s2.Decode(d.buf[at:at+n:at+n], in)
	return err
}

// readAll reads r to its end.
func (d *decoder) readAll(r io.Reader, limit int) ([]byte, error) {
	d.buf = d.buf[:0]
	for {
		d.grow(1)
		n, err := r.Read(d.buf[len(d.buf):cap(d.buf)])
		if d.buf = d.buf[:len(d.buf)+n]; len(d.buf) > limit {
			return nil, tooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			return d.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// grow makes room for n more bytes.
func (d *decoder) grow(n int) {
	if cap(d.buf)-len(d.buf) >= n {
		return
	}
	grown := make([]byte, len(d.buf), max(64<<10, 2*cap(d.buf), len(d.buf)+n))
	copy(grown, d.buf)
	d.buf = grown
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
		d.zstd = nil
	}
	d.buf = nil
}
