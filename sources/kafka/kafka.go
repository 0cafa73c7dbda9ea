// Package kafka reads the records of Kafka topics, each once and none that was aborted, into Arrow batches.
package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"inoculate/pipeline"
	"inoculate/pipeline/kafkaconn"
	"inoculate/schemas/jsonrow"
	"inoculate/sources/internal/arrowipc"
	"inoculate/sources/kafka/fetch"
)

// Values of Config.
const (
	ReadCommitted   = "read_committed"   // records of finished transactions, and those outside of any
	ReadUncommitted = "read_uncommitted" // all records

	ValueJSON       = "json"        // a JSON object
	ValueJSONSchema = "json-schema" // a JSON object behind the five bytes of a schema registry
	ValueArrow      = "arrow"       // an Arrow IPC stream, each row of which is a record
	ValueText       = "text"        // UTF-8 text, which becomes the column "text"

	Fail       = "fail"       // the run stops
	Record     = "record"     // a lost range becomes a reject, and reading goes on behind it
	Reject     = "reject"     // a tombstone (null value) becomes a reject
	Skip       = "skip"       // a tombstone is left out, and counted as filtered
	Quarantine = "quarantine" // a corrupt batch becomes a reject with its bytes, and reading goes on behind it
)

// Defaults of Config.
const (
	DefaultBatchBytes = 2 << 20
	DefaultMaxRecord  = 64 << 20
	DefaultSample     = 10_000
	DefaultMaxWait    = 500 * time.Millisecond
	DefaultWait       = 30 * time.Second
	clientID          = "inoculate"
	responseBytes     = 64 << 20 // of all partitions together
)

// A Config says what is read. Zero values stand for the defaults.
type Config struct {
	Brokers     []string // host:port
	Topics      []string
	Start, Stop Bound         // earliest and latest
	Isolation   string        // ReadCommitted
	Value       string        // ValueJSON
	Keep        []string      // of KeepNames: columns kafka_… behind those of the value; batches then have no Lines
	Period      time.Duration // of record time: a batch, and with it a segment, ends before the first record of a later one; 0: none
	Origins     bool          // batches have Origins, and rejects keys and headers
	OnLost      string        // Fail, or Record
	OnCorrupt   string        // Quarantine, or Fail
	Tombstones  string        // Reject, or Skip

	BatchBytes int64         // of values in a batch, about
	MaxBatch   int           // bytes of one record batch of the broker when decoded; a larger one is corrupt
	MaxRecord  int64         // bytes of a value; a larger one is a reject
	Sample     int           // records at the start of each partition from which the schema is inferred
	MaxWait    time.Duration // for new records, at the end of a partition; 500 ms at most
	Wait       time.Duration // for brokers that cannot be reached when the source is made
	Patience   time.Duration // for a partition that stops answering while it is read

	TLS    *tls.Config
	SASL   sasl.Mechanism
	Group  string        // where Ack leaves offsets, for tools that show lag; none: Ack does nothing
	Schema *arrow.Schema // of an earlier start of the same run; nil: inferred
	Mem    memory.Allocator
	Logger *slog.Logger
}

// Source is a set of topics with one schema.
type Source struct {
	cfg       Config
	transport *kafkago.Transport
	client    *kafkago.Client
	fetch     *fetch.Client
	glance    *fetch.Client // of one batch at a time
	values    values
	cluster   string
	ids       map[string]string // of topics; empty where the brokers have none
	counts    map[string]int    // of partitions

	observer atomic.Pointer[func(took time.Duration)]

	mu     sync.Mutex
	ranges []extent // once resolved
}

