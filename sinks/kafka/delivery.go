package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
)

// closing is how long the end of a delivery may take: it only tells the brokers earlier what they find out anyway.
const closing = 2 * time.Second

// A delivery is a producer of one input partition. Its rows go through one batch after the other, each acknowledged before
// the next one is sent, so that their order stays.
type delivery struct {
	sink      *Sink
	id        string // transactional id, and group of the positions
	run       string
	partition pipeline.Partition

	producer int64
	epoch    int16
	unsure   bool // a request was not answered: it may arrive late, and must then have an old epoch
	begun    bool // a transaction is
	since    time.Time
	sent     pipeline.Delivered // since then
	outs     map[target]*out
	enc      *jsonrow.Encoder
	text     []byte
	head     []byte // of ids
	origin   pipeline.Origin
	at       position
	rows     map[string]*nth // by topic
}

type target struct {
	topic     string
	partition int
}

// out is what goes to one partition of a topic.
type out struct {
	target
	batch    batch
	sequence int32
	added    bool // to the transaction
}

// Open makes a producer for p. With transactions, it waits until those that an earlier producer has left open are aborted or
// committed; that one is refused from then on.
func (s *Sink) Open(ctx context.Context, run string, p pipeline.Partition) (pipeline.Delivery, error) {
	d := &delivery{sink: s, id: s.cfg.Prefix + "-" + run + "-" + p.ID, run: run, partition: p, outs: map[target]*out{}}
	d.head = append(d.head, run+"/"+p.ID+"/"...)
	d.rows = map[string]*nth{}
	if s.cfg.Schema != nil {
		var err error
		if d.enc, err = jsonrow.NewEncoder(s.cfg.Schema); err != nil {
			return nil, err
		}
	}
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	if !s.Exact() {
		return d, nil
	}
	err := d.retry(ctx, "asking how far it is delivered", func(ctx context.Context) (err error) {
		d.at, err = s.position(ctx, d.id)
		return err
	})
	return d, err
}

// begin takes a producer id, or a new epoch of it.
func (d *delivery) begin(ctx context.Context) error {
	req := &kafkago.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1}
	if d.sink.Exact() {
		req.TransactionalID, req.TransactionTimeoutMs = d.id, int(d.sink.cfg.Timeout.Milliseconds())
	}
	err := d.retry(ctx, "taking a producer id", func(ctx context.Context) error {
		res, err := d.sink.client.InitProducerID(ctx, req)
		if err == nil {
			err = res.Error
		}
		if err == nil {
			d.producer, d.epoch = int64(res.Producer.ProducerID), int16(res.Producer.ProducerEpoch)
		}
		return err
	})
	if err != nil {
		return d.explain(err)
	}
	d.unsure = false
	for _, o := range d.outs {
		o.sequence, o.added = 0, false
	}
	return nil
}

// explain adds what to do about an error, where that is known.
func (d *delivery) explain(err error) error {
	hint := ""
	switch {
	case errors.Is(err, pipeline.ErrTaken):
		if d.begun && time.Since(d.since) >= d.sink.cfg.Timeout {
			// Nobody has taken it: the brokers gave the transaction up.
			return d.failed(fmt.Errorf("a segment took %s, and brokers give up transactions after %s: %w", time.Since(d.since).Round(time.Second), d.sink.cfg.Timeout, errExpired),
				"make segments smaller (sink: {segment: …, every: …}), or transactions longer (sink: {kafka: {timeout: …}})")
		}
		return err
	case errors.Is(err, kafkago.InvalidTransactionTimeout):
		hint = "the brokers' transaction.max.timeout.ms is shorter than sink: {kafka: {timeout: …}}"
	case errors.Is(err, kafkago.TransactionalIDAuthorizationFailed):
		hint = fmt.Sprintf("this user may not use transactional ids that begin with %q; delivery: at_least_once needs none", d.sink.cfg.Prefix)
	case errors.Is(err, kafkago.GroupAuthorizationFailed):
		hint = fmt.Sprintf("positions are kept in groups that begin with %q, which this user may not write", d.sink.cfg.Prefix)
	case errors.Is(err, kafkago.TopicAuthorizationFailed):
		hint = "this user may not write to the topic"
	default:
		return err
	}
	return d.failed(err, hint)
}

var errExpired = errors.New("the transaction has expired")

func (d *delivery) failed(err error, hint string) error {
	return &pipeline.InputError{Source: fmt.Sprintf("kafka sink %v", d.sink.topics()), Place: "rows of " + d.partition.Source, Position: -1, Err: err, Hint: hint}
}

