package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// position is what a group says of an input partition.
type position struct {
	next  int64
	token string
	ok    bool
}

// offsetsVersion is the version of the OffsetFetch API that waits for transactions (Kafka 2.5). kafka-go's ends at 5: it would
// answer with what was there before a transaction that is being committed.
const offsetsVersion = 7

// fetchOffsets asks the coordinator of a group for its offset of one partition.
type fetchOffsets struct {
	group, topic string
}

// fetchedOffsets is the answer.
type fetchedOffsets struct {
	position
	code int16
}

// ApiKey says that it is an OffsetFetch request.
func (*fetchOffsets) ApiKey() protocol.ApiKey { return protocol.OffsetFetch }

// ApiKey says that it is an OffsetFetch response.
func (*fetchedOffsets) ApiKey() protocol.ApiKey { return protocol.OffsetFetch }

// Group lets the transport find the coordinator.
func (r *fetchOffsets) Group() string { return r.group }

// Required is always true.
func (*fetchOffsets) Required(map[protocol.ApiKey]int16) bool { return true }

// position asks for the last position that was committed, once no transaction is undecided.
func (s *Sink) position(ctx context.Context, group string) (position, error) {
	m, err := s.transport.RoundTrip(ctx, s.client.Addr, &fetchOffsets{group: group, topic: s.home})
	if err != nil {
		return position{}, err
	}
	res := m.(*fetchedOffsets)
	switch {
	case res.code == int16(kafkago.GroupIdNotFound): // Apache Kafka answers -1 for a group that is not there
		return position{}, nil
	case res.code != 0:
		return position{}, kafkago.Error(res.code)
	}
	return res.position, nil
}

var correlation atomic.Int32

const maxAnswer = 1 << 20

// RawExchange writes the request and reads the response.
func (r *fetchOffsets) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if conn, ok := rw.(interface{ SetDeadline(time.Time) error }); ok {
		_ = conn.SetDeadline(time.Now().Add(attempt))
		defer func() { _ = conn.SetDeadline(time.Time{}) }()
	}
	be := binary.BigEndian
	id := correlation.Add(1)
	b := make([]byte, 4, 128)
	b = be.AppendUint16(b, uint16(protocol.OffsetFetch))
	b = be.AppendUint16(b, offsetsVersion)
	b = be.AppendUint32(b, uint32(id))
	b = append(be.AppendUint16(b, uint16(len(clientID))), clientID...)
	b = append(b, 0) // no tagged fields in the header
	b = appendCompact(b, r.group)
	b = append(b, 2) // one topic
	b = appendCompact(b, r.topic)
	b = append(b, 2) // one partition
	b = be.AppendUint32(b, 0)
	b = append(b, 0)    // no tagged fields
	b = append(b, 1, 0) // only what no open transaction may change
	be.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, fmt.Errorf("asking for offsets as Kafka 2.5 answers: %w", err)
	}
	n := int(int32(be.Uint32(head[:]))) - 4
	if got := int32(be.Uint32(head[4:])); got != id || n < 0 || n > maxAnswer {
		return nil, fmt.Errorf("the broker answered request %d with %d bytes for %d", id, n, got)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	return parseOffsets(body)
}

func appendCompact(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s)+1)), s...)
}

var errShort = errors.New("the bytes of an OffsetFetch response end too early")

// parseOffsets reads the body of the response, of one partition.
func parseOffsets(b []byte) (*fetchedOffsets, error) {
	c := &cursor{b: b}
	c.tags()  // of the header
	c.take(4) // throttle
	out := &fetchedOffsets{}
	for range c.count() {
		c.take(c.count())
		for range c.count() {
			c.take(4)
			next := int64(binary.BigEndian.Uint64(c.take(8)))
			c.take(4) // leader epoch
			token := string(c.take(c.count()))
			if code := int16(binary.BigEndian.Uint16(c.take(2))); code != 0 {
				out.code = code
			}
			c.tags()
			out.position = position{next, token, next >= 0}
		}
		c.tags()
	}
	if code := int16(binary.BigEndian.Uint16(c.take(2))); code != 0 {
		out.code = code
	}
	if c.bad {
		return nil, errShort
	}
	return out, nil
}

// cursor reads fields from the front of b. After one that does not fit, bad is set, and every field is zero.
type cursor struct {
	b   []byte
	bad bool
}

// take returns the next n bytes; zeros where there are fewer.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.bad = nil, true
		return make([]byte, 8)
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// count is the length of a compact array or string; each element has a byte at least. Null is empty.
func (c *cursor) count() int {
	n := c.uvarint()
	if n > uint64(len(c.b))+1 {
		c.b, c.bad = nil, true
	}
	if c.bad || n == 0 {
		return 0
	}
	return int(n - 1)
}

func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
		c.take(int(min(c.uvarint(), maxAnswer)))
	}
}
