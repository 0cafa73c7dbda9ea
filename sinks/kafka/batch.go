package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/compress"

	"inoculate/pipeline"
)

// Layout of a record batch: base offset 0, length 8, leader epoch 12, magic 16, crc 17, attributes 21, last offset delta 23,
// base timestamp 27, max timestamp 35, producer id 43, producer epoch 51, base sequence 53, record count 57, records 61.
const (
	headerSize    = 61
	transactional = 0x10 // in the attributes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch collects records that go to one partition together.
type batch struct {
	parts     []byte  // key, value and headers of each record
	ends      []int   // where those of record i end
	positions []int64 // of their input, for messages
	bare      bool    // the value was left out
	plain     []byte  // encoded records
	out       bytes.Buffer
}

func (b *batch) len() int { return len(b.ends) }

func (b *batch) reset() {
	b.parts, b.ends, b.positions, b.bare = b.parts[:0], b.ends[:0], b.positions[:0], false
}

// add appends a record.
func (b *batch) add(position int64, o *pipeline.Origin) {
	b.parts = appendBytes(b.parts, o.Key)
	b.parts = appendBytes(b.parts, o.Value)
	b.parts = binary.AppendVarint(b.parts, int64(len(o.Headers)))
	for _, h := range o.Headers {
		b.parts = append(binary.AppendVarint(b.parts, int64(len(h.Key))), h.Key...)
		b.parts = appendBytes(b.parts, h.Value)
	}
	b.ends, b.positions = append(b.ends, len(b.parts)), append(b.positions, position)
}

// halves gives the records to two batches.
func (b *batch) halves() (head, tail batch) {
	n := b.len() / 2
	cut := b.ends[n-1]
	head = batch{parts: slices.Clone(b.parts[:cut]), ends: slices.Clone(b.ends[:n]), positions: slices.Clone(b.positions[:n])}
	tail = batch{parts: slices.Clone(b.parts[cut:]), positions: slices.Clone(b.positions[n:])}
	for _, end := range b.ends[n:] {
		tail.ends = append(tail.ends, end-cut)
	}
	return head, tail
}

// strip makes the value of the only record null.
func (b *batch) strip() {
	at, rest := 0, b.parts
	for range 2 {
		n, k := binary.Varint(rest)
		at, rest = len(b.parts)-len(rest), rest[k+int(max(n, 0)):]
	}
	b.parts = append(binary.AppendVarint(b.parts[:at:at], -1), rest...)
	b.ends[0], b.bare = len(b.parts), true
}

// appendBytes keeps null and empty apart.
func appendBytes(dst, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(v))), v...)
}

// encode makes a produce request's record set of the records: its length, and one batch. It is valid until the next call.
func (b *batch) encode(codec compress.Codec, attributes int16, producer int64, epoch int16, sequence int32, now time.Time) ([]byte, error) {
	b.plain = b.plain[:0]
	from := 0
	var head [3 + binary.MaxVarintLen64]byte
	for i, end := range b.ends {
		h := binary.AppendVarint(append(head[:0], 0, 0), int64(i)) // no attributes; the time of the batch; the offset's delta
		b.plain = binary.AppendVarint(b.plain, int64(len(h)+end-from))
		b.plain = append(append(b.plain, h...), b.parts[from:end]...)
		from = end
	}
	b.out.Reset()
	b.out.Write(make([]byte, 4+headerSize))
	if codec == nil {
		b.out.Write(b.plain)
	} else {
		w := codec.NewWriter(&b.out)
		_, err := w.Write(b.plain)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, fmt.Errorf("compressing a batch: %w", err)
		}
	}
	out := b.out.Bytes()
	if len(out) > math.MaxInt32 {
		return nil, fmt.Errorf("a batch of %d bytes", len(out))
	}
	be := binary.BigEndian
	be.PutUint32(out, uint32(len(out)-4))
	h := out[4:]
	be.PutUint32(h[8:], uint32(len(h)-12))
	be.PutUint32(h[12:], math.MaxUint32) // leader epoch: the broker's to fill in
	h[16] = 2
	be.PutUint16(h[21:], uint16(attributes))
	be.PutUint32(h[23:], uint32(b.len()-1))
	be.PutUint64(h[27:], uint64(now.UnixMilli()))
	be.PutUint64(h[35:], uint64(now.UnixMilli()))
	be.PutUint64(h[43:], uint64(producer))
	be.PutUint16(h[51:], uint16(epoch))
	be.PutUint32(h[53:], uint32(sequence))
	be.PutUint32(h[57:], uint32(b.len()))
	be.PutUint32(h[17:], crc32.Checksum(h[21:], castagnoli))
	return out, nil
}
