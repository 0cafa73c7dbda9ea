// Package kafka sends rows on to topics of Kafka, in transactions that are one with the commit log.
package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/sasl"

	"inoculate/pipeline"
	"inoculate/pipeline/kafkaconn"
)

// Values of Config.
const (
	ExactlyOnce = "exactly_once"  // in transactions: readers of committed records see each row once
	AtLeastOnce = "at_least_once" // a crash makes rows of the segments in flight stand there twice, with the same id
)

// IDHeader is the header with the stable id of a row: run, partition and position of the input record. A row that is sent
// again has the same one. DeadHeader is that of rejects.
const IDHeader = "inoculate.id"

// Defaults of Config.
const (
	DefaultPrefix   = "inoculate"
	DefaultWait     = 30 * time.Second
	DefaultPatience = 5 * time.Minute
	DefaultTimeout  = 5 * time.Minute
	clientID        = "inoculate"

	batchBytes = 900 << 10 // of records in a batch, before compression: below what brokers take by default
)

// A Config says where rows go. Zero values stand for the defaults.
type Config struct {
	Brokers     []string // host:port
	Train, Test string   // topics; empty: the phase is not sent
	Dead        string   // topic of rejects; empty: they are not sent
	Context     bool     // say in headers of rejects where they come from and why
	Key         string   // column of the record's key; empty: no key
	Delivery    string   // ExactlyOnce
	Prefix      string   // of transactional ids, and of the groups that keep positions
	Compression string   // lz4; none, gzip, snappy, zstd

	Timeout  time.Duration // after which brokers give up a transaction: longer than a segment takes
	Wait     time.Duration // for brokers that cannot be reached when the sink is made
	Patience time.Duration // for one that stops answering

	TLS    *tls.Config
	SASL   sasl.Mechanism
	Schema *arrow.Schema // of the rows
	Logger *slog.Logger
}

// Sink is a set of topics. It is a pipeline.Outlet.
type Sink struct {
	cfg        Config
	transport  *kafkago.Transport
	client     *kafkago.Client
	codec      compress.Codec // nil: none
	attributes int16
	key        int // column, or -1
	counts     map[string]int
	home       string // the topic under which positions are kept

	observer atomic.Pointer[func(pipeline.Delivered)]
}

// New connects and finds the topics; none is created. A *pipeline.InputError says what the brokers do not have, or do not
// allow.
func New(ctx context.Context, cfg Config) (*Sink, error) {
	s := &Sink{cfg: cfg, key: -1}
	if err := s.defaults(); err != nil {
		return nil, err
	}
	topics := s.topics()
	s.home = topics[0]
	s.transport = kafkaconn.Transport(clientID, topics, s.cfg.TLS, s.cfg.SASL)
	s.client = &kafkago.Client{Addr: kafkaconn.Addr(s.cfg.Brokers), Transport: s.transport}
	if err := s.connect(ctx, topics); err != nil {
		s.transport.CloseIdleConnections()
		return nil, err
	}
	return s, nil
}

// Codecs are the values of Config.Compression.
var Codecs = []string{"lz4", "none", "gzip", "snappy", "zstd"}

func (s *Sink) defaults() error {
	c := &s.cfg
	if len(c.Brokers) == 0 || len(s.topics()) == 0 {
		return errors.New("a Kafka sink needs brokers and topics")
	}
	setDefault(&c.Delivery, ExactlyOnce)
	setDefault(&c.Prefix, DefaultPrefix)
	setDefault(&c.Compression, Codecs[0])
	setDefault(&c.Timeout, DefaultTimeout)
	setDefault(&c.Wait, DefaultWait)
	setDefault(&c.Patience, DefaultPatience)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Delivery != ExactlyOnce && c.Delivery != AtLeastOnce {
		return fmt.Errorf("delivery %q is neither %s nor %s", c.Delivery, ExactlyOnce, AtLeastOnce)
	}
	if c.Compression != "none" {
		var codec compress.Compression
		if err := codec.UnmarshalText([]byte(c.Compression)); err != nil || !slices.Contains(Codecs, c.Compression) {
			return fmt.Errorf("compression %q is none of %v", c.Compression, Codecs)
		}
		s.codec, s.attributes = codec.Codec(), int16(codec)
	}
	if c.Key == "" {
		return nil
	}
	at := c.Schema.FieldIndices(c.Key)
	if len(at) != 1 {
		return fmt.Errorf("the records have no column %q for the key", c.Key)
	}
	if s.key = at[0]; !keyable(c.Schema.Field(s.key).Type) {
		return fmt.Errorf("column %q is %s: a key is text, bytes or a whole number", c.Key, c.Schema.Field(s.key).Type)
	}
	return nil
}

