package fetch

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// idVersion is the version of the Metadata API that is asked for topic ids; brokers before Kafka 3.1 do not have it.
const idVersion = 12

// identify asks any broker for the ids of topics. kafka-go's own requests end at version 8, which has none.
type identify struct {
	topics []string
	client string
}

// identities are the ids by topic; nil where the broker does not know of ids.
type identities struct {
	cluster string
	ids     map[string]string
	codes   map[string]int16
}

// ApiKey says that it is a Metadata request.
func (*identify) ApiKey() protocol.ApiKey { return protocol.Metadata }

// ApiKey says that it is a Metadata response.
func (*identities) ApiKey() protocol.ApiKey { return protocol.Metadata }

// Required is always true.
func (*identify) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange asks for the versions that the broker speaks first.
func (r *identify) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	b, err := exchange(rw, protocol.ApiVersions, 0, r.client, func(b []byte) []byte { return b })
	if err != nil {
		return nil, err
	}
	c := &cursor{b: b}
	c.i16()
	most := int16(0)
	for range c.count(6) {
		if key, _, hi := c.i16(), c.i16(), c.i16(); key == int16(protocol.Metadata) {
			most = hi
		}
	}
	if c.bad || most < idVersion {
		return &identities{}, nil
	}
	b, err = exchange(rw, protocol.Metadata, idVersion, r.client, r.body)
	if err != nil {
		return nil, err
	}
	return parseIdentities(b)
}

func (r *identify) body(b []byte) []byte {
	b = append(b, 0) // no tagged fields in the header
	b = binary.AppendUvarint(b, uint64(len(r.topics)+1))
	for _, t := range r.topics {
		b = append(b, make([]byte, 16)...) // by name, not by id
		b = binary.AppendUvarint(b, uint64(len(t)+1))
		b = append(b, t...)
		b = append(b, 0)
	}
	return append(b, 0, 0, 0) // create nothing; authorized operations are not wanted; no tagged fields
}

func parseIdentities(b []byte) (*identities, error) {
	c := &cursor{b: b}
	c.tags() // of the header
	c.i32()
	for range c.compactCount() {
		c.i32()
		c.compact()
		c.i32()
		c.compact()
		c.tags()
	}
	out := &identities{ids: map[string]string{}, codes: map[string]int16{}, cluster: string(c.compact())}
	c.i32()
	for range c.compactCount() {
		code, name, id := c.i16(), string(c.compact()), c.take(16)
		c.i8()
		for range c.compactCount() {
			c.take(14)
			for range 3 {
				c.take(4 * c.compactCount())
			}
			c.tags()
		}
		c.i32()
		c.tags()
		if out.codes[name] = code; code == 0 {
			out.ids[name] = hex.EncodeToString(id)
		}
	}
	if c.bad {
		return nil, fmt.Errorf("reading a Metadata response of %d bytes: %w", len(b), errShort)
	}
	return out, nil
}

// compactCount is the length of an array; each element has a byte at least.
func (c *cursor) compactCount() int {
	n := c.uvarint()
	if n > uint64(len(c.b))+1 {
		c.fail()
	}
	if c.bad || n == 0 {
		return 0
	}
	return int(n - 1)
}

func (c *cursor) compact() []byte { return c.take(c.compactCount()) }

// tags passes over tagged fields.
func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
		if size := c.uvarint(); size > uint64(len(c.b)) {
			c.fail()
		} else {
			c.take(int(size))
		}
	}
}

// TopicIDs returns the id of each of the topics that exist, in hexadecimal: a topic that is deleted and made anew gets
// another one. It is nil where the brokers have no ids (before Kafka 3.1).
func (c *Client) TopicIDs(ctx context.Context, topics []string) (map[string]string, error) {
	m, err := c.cfg.Transport.RoundTrip(ctx, c.cfg.Addr, &identify{topics: topics, client: c.cfg.ClientID})
	if err != nil {
		return nil, fmt.Errorf("asking for topic ids: %w", err)
	}
	return m.(*identities).ids, nil
}
