package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Layout of a record batch: base offset 0, length 8, leader epoch 12, magic 16, crc 17, attributes 21, last offset delta 23,
// base timestamp 27, max timestamp 35, producer id 43, producer epoch 51, base sequence 53, record count 57, records 61.
// The checksum covers all from the attributes on.
const (
	lengthEnd  = 12 // what the length does not count
	magicAt    = 16
	headerSize = 61

	maskCodec     = 0x07
	maskAppend    = 0x08 // timestamps are the broker's
	maskTxn       = 0x10
	maskControl   = 0x20
	smallestBytes = 7 // of a record: length, attributes, two deltas, two lengths, count of headers
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what stands before the records of a batch.
type header struct {
	base, last        int64
	size              int // bytes of the whole batch
	magic             int8
	crc               uint32
	attributes        int16
	baseTime, maxTime int64
	producer          int64
	count             int
}

// readHeader reads the header at the start of b, whose rest need not be there. ok is false where b is too short for one.
func readHeader(b []byte) (h header, ok bool) {
	if len(b) < magicAt+1 {
		return h, false
	}
	be := binary.BigEndian
	h.base, h.size, h.magic = int64(be.Uint64(b)), int(int32(be.Uint32(b[8:])))+lengthEnd, int8(b[magicAt])
	if h.magic != 2 {
		return h, true
	}
	if len(b) < headerSize {
		return h, false
	}
	h.crc, h.attributes = be.Uint32(b[17:]), int16(be.Uint16(b[21:]))
	h.last = h.base + int64(int32(be.Uint32(b[23:])))
	h.baseTime, h.maxTime, h.producer = int64(be.Uint64(b[27:])), int64(be.Uint64(b[35:])), int64(be.Uint64(b[43:]))
	h.count = int(int32(be.Uint32(b[57:])))
	return h, true
}

// framed says whether the part that no checksum covers makes sense.
func (h *header) framed() error {
	switch {
	case h.magic == 0 || h.magic == 1:
		return fmt.Errorf("messages of format %d; formats before 2 (Kafka 0.11) are not read", h.magic)
	case h.magic != 2:
		return fmt.Errorf("a record batch of the unknown format %d", h.magic)
	case h.size < headerSize:
		return fmt.Errorf("a record batch of %d bytes", h.size)
	case h.base < 0:
		return fmt.Errorf("a record batch with base offset %d", h.base)
	}
	return nil
}

// A Record is one record of a partition. Its bytes are valid until the stream moves on.
type Record struct {
	Offset  int64
	Time    int64  // milliseconds since 1970: of the producer, or of the broker, as the topic is configured
	Key     []byte // nil is null
	Value   []byte // nil is null
	headers []byte
	count   int
}

// A Header is a name with a value, of which there may be several in a record.
type Header struct {
	Key   []byte
	Value []byte // nil is null
}

// Headers appends the headers to dst, in their order.
func (r *Record) Headers(dst []Header) []Header {
	c := cursor{b: r.headers}
	for range r.count {
		key := c.bytes(c.varint())
		dst = append(dst, Header{Key: key, Value: c.bytes(c.varint())})
	}
	return dst
}

// records walks the records of one decoded batch.
type records struct {
	header
	body cursor
	left int
}

// open checks the checksum of the batch b, decodes it with at most limit bytes, and checks every record.
func (d *decoder) open(h header, b []byte, limit int) (records, error) {
	if sum := crc32.Checksum(b[21:], castagnoli); sum != h.crc {
		return records{}, fmt.Errorf("its checksum is %08x, the header says %08x", sum, h.crc)
	}
	if h.last < h.base || h.count < 0 || int64(h.count) > h.last-h.base+1 {
		return records{}, fmt.Errorf("%d records over %d offsets", h.count, h.last-h.base+1)
	}
	body := b[headerSize:]
	if codec := h.attributes & maskCodec; codec != 0 && h.count > 0 {
		var err error
		if body, err = d.decode(codec, body, limit); err != nil {
			return records{}, err
		}
	} else if len(body) > limit {
		return records{}, tooLarge(limit)
	}
	if h.count > len(body)/smallestBytes {
		return records{}, fmt.Errorf("%d records in %d bytes", h.count, len(body))
	}
	r := records{header: h, body: cursor{b: body}, left: h.count}
	return r, r.check()
}

// check walks all records of a copy of r, so that next cannot fail.
func (r records) check() error {
	at := r.base - 1
	for i := 0; r.left > 0; i++ {
		rec, err := r.next()
		if err == nil && (rec.Offset <= at || rec.Offset > r.last) {
			err = fmt.Errorf("offset %d behind %d", rec.Offset, at)
		}
		if err == nil {
			err = checkHeaders(&rec)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		at = rec.Offset
	}
	if len(r.body.b) > 0 && r.count > 0 {
		return fmt.Errorf("%d bytes behind the last record", len(r.body.b))
	}
	return nil
}

func (r *records) next() (Record, error) {
	r.left--
	n := r.body.varint()
	if n < 0 {
		r.body.fail()
	}
	c := cursor{b: r.body.bytes(n)}
	c.i8() // attributes, unused
	rec := Record{Time: r.baseTime + c.varint(), Offset: r.base + c.varint()}
	if r.attributes&maskAppend != 0 {
		rec.Time = r.maxTime
	}
	rec.Key = c.bytes(c.varint())
	rec.Value = c.bytes(c.varint())
	count := c.varint()
	rec.headers, rec.count = c.b, int(count)
	if r.body.bad || c.bad || count < 0 || count > int64(len(c.b))/2 {
		return rec, errShort
	}
	return rec, nil
}

func checkHeaders(rec *Record) error {
	c := cursor{b: rec.headers}
	for range rec.count {
		n := c.varint()
		if c.bytes(n); n < 0 {
			return errors.New("a header without a name")
		}
		c.bytes(c.varint())
	}
	if c.bad {
		return errShort
	}
	if len(c.b) > 0 {
		return fmt.Errorf("%d bytes behind the headers", len(c.b))
	}
	return nil
}

// aborts says whether a control batch, whose body is not compressed, ends a transaction by aborting it.
func (r *records) aborts() bool {
	c := *r
	if c.left == 0 {
		return false
	}
	rec, err := c.next()
	return err == nil && len(rec.Key) >= 4 && binary.BigEndian.Uint16(rec.Key[2:]) == 0
}