func keyable(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY:
		return true
	}
	return arrow.IsInteger(t.ID())
}

// topics are those that are written to, rows' before rejects'.
func (s *Sink) topics() (out []string) {
	for _, t := range []string{s.cfg.Train, s.cfg.Test, s.cfg.Dead} {
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// connect asks for the topics until an answer is there or patience ends.
func (s *Sink) connect(ctx context.Context, topics []string) error {
	deadline := time.Now().Add(s.cfg.Wait)
	for {
		err := s.count(ctx, topics)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, kafkago.UnknownTopicOrPartition):
			return s.inputError(err, "topics are never created; check the names, and whether this user may write to them")
		case !temporary(err):
			return s.inputError(fmt.Errorf("connecting to %v: %w", s.cfg.Brokers, err), "")
		case time.Now().After(deadline):
			return s.inputError(fmt.Errorf("connecting to %v for %s: %w", s.cfg.Brokers, s.cfg.Wait, err), "are these the addresses, are user and password right, and is TLS as the brokers want it?")
		}
		if err := kafkaconn.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Sink) count(ctx context.Context, topics []string) error {
	m, err := s.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: topics})
	if err != nil {
		return err
	}
	s.counts = map[string]int{}
	for _, t := range m.Topics {
		if t.Error != nil {
			return fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		s.counts[t.Name] = len(t.Partitions)
	}
	for _, t := range topics {
		if s.counts[t] == 0 {
			return fmt.Errorf("topic %s: %w", t, kafkago.UnknownTopicOrPartition)
		}
	}
	return nil
}

func (s *Sink) inputError(err error, hint string) error {
	return &pipeline.InputError{Source: fmt.Sprintf("kafka sink %v", s.topics()), Position: -1, Err: err, Hint: hint}
}

// Close ends the connections.
func (s *Sink) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// ObserveDeliveries has f called with every transaction that has ended; without transactions, with every segment.
func (s *Sink) ObserveDeliveries(f func(pipeline.Delivered)) { s.observer.Store(&f) }

// Exact tells whether rows are sent in transactions.
func (s *Sink) Exact() bool { return s.cfg.Delivery == ExactlyOnce }

// Rejects tells whether there is a topic for them.
func (s *Sink) Rejects() bool { return s.cfg.Dead != "" }

// Wants asks for JSON lines where the source has them, and for records where they become lines here, or give the key.
func (s *Sink) Wants(phase pipeline.Phase, jsonSource bool) pipeline.Wants {
	if s.topic(phase) == "" {
		return pipeline.Wants{}
	}
	return pipeline.Wants{Lines: jsonSource, Record: !jsonSource || s.key >= 0, Positions: true}
}

func (s *Sink) topic(phase pipeline.Phase) string {
	switch phase {
	case pipeline.PhaseTrain:
		return s.cfg.Train
	case pipeline.PhaseTest:
		return s.cfg.Test
	}
	return ""
}

// String says what is promised to the readers of the topics.
func (s *Sink) String() string {
	if s.Exact() {
		return fmt.Sprintf("Kafka topics %v: exactly once for readers with isolation.level=read_committed", s.topics())
	}
	return fmt.Sprintf("Kafka topics %v: at least once; rows that a crash doubles have the same header %s", s.topics(), IDHeader)
}

func setDefault[T comparable](p *T, value T) {
	if zero := *new(T); *p == zero {
		*p = value
	}
}
