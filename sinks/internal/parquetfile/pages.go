package parquetfile

import (
	"fmt"
	"hash/crc32"
	"math"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"inoculate/sinks/internal/zstdpage"
)

// encoders are idle ones, for all writers of the process.
var encoders = sync.Pool{New: func() any { return zstdpage.New() }}

// A compressor is what the columns of a writer take turns with.
type compressor struct{ out buffer }

// compress returns b, of less than 2 GiB, compressed; the result is good until the next call.
func (c *compressor) compress(b []byte) []byte {
	e := encoders.Get().(*zstdpage.Encoder)
	defer encoders.Put(e)
	c.out.n = 0
	return e.Append(c.out.extend(zstdpage.MaxSize(len(b)))[:0], b)
}

// A page is what is noted of a data page.
type page struct {
	rows, entries, values int
	dictionary            bool
	limits                limits
	offset                int64 // in the chunk, without the dictionary page
	size                  int32 // with its header
}

// chunkPages are the finished data pages of a column chunk.
type chunkPages struct {
	list         []page
	spool        spool
	uncompressed int64 // bytes, with the headers
}

func (p *chunkPages) reset() {
	clear(p.list)
	p.list, p.uncompressed = p.list[:0], 0
}

// add compresses and keeps a data page.
func (p *chunkPages) add(c *column, pg page, body []byte) error {
	h := pageHeader{Type: format.DataPage, Data: thrift.New(dataPageHeader{NumValues: int32(pg.entries),
		Encoding: format.Plain, DefinitionLevels: format.RLE, RepetitionLevels: format.RLE})}
	if pg.dictionary {
		h.Data.V.Encoding = format.RLEDictionary
	}
	header, out, err := c.comp.seal(h, body)
	if err != nil {
		return err
	}
	pg.offset, pg.size = p.spool.size, int32(len(header)+len(out))
	p.spool.write(header)
	p.spool.write(out)
	p.uncompressed += int64(len(header) + len(body))
	p.list = append(p.list, pg)
	return nil
}

// seal compresses the body of a page and completes its header.
func (c *compressor) seal(h pageHeader, body []byte) (header, out []byte, err error) {
	if len(body) <= math.MaxInt32 {
		out = c.compress(body)
	}
	if len(body) > math.MaxInt32 || len(out) > math.MaxInt32-1024 {
		return nil, nil, fmt.Errorf("a page of %d bytes; Parquet has no pages of 2 GiB or more", len(body))
	}
	h.Uncompressed, h.Compressed = int32(len(body)), int32(len(out))
	h.CRC = int32(crc32.ChecksumIEEE(out))
	header, err = marshal(h)
	return header, out, err
}
