package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
)

// maxHeader bounds a page header, in bytes.
const maxHeader = 8 << 20

// alwaysFine is how many bytes a page may hold whatever its own are.
const alwaysFine = 64 << 20

// plainDictionary is the older name of PLAIN in a dictionary page, and of RLE_DICTIONARY in a data page.
const plainDictionary format.Encoding = 2

// A page is one data page whose levels and values are decoded as they are asked for. It is valid until the next one.
type page struct {
	left int // entries not yet decoded
	def  levelReader
	rep  levelReader
	values
}

// pages walks the pages of one column chunk.
type pages struct {
	n    *node
	w    window
	inf  inflater
	dict *dictionary
	mem  memory.Allocator
	left int64       // entries of the chunk in pages not yet met
	head *pageHeader // of the next page, where it was looked at already

	expansion int64 // Config.Expansion
}

// newPages walks a chunk as a config says.
func newPages(r io.ReaderAt, c *chunk, n *node, window_ int, cfg *Config) *pages {
	mem := cfg.Mem
	p := &pages{n: n, mem: mem, left: c.values, expansion: cfg.Expansion}
	p.w = window{r: r, mem: mem, size: window_, next: c.start, end: c.start + c.compressed}
	p.inf = inflater{codec: c.codec, mem: mem}
	return p
}

func (p *pages) close() {
	p.w.free()
	p.inf.free()
	if p.dict != nil {
		p.dict.free()
	}
	p.left = 0
}

// header reads and checks the next page header, and leaves the window at the page's bytes. It may be called repeatedly.
func (p *pages) header() (*pageHeader, error) {
	if p.head != nil {
		return p.head, nil
	}
	for n := 512; ; n *= 4 {
		b, err := p.w.peek(n)
		if err != nil {
			return nil, err
		}
		h, err := decodePageHeader(b)
		if errors.Is(err, io.ErrUnexpectedEOF) && len(b) == n && n < maxHeader {
			continue
		}
		if err != nil {
			return nil, corrupt("page header: %w", err)
		}
		p.w.skip(h.size)
		p.head = &h
		return &h, p.check(&h)
	}
}

func (p *pages) check(h *pageHeader) error {
	if h.compressed < 0 || int64(h.compressed) > p.w.left() || h.uncompressed < 0 {
		return corrupt("page of %d bytes, %d uncompressed, where the chunk has %d left", h.compressed, h.uncompressed, p.w.left())
	}
	if n := int64(h.uncompressed); p.expansion > 0 && n > alwaysFine && n/p.expansion > int64(h.compressed) {
		return fmt.Errorf("%w: %d bytes of a page would become %d", ErrExpansion, h.compressed, n)
	}
	if h.typ == format.IndexPage {
		return nil
	}
	if !h.hasBody {
		return corrupt("page header of type %d without its part", h.typ)
	}
	if h.values < 0 || h.typ != format.DictionaryPage && int64(h.values) > p.left {
		return corrupt("page of %d values where the column chunk has %d left", h.values, p.left)
	}
	return nil
}

// skipPage passes over the next page if it has at most rows rows and says how many those were. The column is not repeated.
func (p *pages) skipPage(rows int64) (int64, error) {
	for p.left > 0 {
		h, err := p.header()
		if err != nil {
			return 0, err
		}
		if h.typ == format.DictionaryPage || h.typ == format.IndexPage {
			if err := p.between(h); err != nil {
				return 0, err
			}
			continue
		}
		if int64(h.values) > rows {
			return 0, nil
		}
		p.w.skip(int(h.compressed))
		p.head = nil
		p.left -= int64(h.values)
		return int64(h.values), nil
	}
	return 0, nil
}

// body returns the bytes of the page of h as they are stored.
func (p *pages) body(h *pageHeader) ([]byte, error) {
	b, err := p.w.peek(int(h.compressed))
	if err != nil {
		return nil, err
	}
	p.w.skip(len(b))
	p.head = nil
	if h.hasCRC && crc32.ChecksumIEEE(b) != h.crc {
		return nil, corrupt("the page's checksum is wrong")
	}
	return b, nil
}

// between reads what is no data page.
func (p *pages) between(h *pageHeader) error {
	b, err := p.body(h)
	if err != nil || h.typ == format.IndexPage {
		return err
	}
	if p.dict != nil {
		return corrupt("a second dictionary")
	}
	if h.encoding != format.Plain && h.encoding != plainDictionary {
		return unsupported("dictionary encoding %s", h.encoding)
	}
	if b, err = p.inf.inflate(b, int(h.uncompressed)); err != nil {
		return err
	}
	p.dict = &dictionary{data: gbuf{mem: p.mem}, offs: gbuf{mem: p.mem}}
	if err := p.dict.load(b, int(h.values), p.n.width); err != nil {
		return corrupt("dictionary: %w", err)
	}
	if h.uncompressed > trusted { // the pages that follow are small
		p.inf.free()
	}
	return nil
}