// New connects, finds the topics, and infers the schema. Nothing that it asks for creates a topic. Without a stop it waits
// for a first record. A *pipeline.InputError says what the brokers do not have, or do not allow.
func New(ctx context.Context, cfg Config) (_ *Source, err error) {
	s := &Source{cfg: cfg}
	if err := s.defaults(); err != nil {
		return nil, err
	}
	c := &s.cfg
	s.transport = kafkaconn.Transport(clientID, c.Topics, c.TLS, c.SASL)
	s.client = &kafkago.Client{Addr: kafkaconn.Addr(c.Brokers), Transport: s.transport}
	how := fetch.Config{Transport: s.transport, Addr: s.client.Addr, ClientID: clientID, Committed: c.Isolation == ReadCommitted,
		MaxWait: c.MaxWait, MaxBatch: c.MaxBatch, Patience: c.Patience, Logger: c.Logger, Recovered: s.same}
	how.Fetched = s.fetched
	s.fetch = fetch.New(how)
	how.Fetched, how.MaxBytes = nil, 1 // the least that a broker sends is one whole batch
	s.glance = fetch.New(how)
	defer func() {
		if err != nil {
			s.transport.CloseIdleConnections()
		}
	}()
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	partitions := 0
	for _, n := range s.counts {
		partitions += n
	}
	s.fetch.ShareBytes(responseBytes, partitions)
	if c.Schema != nil {
		s.values, err = newValues(c, c.Schema)
		return s, err
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	switch c.Value {
	case ValueText:
	case ValueArrow:
		schema, err = s.first(ctx)
	default:
		schema, err = s.infer(ctx)
	}
	if err != nil {
		return nil, err
	}
	if schema, err = withKept(schema, c.Keep); err != nil {
		return nil, s.inputError(err, "source: {keep: …} names the columns that are added")
	}
	s.values, err = newValues(c, schema)
	return s, err
}

func (s *Source) defaults() error {
	c := &s.cfg
	if len(c.Brokers) == 0 || len(c.Topics) == 0 {
		return errors.New("a Kafka source needs brokers and topics")
	}
	c.Topics = slices.Clone(c.Topics)
	slices.Sort(c.Topics)
	c.Topics = slices.Compact(c.Topics)
	setDefault(&c.Isolation, ReadCommitted)
	setDefault(&c.Value, ValueJSON)
	setDefault(&c.OnLost, Fail)
	setDefault(&c.OnCorrupt, Quarantine)
	setDefault(&c.Tombstones, Reject)
	setDefault(&c.BatchBytes, DefaultBatchBytes)
	setDefault(&c.MaxRecord, DefaultMaxRecord)
	setDefault(&c.Sample, DefaultSample)
	setDefault(&c.MaxWait, DefaultMaxWait)
	setDefault(&c.Wait, DefaultWait)
	setDefault(&c.Patience, fetch.DefaultPatience)
	setDefault(&c.MaxBatch, fetch.DefaultMaxBatch)
	c.MaxWait = min(c.MaxWait, DefaultMaxWait)
	c.MaxRecord = min(c.MaxRecord, math.MaxInt32/2)
	c.BatchBytes = min(c.BatchBytes, math.MaxInt32/4)
	if c.Mem == nil {
		c.Mem = memory.DefaultAllocator
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, x := range []struct {
		name, value string
		allowed     []string
	}{
		{"isolation", c.Isolation, []string{ReadCommitted, ReadUncommitted}},
		{"value", c.Value, []string{ValueJSON, ValueJSONSchema, ValueArrow, ValueText}},
		{"on_lost", c.OnLost, []string{Fail, Record}},
		{"on_corrupt", c.OnCorrupt, []string{Fail, Quarantine}},
		{"tombstones", c.Tombstones, []string{Reject, Skip}},
	} {
		if !slices.Contains(x.allowed, x.value) {
			return fmt.Errorf("%s %q is none of %v", x.name, x.value, x.allowed)
		}
	}
	for _, k := range c.Keep {
		if !slices.Contains(KeepNames, k) {
			return fmt.Errorf("keep %q is none of %v", k, KeepNames)
		}
	}
	if c.Start.kind == never {
		return errors.New("a start that never comes")
	}
	return nil
}

// setDefault replaces the zero value.
func setDefault[T comparable](p *T, value T) {
	if zero := *new(T); *p == zero {
		*p = value
	}
}

// Schema is what was inferred, with the columns that are kept.
func (s *Source) Schema() *arrow.Schema { return s.values.schema }

// ObserveFetches has f called with the time that each answered Fetch request takes, up to Config.MaxWait of which the broker
// may have waited for records.
func (s *Source) ObserveFetches(f func(took time.Duration)) { s.observer.Store(&f) }

func (s *Source) fetched(took time.Duration) {
	if f := s.observer.Load(); f != nil {
		(*f)(took)
	}
}

// Close ends the connections.
func (s *Source) Close() error {
	s.fetch.Close()
	s.glance.Close()
	s.transport.CloseIdleConnections()
	return nil
}

func (s *Source) inputError(err error, hint string) error {
	return &pipeline.InputError{Source: fmt.Sprintf("kafka %v", s.cfg.Topics), Position: -1, Err: err, Hint: hint}
}

func partitionError(topic string, partition int32, err error, hint string) error {
	return &pipeline.InputError{Source: name(topic, partition), Position: -1, Err: err, Hint: hint}
}

// name is what a person calls a partition.
func name(topic string, partition int32) string { return fmt.Sprintf("%s/%d", topic, partition) }

// infer makes the schema of the first records of each partition. Values that are no records say nothing; they become rejects
// when they are read.
func (s *Source) infer(ctx context.Context) (*arrow.Schema, error) {
	for {
		ranges, err := s.resolve(ctx)
		if err != nil {
			return nil, err
		}
		inf, good, framed := &jsonrow.Inference{}, 0, 0
		for _, x := range ranges {
			if x.end < x.first { // without a stop: what is there now
				if x.end, err = s.fetch.Offset(ctx, x.topic, x.partition, fetch.Latest); err != nil {
					return nil, partitionError(x.topic, x.partition, err, "")
				}
			}
			if err := s.sample(ctx, x, func(value []byte) {
				if registry(value) {
					framed++
				}
				if s.cfg.Value == ValueJSONSchema && registry(value) {
					value = value[registryBytes:]
				}
				if inf.Add(value) == nil {
					good++
				}
			}); err != nil {
				return nil, err
			}
		}
		switch {
		case good > 0:
			schema := inf.Schema()
			dec, err := jsonrow.NewDecoder(schema, s.cfg.Mem)
			if err != nil {
				return nil, s.inputError(err, "")
			}
			dec.Release()
			return schema, nil
		case framed > 0 && s.cfg.Value == ValueJSON:
			return nil, s.inputError(errors.New("values begin with the bytes of a schema registry"), "source: {value: json-schema} cuts them off")
		case s.cfg.Stop.kind != never:
			return nil, s.inputError(errors.New("no record is a JSON object"), "the values are JSON objects; source: {value: text} takes others")
		}
		if err := kafkaconn.Wait(ctx, s.cfg.MaxWait); err != nil {
			return nil, err
		}
	}
}

// first is the schema of the first value that is an Arrow stream.
func (s *Source) first(ctx context.Context) (schema *arrow.Schema, err error) {
	for {
		ranges, err := s.resolve(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range ranges {
			if x.end < x.first { // without a stop: what is there now
				if x.end, err = s.fetch.Offset(ctx, x.topic, x.partition, fetch.Latest); err != nil {
					return nil, partitionError(x.topic, x.partition, err, "")
				}
			}
			err := s.sample(ctx, x, func(value []byte) {
				if schema != nil || len(value) == 0 {
					return
				}
				got, recs, err := arrowipc.Decode(value, s.cfg.Mem)
				for _, r := range recs {
					r.Release()
				}
				if err == nil {
					schema = got
				}
			})
			if err != nil || schema != nil {
				return schema, err
			}
		}
		if s.cfg.Stop.kind != never {
			return nil, s.inputError(errors.New("no record is an Arrow stream"), "the values are whole IPC streams, with their schema and end marker")
		}
		if err := kafkaconn.Wait(ctx, s.cfg.MaxWait); err != nil {
			return nil, err
		}
	}
}

// sample calls f with the values at the start of a range.
func (s *Source) sample(ctx context.Context, x extent, f func(value []byte)) error {
	stream := s.fetch.Stream(x.topic, x.partition, x.first)
	defer stream.Close()
	stream.StopAt(x.end)
	idle := 0
	for n := 0; n < s.cfg.Sample && stream.Position() < x.end && idle < 3; {
		rec, err := stream.Next(ctx)
		switch _, passable := passable(err); {
		case errors.Is(err, fetch.ErrNothing):
			idle++
		case passable: // what it costs is said when it is read
		case err != nil:
			return partitionError(x.topic, x.partition, err, "")
		case rec.Offset < x.end:
			f(rec.Value)
			n++
		}
	}
	return nil
}

// passable says whether a stream goes on behind an error, and where what it speaks of began.
func passable(err error) (from int64, ok bool) {
	if e, ok := errors.AsType[*fetch.CorruptError](err); ok {
		return e.Base, true
	}
	if e, ok := errors.AsType[*fetch.LostError](err); ok {
		return e.From, true
	}
	return 0, false
}