// Position is what the group of the partition says.
func (d *delivery) Position() (next int64, token string, ok bool) {
	return d.at.next, d.at.token, d.at.ok
}

// Write adds rows to the batches of their partitions, and sends those that are full.
func (d *delivery) Write(ctx context.Context, phase pipeline.Phase, rows pipeline.Rows) error {
	topic := d.sink.topic(phase)
	if topic == "" {
		return nil
	}
	var keys arrow.Array
	if d.sink.key >= 0 {
		keys = rows.Record.Column(d.sink.key)
	}
	lines := rows.Lines
	for i := range rows.N {
		value := d.text[:0]
		if lines != nil {
			end := bytes.IndexByte(lines, '\n')
			if end < 0 {
				return fmt.Errorf("%d rows came with %d lines", rows.N, i)
			}
			value, lines = lines[:end], lines[end+1:]
		} else {
			var err error
			if d.text, err = d.enc.Append(value, rows.Record, i); err != nil {
				return fmt.Errorf("writing the row of position %d: %w", rows.Positions[i], err)
			}
			value = d.text
		}
		d.origin = pipeline.Origin{Key: keyOf(keys, i), Value: value, Headers: append(d.origin.Headers[:0], d.rowIdentity(topic, rows.Positions[i]))}
		if err := d.add(ctx, topic, rows.Positions[i], &d.origin); err != nil {
			return err
		}
	}
	return nil
}

// add gives a record to the batch of its partition. Those without a key stay in the order of their input, all in one
// partition; the others go where the partitioner of Java's client puts their key.
func (d *delivery) add(ctx context.Context, topic string, at int64, o *pipeline.Origin) error {
	n := d.sink.counts[topic]
	t := target{topic, ordinal(d.partition.ID) % n}
	if o.Key != nil {
		t.partition = kafkago.Murmur2Balancer{Consistent: true}.Balance(kafkago.Message{Key: o.Key}, numbers(n)...)
	}
	to := d.outs[t]
	if to == nil {
		to = &out{target: t}
		d.outs[t] = to
	}
	size := len(o.Value) + len(o.Key)
	if to.batch.len() > 0 && len(to.batch.parts)+size > batchBytes {
		if err := d.send(ctx, to); err != nil {
			return err
		}
	}
	to.batch.add(at, o)
	if len(to.batch.parts) > batchBytes {
		return d.send(ctx, to)
	}
	return nil
}

// transaction makes sure that there is one, with a producer whose requests of before cannot disturb it.
func (d *delivery) transaction(ctx context.Context) error {
	if d.begun {
		return nil
	}
	if d.unsure {
		if err := d.begin(ctx); err != nil {
			return err
		}
	}
	d.begun, d.since = true, time.Now()
	return nil
}

// tell tells the observer what becomes of what was sent.
func (d *delivery) tell(committed bool) {
	if d.since.IsZero() {
		return
	}
	sent := d.sent
	sent.Committed, sent.Took = committed, time.Since(d.since)
	d.sent, d.since = pipeline.Delivered{}, time.Time{}
	if f := d.sink.observer.Load(); f != nil {
		(*f)(sent)
	}
}

// send sends what was collected for a partition, and waits until all replicas have it.
func (d *delivery) send(ctx context.Context, to *out) error {
	if to.batch.len() == 0 {
		return nil
	}
	attributes := d.sink.attributes
	if d.sink.Exact() {
		attributes |= transactional
		if err := d.transaction(ctx); err != nil {
			return err
		}
		if err := d.join(ctx, to); err != nil {
			return err
		}
	} else if d.since.IsZero() {
		d.since = time.Now()
	}
	set, err := to.batch.encode(d.sink.codec, attributes, d.producer, d.epoch, to.sequence, time.Now())
	if err != nil {
		return err
	}
	err = d.retry(ctx, "sending records", func(ctx context.Context) error {
		req := &kafkago.RawProduceRequest{Topic: to.topic, Partition: to.partition, RequiredAcks: kafkago.RequireAll, RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(set)}}
		if d.sink.Exact() {
			req.TransactionalID = d.id
		}
		res, err := d.sink.client.RawProduce(ctx, req)
		if err == nil {
			err = res.Error
		}
		if errors.Is(err, kafkago.DuplicateSequenceNumber) { // an attempt that was not answered came through
			return nil
		}
		return err
	})
	if errors.Is(err, kafkago.MessageSizeTooLarge) {
		return d.tooLarge(ctx, to, err)
	}
	if err != nil {
		return d.explain(fmt.Errorf("topic %s, partition %d: %w", to.topic, to.partition, err))
	}
	d.sent.Bytes += int64(len(set))
	if to.topic == d.sink.cfg.Dead {
		d.sent.Rejects += int64(to.batch.len())
	} else {
		d.sent.Rows += int64(to.batch.len())
	}
	to.sequence = int32((int64(to.sequence) + int64(to.batch.len())) & math.MaxInt32)
	to.batch.reset()
	return nil
}