// next reads the next data page, io.EOF behind the last one.
func (p *pages) next() (page, error) {
	for p.left > 0 {
		h, err := p.header()
		if err != nil {
			return page{}, err
		}
		var pg page
		switch h.typ {
		case format.DictionaryPage, format.IndexPage:
			if err := p.between(h); err != nil {
				return page{}, err
			}
			continue
		case format.DataPage:
			pg, err = p.v1(h)
		case format.DataPageV2:
			pg, err = p.v2(h)
		default:
			err = unsupported("page type %d", h.typ)
		}
		p.left -= int64(pg.left)
		return pg, err
	}
	return page{}, io.EOF
}

func newLevels(b []byte, highest int8) levelReader {
	return levelReader{hybrid: hybrid{b: b, width: uint(bits.Len8(uint8(highest)))}, max: byte(highest)}
}

func (p *pages) v1(h *pageHeader) (pg page, err error) {
	b, err := p.body(h)
	if err != nil {
		return pg, err
	}
	if b, err = p.inf.inflate(b, int(h.uncompressed)); err != nil {
		return pg, err
	}
	pg.left = int(h.values)
	if b, err = cutLevels(&pg.rep, b, p.n.rep, h.repEnc, pg.left); err != nil {
		return pg, err
	}
	if b, err = cutLevels(&pg.def, b, p.n.def, h.defEnc, pg.left); err != nil {
		return pg, err
	}
	pg.values, err = p.decoder(h, b)
	return pg, err
}

// cutLevels takes the levels off the front of a version 1 page and returns the rest.
func cutLevels(l *levelReader, b []byte, highest int8, enc format.Encoding, n int) ([]byte, error) {
	if highest == 0 {
		return b, nil
	}
	switch enc {
	case format.RLE:
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, corrupt("levels: %w", io.ErrUnexpectedEOF)
		}
		k := binary.LittleEndian.Uint32(b)
		*l = newLevels(b[4:4+k], highest)
		return b[4+k:], nil
	case format.BitPacked:
		*l = newLevels(b, highest)
		l.legacy = true
		k := (int64(n)*int64(l.width) + 7) / 8
		if k > int64(len(b)) {
			return nil, corrupt("levels: %w", io.ErrUnexpectedEOF)
		}
		l.b = b[:k]
		return b[k:], nil
	}
	return nil, unsupported("level encoding %s", enc)
}

func (p *pages) v2(h *pageHeader) (pg page, err error) {
	b, err := p.body(h)
	if err != nil {
		return pg, err
	}
	r, d := int(h.repBytes), int(h.defBytes)
	if r < 0 || d < 0 || r > len(b) || d > len(b)-r || int(h.uncompressed) < r+d {
		return pg, corrupt("levels of %d and %d bytes in a page of %d", r, d, len(b))
	}
	pg.left = int(h.values)
	pg.rep, pg.def = newLevels(b[:r], p.n.rep), newLevels(b[r:r+d], p.n.def)
	b = b[r+d:]
	if h.compressV2 && len(b) > 0 {
		if b, err = p.inf.inflate(b, int(h.uncompressed)-r-d); err != nil {
			return pg, err
		}
	}
	pg.values, err = p.decoder(h, b)
	return pg, err
}

// decoder returns the values that are encoded in b.
func (p *pages) decoder(h *pageHeader, b []byte) (values, error) {
	t, w := p.n.phys, p.n.width
	integer := t == format.Int32 || t == format.Int64
	switch enc := h.encoding; {
	case enc == format.RLEDictionary || enc == plainDictionary:
		if p.dict == nil {
			return nil, corrupt("the dictionary is missing")
		}
		return newDictValues(p.dict, b)
	case enc == format.Plain && t == format.ByteArray:
		return &plainBytes{b}, nil
	case enc == format.Plain && t == format.Boolean:
		return &bitValues{b: b}, nil
	case enc == format.Plain:
		return &fixedValues{b, w}, nil
	case len(b) == 0:
		return &fixedValues{nil, max(1, w)}, nil // a page of nulls
	case enc == format.RLE && t == format.Boolean:
		return newRunBits(b)
	case enc == format.DeltaBinaryPacked && integer:
		d, err := newDelta(b)
		return &deltaInts{d, w}, err
	case enc == format.DeltaLengthByteArray && t == format.ByteArray:
		return newDeltaLengths(b)
	case enc == format.DeltaByteArray && (t == format.ByteArray || t == format.FixedLenByteArray):
		return newDeltaPrefixes(b)
	case enc == format.ByteStreamSplit && w > 0 && t != format.Int96:
		return &splitValues{b: b, width: w}, nil
	}
	if h.encoding < format.Plain || h.encoding > format.ByteStreamSplit || h.encoding == 1 {
		return nil, unsupported("encoding %d", h.encoding)
	}
	return nil, corrupt("encoding %s for %s", h.encoding, t)
}
