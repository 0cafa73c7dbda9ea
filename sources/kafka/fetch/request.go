package fetch

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
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

// request asks one broker for record batches of partitions that it leads. It travels through kafka-go's Transport, which keeps
// connections, and does TLS and SASL; the bytes are written and read here. Each partition is answered when its part has come.
type request struct {
	leader    int32
	wants     []*want       // not yet answered
	wait      time.Duration // at the broker, for the first byte
	committed bool
	client    string

	version int16
}

// ApiKey says that it is a Fetch request.
func (r *request) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker is the leader, if it is there.
func (r *request) Broker(c protocol.Cluster) (protocol.Broker, error) {
	b, ok := c.Brokers[r.leader]
	if !ok {
		return protocol.Broker{ID: -1}, fetchapi.NewError(protocol.NewErrNoLeader(r.wants[0].topic, r.wants[0].partition))
	}
	return b, nil
}

// Required notes the version that both sides speak.
func (r *request) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// response is what the leader says about one partition.
type response struct {
	present   bool // a throttled broker leaves partitions out
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

// answered is the message of a request whose wants have their answers.
type answered struct{}

// ApiKey says that it is a Fetch response.
func (answered) ApiKey() protocol.ApiKey { return protocol.Fetch }

// RawExchange writes the request and reads the response.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < minVersion || r.version > maxVersion {
		return nil, fmt.Errorf("the broker speaks version %d of the Fetch API at most; %d (Kafka 0.11) is needed", r.version, minVersion)
	}
	w := newWatch(rw)
	defer w.done()
	n, err := send(rw, w, protocol.Fetch, r.version, r.client, r.wait, r.body)
	if err != nil {
		return nil, err
	}
	return answered{}, r.read(&body{r: rw, watch: w, left: n})
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
	var topics []string // the oldest want stays the first
	for _, w := range r.wants {
		if !slices.Contains(topics, w.topic) {
			topics = append(topics, w.topic)
		}
	}
	b = be.AppendUint32(b, uint32(len(topics)))
	for _, topic := range topics {
		b = appendString(b, topic)
		count := len(b)
		b = be.AppendUint32(b, 0)
		n := uint32(0)
		for _, w := range r.wants {
			if w.topic == topic {
				b = r.partition(b, w)
				n++
			}
		}
		be.PutUint32(b[count:], n)
	}
	if r.version >= 7 {
		b = be.AppendUint32(b, 0) // nothing forgotten
	}
	if r.version >= 11 {
		b = appendString(b, "") // no rack
	}
	return b
}

func (r *request) partition(b []byte, w *want) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, uint32(w.partition))
	if r.version >= 9 {
		b = be.AppendUint32(b, 0xffffffff) // leader epoch unknown
	}
	b = be.AppendUint64(b, uint64(w.offset))
	if r.version >= 5 {
		b = be.AppendUint64(b, ^uint64(0)) // no log of ours
	}
	return be.AppendUint32(b, uint32(w.maxBytes))
}

// read reads the body of a response, and answers the wants that are in it.
func (r *request) read(c *body) error {
	throttle := time.Duration(max(c.i32(), 0)) * time.Millisecond
	code := int16(0)
	if r.version >= 7 {
		code = c.i16()
		c.i32()
	}
	for range c.count(6) {
		topic := string(c.take(int(c.i16())))
		for range c.count(30) {
			r.answer(c, topic, &response{present: true, throttle: throttle, code: code, start: -1})
			if c.err != nil {
				return c.wrap()
			}
		}
	}
	if c.err == nil && c.left > 0 {
		c.fail(fmt.Errorf("%d bytes too many", c.left))
	}
	if c.err != nil {
		return c.wrap()
	}
	for _, w := range r.wants {
		w.settle(&response{throttle: throttle, code: code}, nil)
	}
	r.wants = nil
	return nil
}

// answer reads what is said about one partition.
func (r *request) answer(c *body, topic string, res *response) {
	partition := c.i32()
	if code := c.i16(); res.code == 0 {
		res.code = code
	}
	res.high, res.stable = c.i64(), c.i64()
	if r.version >= 5 {
		res.start = c.i64()
	}
	for range c.count(16) {
		res.aborted = append(res.aborted, aborted{c.i64(), c.i64()})
	}
	if r.version >= 11 {
		res.preferred = c.i32()
	}
	i := slices.IndexFunc(r.wants, func(w *want) bool { return w.topic == topic && w.partition == partition })
	if i < 0 && c.err == nil {
		c.fail(fmt.Errorf("it speaks of %s/%d, which it was not asked for, or twice", topic, partition))
	}
	n := int(c.i32())
	if c.err != nil {
		return
	}
	w := r.wants[i]
	r.wants = slices.Delete(r.wants, i, i+1)
	if res.batches = c.fill(w.buf, max(n, 0)); c.err != nil {
		w.settle(nil, c.wrap())
		return
	}
	res.buf = res.batches
	w.settle(res, nil)
}

var correlation atomic.Int32

// exchange sends one request with header version 1 and returns the body of the response.
func exchange(rw io.ReadWriter, key protocol.ApiKey, version int16, client string, write func([]byte) []byte) ([]byte, error) {
	w := newWatch(rw)
	defer w.done()
	n, err := send(rw, w, key, version, client, 0, write)
	if err != nil {
		return nil, err
	}
	c := &body{r: rw, watch: w, left: n}
	return c.fill(nil, n), c.err
}

// send sends one request with header version 1 and returns the length of the response's body, which comes next. It gives up
// when the broker sends nothing for wait and silence.
func send(rw io.ReadWriter, watch watch, key protocol.ApiKey, version int16, client string, wait time.Duration, body func([]byte) []byte) (int, error) {
	be := binary.BigEndian
	id := correlation.Add(1)
	b := make([]byte, 4, 256)
	b = be.AppendUint16(b, uint16(key))
	b = be.AppendUint16(b, uint16(version))
	b = be.AppendUint32(b, uint32(id))
	b = appendString(b, client)
	b = body(b)
	be.PutUint32(b, uint32(len(b)-4))
	watch.extend(wait)
	if _, err := rw.Write(b); err != nil {
		return 0, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return 0, err
	}
	n := int(int32(be.Uint32(head[:]))) - 4
	if got := int32(be.Uint32(head[4:])); got != id {
		return 0, fmt.Errorf("the broker answered request %d with %d", id, got)
	}
	if n < 0 || n > maxResponse+chunk {
		return 0, fmt.Errorf("the broker announced a response of %d bytes", n)
	}
	return n, nil
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