// join adds a partition to the transaction.
func (d *delivery) join(ctx context.Context, to *out) error {
	if to.added {
		return nil
	}
	err := d.retry(ctx, "adding a partition to the transaction", func(ctx context.Context) error {
		res, err := d.sink.client.AddPartitionsToTxn(ctx, &kafkago.AddPartitionsToTxnRequest{TransactionalID: d.id, ProducerID: int(d.producer), ProducerEpoch: int(d.epoch),
			Topics: map[string][]kafkago.AddPartitionToTxn{to.topic: {{Partition: to.partition}}}})
		if err == nil && len(res.Topics[to.topic]) != 1 {
			err = errPartial
		}
		if err == nil {
			err = res.Topics[to.topic][0].Error
		}
		return err
	})
	if err != nil {
		return d.explain(fmt.Errorf("topic %s, partition %d: %w", to.topic, to.partition, err))
	}
	to.added = true
	return nil
}

// Commit sends what is left. With transactions, the position and its token become visible with the rows, in one step.
func (d *delivery) Commit(ctx context.Context, next int64, token string) error {
	for _, o := range d.outs {
		if err := d.send(ctx, o); err != nil {
			return err
		}
	}
	if !d.sink.Exact() {
		d.tell(true)
		return nil
	}
	if err := d.transaction(ctx); err != nil { // where a segment has no rows
		return err
	}
	err := d.retry(ctx, "adding the position to the transaction", func(ctx context.Context) error {
		res, err := d.sink.client.AddOffsetsToTxn(ctx, &kafkago.AddOffsetsToTxnRequest{TransactionalID: d.id, ProducerID: int(d.producer), ProducerEpoch: int(d.epoch), GroupID: d.id})
		if err == nil {
			err = res.Error
		}
		return err
	})
	if err != nil {
		return d.explain(err)
	}
	err = d.retry(ctx, "writing the position", func(ctx context.Context) error {
		res, err := d.sink.client.TxnOffsetCommit(ctx, &kafkago.TxnOffsetCommitRequest{TransactionalID: d.id, GroupID: d.id, ProducerID: int(d.producer), ProducerEpoch: int(d.epoch), GenerationID: -1,
			Topics: map[string][]kafkago.TxnOffsetCommit{d.sink.home: {{Partition: 0, Offset: next, Metadata: token}}}})
		if err == nil && len(res.Topics[d.sink.home]) != 1 {
			err = errPartial
		}
		if err == nil {
			err = res.Topics[d.sink.home][0].Error
		}
		return err
	})
	if err != nil {
		return d.explain(err)
	}
	if err := d.end(ctx, true); err != nil {
		return d.explain(err)
	}
	d.at = position{next, token, true}
	d.tell(true)
	return nil
}

// end ends the transaction. The same answer may be asked for again and again; a request that is still on its way when the
// next transaction begins finds another epoch.
func (d *delivery) end(ctx context.Context, commit bool) error {
	err := d.retry(ctx, "ending the transaction", func(ctx context.Context) error {
		res, err := d.sink.client.EndTxn(ctx, &kafkago.EndTxnRequest{TransactionalID: d.id, ProducerID: int(d.producer), ProducerEpoch: int(d.epoch), Committed: commit})
		if err == nil {
			err = res.Error
		}
		return err
	})
	if err != nil {
		return err
	}
	d.begun = false
	for _, o := range d.outs {
		o.added = false
	}
	return nil
}

// Close aborts what was not committed. Where that does not succeed, brokers do it when the next producer comes.
func (d *delivery) Close(ctx context.Context) error {
	d.tell(false)
	if !d.begun {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := d.end(ctx, false); err != nil && !errors.Is(err, pipeline.ErrTaken) {
		d.sink.cfg.Logger.Debug("a transaction is left for the brokers to abort", "partition", d.partition.Source, "cause", err)
	}
	return nil
}
