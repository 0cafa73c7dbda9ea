package fetch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// rec is a record to be written.
type rec struct {
	delta      int64
	time       int64
	key, value []byte
	headers    []Header
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

func (r rec) append(b []byte) []byte {
	body := binary.AppendVarint([]byte{0}, r.time)
	body = binary.AppendVarint(body, r.delta)
	body = appendBytes(body, r.key)
	body = appendBytes(body, r.value)
	body = binary.AppendVarint(body, int64(len(r.headers)))
	for _, h := range r.headers {
		body = appendBytes(body, h.Key)
		body = appendBytes(body, h.Value)
	}
	return append(binary.AppendVarint(b, int64(len(body))), body...)
}

// craft makes a record batch. The codec is put into the attributes.
func craft(t testing.TB, base int64, attributes, codec int16, producer int64, recs ...rec) []byte {
	t.Helper()
	var body []byte
	last := int64(0)
	for _, r := range recs {
		body = r.append(body)
		last = r.delta
	}
	return frame(base, last, attributes|codec, producer, len(recs), compress(t, codec, body))
}

// frame puts a header before the body of a batch.
func frame(base, delta int64, attributes int16, producer int64, count int, body []byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint64(nil, uint64(base))
	b = be.AppendUint32(b, uint32(headerSize-lengthEnd+len(body)))
	b = be.AppendUint32(b, 0)
	b = append(b, 2, 0, 0, 0, 0)
	b = be.AppendUint16(b, uint16(attributes))
	b = be.AppendUint32(b, uint32(delta))
	b = be.AppendUint64(b, 1000)
	b = be.AppendUint64(b, 9999)
	b = be.AppendUint64(b, uint64(producer))
	b = be.AppendUint16(b, 0)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, uint32(count))
	b = append(b, body...)
	return seal(b)
}

// seal puts the right checksum into a batch.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

func compress(t testing.TB, codec int16, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch codec {
	case codecGzip:
		w := gzip.NewWriter(&out)
		_, err = w.Write(body)
		err = firstOf(err, w.Close())
	case codecSnappy:
		out.Write(xerial)
		out.Write([]byte{0, 0, 0, 1, 0, 0, 0, 1})
		for len(body) > 0 {
			n := min(len(body), 100)
			block := s2.EncodeSnappy(nil, body[:n])
			out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block))))
			out.Write(block)
			body = body[n:]
		}
	case codecLZ4:
		w := lz4.NewWriter(&out)
		_, err = w.Write(body)
		err = firstOf(err, w.Close())
	case codecZstd:
		w, zerr := zstd.NewWriter(nil)
		if zerr != nil {
			t.Fatal(zerr)
		}
		return w.EncodeAll(body, nil)
	default:
		return body
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// offline is a stream over the batches of one response.
func offline(c *Client, from, high int64, b []byte, txns ...aborted) *Stream {
	s := c.Stream("t", 0, from)
	s.rest, s.high, s.stable, s.txns = b, high, high, txns
	s.ahead = maxAhead // there is nobody to ask again
	return s
}
