package fetch

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	fetchapi "github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	minVersion, maxVersion = 4, 11 // of the Fetch API

	maxResponse = 1 << 30
	chunk       = 1 << 20
	silence     = 30 * time.Second // without a byte from the broker, beyond what it was asked to wait
)

// request asks the leader of one partition for record batches. It travels through kafka-go's Transport, which finds the
// leader, keeps connections, and does TLS and SASL; the bytes are written and read here.
type request struct {
	topic     string
	partition int32
	offset    int64
	wait      time.Duration // at the broker, for the first byte
	maxBytes  int32
	committed bool
	client    string
	buf       []byte // for the response

	version int16
}

// ApiKey says that it is a Fetch request.
func (r *request) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker is the leader of the partition.
func (r *request) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return (&fetchapi.Request{Topics: []fetchapi.RequestTopic{{Topic: r.topic, Partitions: []fetchapi.RequestPartition{{Partition: r.partition}}}}}).Broker(c)
}

// Required notes the version that both sides speak.
func (r *request) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// response is what the leader says about the partition.
type response struct {
	present   bool // a throttled broker leaves the partition out
	throttle  time.Duration
	code      int16
	high      int64 // after the last record that all replicas have
	stable    int64 // before the first open transaction
	start     int64 // of the log; -1 where the version does not say
	aborted   []aborted
	batches   []byte // the last one may be cut off; aliases buf
	buf       []byte
	preferred int32
}

// aborted is a transaction that was aborted: the batches of its producer from first on, up to its marker.
type aborted struct{ producer, first int64 }

// ApiKey says that it is a Fetch response.
func (*response) ApiKey() protocol.ApiKey { return protocol.Fetch }

// RawExchange writes the request and reads the response.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < minVersion || r.version > maxVersion {
		return nil, fmt.Errorf("the broker speaks version %d of the Fetch API at most; %d (Kafka 0.11) is needed", r.version, minVersion)
	}
	body, err := exchange(rw, protocol.Fetch, r.version, r.client, r.wait, r.buf, r.body)
	if err != nil {
		return nil, err
	}
	return parseResponse(body, r.version)
}

func (r *request) body(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, 0xffffffff) // no replica
	b = be.AppendUint32(b, uint32(r.wait.Milliseconds()))
	b = be.AppendUint32(b, 1)           // bytes to wait for
	b = be.AppendUint32(b, maxResponse) // of all partitions
	isolation := byte(0)
	if r.committed {
		isolation = 1
	}
	b = append(b, isolation)
	if r.version >= 7 {
		b = be.AppendUint32(b, 0)
		b = be.AppendUint32(b, 0xffffffff) // no session
	}
	b = be.AppendUint32(b, 1)
	b = appendString(b, r.topic)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, uint32(r.partition))
	if r.version >= 9 {
		b = be.AppendUint32(b, 0xffffffff) // leader epoch unknown
	}
	b = be.AppendUint64(b, uint64(r.offset))
	if r.version >= 5 {
		b = be.AppendUint64(b, ^uint64(0)) // no log of ours
	}
	b = be.AppendUint32(b, uint32(r.maxBytes))
	if r.version >= 7 {
		b = be.AppendUint32(b, 0) // nothing forgotten
	}
	if r.version >= 11 {
		b = appendString(b, "") // no rack
	}
	return b
}

// parseResponse reads the body of a Fetch response of one partition.
func parseResponse(b []byte, version int16) (*response, error) {
	c := &cursor{b: b}
	res := &response{buf: b, start: -1, throttle: time.Duration(max(c.i32(), 0)) * time.Millisecond}
	if version >= 7 {
		res.code = c.i16()
		c.i32()
	}
	for range c.count(2) {
		c.bytes(int64(c.i16()))
		for range c.count(30) {
			c.i32()
			if code := c.i16(); res.code == 0 {
				res.code = code
			}
			res.present = true
			res.high, res.stable = c.i64(), c.i64()
			if version >= 5 {
				res.start = c.i64()
			}
			for range c.count(16) {
				res.aborted = append(res.aborted, aborted{c.i64(), c.i64()})
			}
			if version >= 11 {
				res.preferred = c.i32()
			}
			res.batches = c.bytes(int64(c.i32()))
		}
	}
	if c.bad {
		return nil, fmt.Errorf("reading a Fetch response of %d bytes: %w", len(b), errShort)
	}
	return res, nil
}

var correlation atomic.Int32

// exchange sends one request with header version 1 and returns the body of the response, in buf where that is large enough.
// It gives up when the broker sends nothing for wait and silence.
func exchange(rw io.ReadWriter, key protocol.ApiKey, version int16, client string, wait time.Duration, buf []byte, body func([]byte) []byte) ([]byte, error) {
	be := binary.BigEndian
	id := correlation.Add(1)
	b := make([]byte, 4, 256)
	b = be.AppendUint16(b, uint16(key))
	b = be.AppendUint16(b, uint16(version))
	b = be.AppendUint32(b, uint32(id))
	b = appendString(b, client)
	b = body(b)
	be.PutUint32(b, uint32(len(b)-4))
	watch := newWatch(rw)
	defer watch.done()
	watch.extend(wait)
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	n := int(int32(be.Uint32(head[:]))) - 4
	if got := int32(be.Uint32(head[4:])); got != id {
		return nil, fmt.Errorf("the broker answered request %d with %d", id, got)
	}
	if n < 0 || n > maxResponse+chunk {
		return nil, fmt.Errorf("the broker announced a response of %d bytes", n)
	}
	buf = buf[:0]
	for len(buf) < n { // a length is no reason to allocate before the bytes are there
		at := len(buf)
		if cap(buf) == at {
			buf = append(make([]byte, 0, min(n, max(chunk, 2*at))), buf...)
		}
		buf = buf[:min(n, cap(buf), at+chunk)]
		watch.extend(0)
		if _, err := io.ReadFull(rw, buf[at:]); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// watch moves the deadline of a connection along with its progress.
type watch struct {
	conn interface{ SetDeadline(time.Time) error }
}

func newWatch(rw io.ReadWriter) watch {
	conn, _ := rw.(interface{ SetDeadline(time.Time) error })
	return watch{conn}
}

// extend gives the broker time from now on. An error shows at the next read.
func (w watch) extend(wait time.Duration) {
	if w.conn != nil {
		_ = w.conn.SetDeadline(time.Now().Add(silence + wait))
	}
}

func (w watch) done() {
	if w.conn != nil {
		_ = w.conn.SetDeadline(time.Time{})
	}
}
