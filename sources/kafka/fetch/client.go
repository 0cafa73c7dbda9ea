// Package fetch fetches record batches of topic partitions through kafka-go's transport, checked.
//
// kafka-go's own readers hand out the records of aborted transactions, skip what retention has deleted, and check no
// checksums. Here every batch is checked before any of its records is handed out, and what is missing or damaged is an error
// that says which offsets it covers.
package fetch

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"inoculate/pipeline/kafkaconn"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// Defaults of Config.
const (
	DefaultMaxWait  = 500 * time.Millisecond
	DefaultMaxBytes = 8 << 20
	minBytes        = 256 << 10
	DefaultMaxBatch = 64 << 20
	DefaultPatience = 5 * time.Minute
)

// The aliases of offsets that Offset takes in place of a time.
const (
	Latest   = -1
	Earliest = -2
)

// A Config says how partitions are fetched. Zero values stand for the defaults.
type Config struct {
	Transport *kafka.Transport
	Addr      net.Addr // of any broker
	ClientID  string
	Committed bool          // leave out aborted transactions, and stop before open ones
	MaxWait   time.Duration // for the first byte of a response
	MaxBytes  int32         // of a partition in a response; a batch that is longer comes whole
	MaxBatch  int           // bytes of a batch when decoded; a longer one is corrupt
	Patience  time.Duration // how long a partition is asked again after errors that may pass
	Logger    *slog.Logger

	// Recovered, where set, is called when a partition answers again after errors. Its error ends the stream.
	Recovered func(ctx context.Context, topic string) error

	// Fetched, where set, is called with the time that each answered Fetch request took, up to MaxWait of which the broker may
	// have waited for records. Streams call it at once.
	Fetched func(took time.Duration)
}

// Client fetches from one cluster. It is safe for concurrent use.
type Client struct {
	cfg    Config
	shared *shared
}

// New makes a Client.
func New(cfg Config) *Client {
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = DefaultMaxWait
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = DefaultMaxBatch
	}
	if cfg.Patience <= 0 {
		cfg.Patience = DefaultPatience
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg}
	c.shared = &shared{cfg: &c.cfg, brokers: map[int32]*leader{}}
	return c
}

// Close waits for what is left of requests whose streams have ended. No stream may be in use any more.
func (c *Client) Close() { c.shared.flying.Wait() }

// ShareBytes makes responses smaller where so many partitions are read at once that theirs would take more than total
// together. It is called before any of them is.
func (c *Client) ShareBytes(total, partitions int) {
	c.cfg.MaxBytes = int32(min(int64(c.cfg.MaxBytes), max(minBytes, int64(total/max(1, partitions)))))
}

// Offset returns the offset of the first record at or after a time in milliseconds since 1970, -1 where there is none; or
// what Earliest and Latest stand for. Latest is behind the last record, or at the first open transaction.
func (c *Client) Offset(ctx context.Context, topic string, partition int32, at int64) (offset int64, err error) {
	err = c.retry(ctx, topic, partition, new(outage), 0, func() error {
		offset, err = c.offset(ctx, topic, partition, at, c.cfg.Committed)
		return err
	})
	return offset, err
}

// HighWatermark returns the offset behind the last record that all replicas have, open transactions or not.
func (c *Client) HighWatermark(ctx context.Context, topic string, partition int32) (offset int64, err error) {
	err = c.retry(ctx, topic, partition, new(outage), 0, func() error {
		offset, err = c.offset(ctx, topic, partition, Latest, false)
		return err
	})
	return offset, err
}

func (c *Client) offset(ctx context.Context, topic string, partition int32, at int64, committed bool) (int64, error) {
	req := &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{{Topic: topic,
		Partitions: []listoffsets.RequestPartition{{Partition: partition, CurrentLeaderEpoch: -1, Timestamp: at}}}}}
	if committed {
		req.IsolationLevel = 1
	}
	m, err := c.roundTrip(ctx, req)
	if err != nil {
		return 0, err
	}
	res := m.(*listoffsets.Response)
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, errStale
	}
	p := res.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return 0, kafka.Error(p.ErrorCode)
	}
	return p.Offset, nil
}

// roundTrip sends a request of kafka-go's, which has a fixed time for its answer.
func (c *Client) roundTrip(ctx context.Context, req protocol.Message) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	return c.cfg.Transport.RoundTrip(ctx, c.cfg.Addr, req)
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// An outage is a time in which a partition does not answer. Zero: it does.
type outage struct {
	since time.Time
	pause time.Duration // before it is asked again
}

// errNoAnswer says that a partition has not answered for as long as somebody waits, who will ask for the answer again.
var errNoAnswer = errors.New("no answer yet")

// retry calls f until it succeeds, its error is not temporary, or patience runs out. Where limit is not 0, it gives errNoAnswer when
// that has passed, and goes on with the same outage when it is called again.
func (c *Client) retry(ctx context.Context, topic string, partition int32, o *outage, limit time.Duration, f func() error) error {
	for began := time.Now(); ; {
		err := f()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			if o.since.IsZero() {
				return nil
			}
			c.cfg.Logger.Info("a partition answers again", "topic", topic, "partition", partition, "after", time.Since(o.since).Round(time.Millisecond))
			*o = outage{}
			if c.cfg.Recovered != nil {
				return c.cfg.Recovered(ctx, topic)
			}
			return nil
		}
		if !Temporary(err) {
			return err
		}
		if o.since.IsZero() {
			*o = outage{time.Now(), firstPause}
			c.cfg.Logger.Warn("a partition does not answer; asking again", "topic", topic, "partition", partition, "cause", err)
		}
		if time.Since(o.since) > c.cfg.Patience {
			return &UnreachableError{Topic: topic, Partition: partition, For: time.Since(o.since), Err: err}
		}
		if err := kafkaconn.Wait(ctx, o.pause); err != nil {
			return err
		}
		o.pause = min(2*o.pause, maxPause)
		if limit > 0 && time.Since(began) >= limit {
			return errNoAnswer
		}
	}
}
