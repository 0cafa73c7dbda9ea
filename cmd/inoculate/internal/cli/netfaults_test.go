//go:build unix

package cli

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"inoculate/pipeline/kafkaconn"
)

// disturbRequests counts the requests of producers, on all connections, and calls kill before or behind one; with only, those
// of that key alone, and long enough behind one that the broker has come to it. Of their batches, every lose-th is lost with its
// connection; of those, one after the other, before the broker has it or before the answer. With drop, one that was lost before the broker had it is not sent again either, and is answered as if it had been.
func disturbRequests(at int64, only string, kill func(), lose int64, drop bool) {
	if at == 0 && lose == 0 {
		return
	}
	f := &netFaults{at: at, only: only, kill: kill, lose: lose, drop: drop}
	dial := kafkaconn.Dial
	kafkaconn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &faultyConn{Conn: conn, faults: f}, nil
	}
}

type netFaults struct {
	at   int64
	only string
	kill func()
	lose int64
	drop bool

	requests, batches atomic.Int64

	mu   sync.Mutex
	lost string // a batch that was
}

const (
	produceKey = 0
	endTxnKey  = 26
)

type faultyConn struct {
	net.Conn
	faults *netFaults
	answer []byte // that no broker gives
}

// Write looks at the beginning of a request: Produce, OffsetFetch, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn
// and TxnOffsetCommit count.
func (c *faultyConn) Write(b []byte) (int, error) {
	f, key := c.faults, -1
	if len(b) > 12 && binary.BigEndian.Uint16(b[6:]) < 16 {
		switch k := binary.BigEndian.Uint16(b[4:]); k {
		case produceKey, 9, 22, 24, 25, 26, 28:
			key = int(k)
		}
	}
	n := int64(0)
	if key >= 0 && (f.only == "" || f.only == strconv.Itoa(key)) {
		n = f.requests.Add(1)
	}
	if n > 0 && n == f.at {
		f.kill()
	}
	if f.lose > 0 && key == produceKey && int(binary.BigEndian.Uint32(b))+4 == len(b) {
		if f.drop && f.wasLost(b) {
			c.answer = produced(b)
			return len(b), nil
		}
		if batches := f.batches.Add(1); batches%f.lose == 0 {
			return 0, c.loseBatch(b, f.drop || batches/f.lose%2 == 0)
		}
	}
	written, err := c.Conn.Write(b)
	if n > 0 && n == -f.at {
		if f.only != "" {
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(time.Duration(n%4) * time.Millisecond) // the broker may come to it, or not
		f.kill()
	}
	return written, err
}

// loseBatch breaks the connection, before or behind a request.
func (c *faultyConn) loseBatch(b []byte, before bool) error {
	if before {
		c.faults.mu.Lock()
		c.faults.lost = string(b[12:])
		c.faults.mu.Unlock()
	} else if _, err := c.Conn.Write(b); err != nil {
		return err
	}
	if err := c.Conn.Close(); err != nil {
		return err
	}
	return syscall.ECONNRESET
}

// wasLost says whether the request, but for its number, is the one that was lost last.
func (f *netFaults) wasLost(b []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.lost != "" && f.lost == string(b[12:])
	if was {
		f.lost = ""
	}
	return was
}

// Read gives the answer that no broker gave.
func (c *faultyConn) Read(b []byte) (int, error) {
	if len(c.answer) > 0 {
		n := copy(b, c.answer)
		c.answer = c.answer[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// produced is the answer to a Produce request, of one partition, that succeeds.
func produced(b []byte) []byte {
	be := binary.BigEndian
	version, at := be.Uint16(b[6:]), 12
	text := func() string {
		n := int(max(0, int16(be.Uint16(b[at:]))))
		at += 2 + n
		return string(b[at-n : at])
	}
	text() // client
	if version >= 3 {
		text() // transactional id
	}
	at += 2 + 4 + 4 // acknowledgements, timeout, one topic
	topic := text()
	partition := be.Uint32(b[at+4:])
	out := be.AppendUint32(make([]byte, 4), be.Uint32(b[8:]))
	out = be.AppendUint32(out, 1)
	out = append(be.AppendUint16(out, uint16(len(topic))), topic...)
	out = be.AppendUint32(be.AppendUint32(out, 1), partition)
	out = append(out, make([]byte, 2+8)...) // no error, offset 0
	if version >= 2 {
		out = append(out, strings.Repeat("\xff", 8)...) // no time
	}
	if version >= 5 {
		out = append(out, make([]byte, 8)...) // start of the log
	}
	if version >= 8 {
		out = append(out, 0, 0, 0, 0, 0xff, 0xff) // no errors, no message
	}
	out = be.AppendUint32(out, 0) // not throttled
	be.PutUint32(out, uint32(len(out)-4))
	return out
}
