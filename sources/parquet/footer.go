package parquet

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// maxFooter bounds the footer of a file, in bytes.
const maxFooter = 128 << 20

// dictHeader is more than the header of a dictionary page has, in bytes.
const dictHeader = 100

var (
	magic          = []byte("PAR1")
	magicEncrypted = []byte("PARE")
	footerSeed     = maphash.MakeSeed()
)

// footer is what a file says about itself, as far as reading needs it.
type footer struct {
	schema      []element
	rows        int64
	groups      []rowGroup
	arrowSchema string // value of the ARROW:schema key; may be empty
	dataEnd     int64  // offset of the footer, where data must end
	digest      uint64 // of the footer's bytes; comparable within this process
}

// element is one node of the schema, depth first.
type element struct {
	name      string
	phys      format.Type
	isLeaf    bool // phys is set
	length    int32
	rep       format.FieldRepetitionType
	children  int32
	converted int32 // -1 for none
	scale     int32
	precision int32
	logical   logicalType
}

// logicalType is the LogicalType union: the id of its member (0 for none) with what the member says.
type logicalType struct {
	id        int16
	unit      int16 // id in the TimeUnit union
	utc       bool
	bits      int8
	signed    bool
	scale     int32
	precision int32
}

type rowGroup struct {
	first  int64 // row of the file
	rows   int64
	bytes  int64 // uncompressed
	chunks []chunk
}

// chunk is one column of one row group.
type chunk struct {
	phys         format.Type
	codec        format.CompressionCodec
	values       int64
	uncompressed int64
	compressed   int64
	start        int64 // file offset of the first page
	refused      string
}

// readFooter checks a file of size bytes from the outside in before it allocates anything, then decodes its footer.
func readFooter(r io.ReaderAt, size int64) (*footer, error) {
	if size < 12 {
		return nil, fmt.Errorf("not a Parquet file: %d bytes are too few", size)
	}
	var head [4]byte
	var tail [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return nil, fmt.Errorf("reading the last bytes: %w", err)
	}
	switch {
	case slices.Equal(tail[4:], magicEncrypted) || slices.Equal(head[:], magicEncrypted):
		return nil, unsupported("the file is encrypted")
	case !slices.Equal(head[:], magic):
		return nil, fmt.Errorf("not a Parquet file: it begins with %q", head[:])
	case !slices.Equal(tail[4:], magic):
		return nil, corrupt("the file is truncated: it ends without a footer")
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n == 0 || n > size-12 {
		return nil, corrupt("footer of %d bytes in a file of %d", n, size)
	}
	if n > maxFooter {
		return nil, unsupported("footer of %d bytes; the limit is %d", n, maxFooter)
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, size-8-n); err != nil {
		return nil, fmt.Errorf("reading the footer: %w", err)
	}
	f := &footer{dataEnd: size - 8 - n, digest: maphash.Bytes(footerSeed, b)}
	if err := f.decode(b); err != nil {
		return nil, err
	}
	return f, f.check()
}

func (f *footer) decode(b []byte) error {
	c := &cursor{b: b}
	var last int16
	var have uint16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			break
		}
		switch id {
		case 2:
			for n := c.list(typ, tStruct); n > 0 && c.err == nil; n-- {
				f.schema = append(f.schema, c.element())
			}
		case 3:
			f.rows = c.i64(typ)
		case 4:
			for n := c.list(typ, tStruct); n > 0 && c.err == nil; n-- {
				f.groups = append(f.groups, c.rowGroup())
			}
		case 5:
			for n := c.list(typ, tStruct); n > 0 && c.err == nil; n-- {
				if k, v := c.keyValue(); k == "ARROW:schema" {
					f.arrowSchema = v
				}
			}
		case 8:
			return unsupported("the file is encrypted")
		default:
			c.skip(typ)
		}
		if id > 0 && id < 16 {
			have |= 1 << id
		}
	}
	if c.err != nil {
		return corrupt("footer, at its byte %d: %w", c.pos, c.err)
	}
	if need := uint16(1<<2 | 1<<3 | 1<<4); have&need != need {
		return corrupt("footer without schema, rows or row groups")
	}
	return nil
}

// check holds the numbers of the footer against each other and against the size of the file.
func (f *footer) check() error {
	row := int64(0)
	for i := range f.groups {
		g := &f.groups[i]
		if g.rows < 0 || row+g.rows < row {
			return corrupt("row group %d has %d rows", i, g.rows)
		}
		g.first = row
		row += g.rows
		for k := range g.chunks {
			c := &g.chunks[k]
			if c.refused != "" || c.values == 0 {
				continue
			}
			if c.start < 4 || c.compressed < 0 || c.start > f.dataEnd || c.compressed > f.dataEnd-c.start {
				return corrupt("row group %d, column chunk %d: bytes %d+%d lie outside the data", i, k, c.start, c.compressed)
			}
			if c.values < 0 || c.uncompressed < 0 || g.bytes+c.uncompressed < 0 {
				return corrupt("row group %d, column chunk %d: %d values of %d bytes", i, k, c.values, c.uncompressed)
			}
			g.bytes += c.uncompressed
			// Old writers left the header of the dictionary out of the size. The counts tell where to stop.
			c.compressed += min(dictHeader, f.dataEnd-c.start-c.compressed)
		}
	}
	if row != f.rows && f.rows != 0 { // some writers leave the count at 0
		return corrupt("%d rows in row groups, %d in the file's count", row, f.rows)
	}
	f.rows = row
	return nil
}
