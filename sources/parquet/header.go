package parquet

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

// pageHeader is the head of one page.
type pageHeader struct {
	typ          format.PageType
	uncompressed int32
	compressed   int32
	crc          uint32
	hasCRC       bool // a checksum of 0 is a checksum
	hasBody      bool // the part that belongs to typ was there
	size         int  // bytes of the header itself

	values     int32
	encoding   format.Encoding
	defEnc     format.Encoding
	repEnc     format.Encoding
	rows       int32 // version 2
	defBytes   int32 // version 2
	repBytes   int32 // version 2
	compressV2 bool  // version 2: the values are compressed, if the chunk is
}

// decodePageHeader reads the header at the start of b, io.ErrUnexpectedEOF where b is too short for it.
func decodePageHeader(b []byte) (h pageHeader, err error) {
	c := &cursor{b: b}
	h.typ, h.compressV2 = -1, true
	var last int16
	var bodies [4]bool
	var have uint8
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			break
		}
		switch id {
		case 1:
			h.typ = format.PageType(c.i32(typ))
		case 2:
			h.uncompressed = c.i32(typ)
		case 3:
			h.compressed = c.i32(typ)
		case 4:
			h.crc, h.hasCRC = uint32(c.i32(typ)), true
		case 5, 6, 7, 8:
			bodies[id-5] = true
			c.pageBody(id, typ, &h)
		default:
			c.skip(typ)
		}
		if id > 0 && id < 8 {
			have |= 1 << id
		}
	}
	switch {
	case errors.Is(c.err, io.ErrUnexpectedEOF):
		return h, io.ErrUnexpectedEOF
	case c.err != nil:
		return h, c.err
	case have&0b1110 != 0b1110:
		return h, corrupt("page header without type or sizes")
	}
	if h.typ >= 0 && h.typ <= format.DataPageV2 {
		h.hasBody = bodies[h.typ] // the ids 5 to 8 stand in the order of the types
	}
	h.size = c.pos
	return h, nil
}

// pageBody reads the part of the header that belongs to one type of page: 5 data, 7 dictionary, 8 data version 2.
func (c *cursor) pageBody(body int16, typ byte, h *pageHeader) {
	if !c.enter(typ) {
		return
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return
		}
		switch {
		case body == 6:
			c.skip(typ)
		case id == 1:
			h.values = c.i32(typ)
		case id == 2 && body != 8, id == 4 && body == 8:
			h.encoding = format.Encoding(c.i32(typ))
		case id == 3 && body == 5:
			h.defEnc = format.Encoding(c.i32(typ))
		case id == 4 && body == 5:
			h.repEnc = format.Encoding(c.i32(typ))
		case id == 3 && body == 8:
			h.rows = c.i32(typ)
		case id == 5 && body == 8:
			h.defBytes = c.i32(typ)
		case id == 6 && body == 8:
			h.repBytes = c.i32(typ)
		case id == 7 && body == 8:
			h.compressV2 = c.bool(typ)
		default:
			c.skip(typ)
		}
	}
}
