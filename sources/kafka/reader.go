package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"inoculate/pipeline"
	"inoculate/sources/kafka/fetch"
)

const (
	// perRecord is added to the size of each value, so that small ones do not make batches of very many rows.
	perRecord = 64
	// emptyTail is how long the end of a partition has to stay empty before it is believed to hold no records: a broker
	// that waits for its own storage answers so too.
	emptyTail = 5 * time.Second
)

// A Reader reads one partition.
type Reader struct {
	source    *Source
	partition pipeline.Partition
	extent    extent
	stream    *fetch.Stream
	rows      *rows
	lines     lineBuffer
	headers   []fetch.Header
	room      int64        // records that the segment may have yet; 0: no limit
	period    int64        // of the segment's first record
	begun     bool         // the segment has one
	held      fetch.Record // the first one of a later period: it begins the next segment
	holds     bool         // there is one
	bounded   bool
	at        int64     // behind what is in batches
	idle      time.Time // since when nothing came before the end
	tail      time.Duration
	size      int64 // of the batch that is being filled
}

// Open reads p from offset from.
func (s *Source) Open(_ context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	x, err := s.extentOf(p)
	if err != nil {
		return nil, err
	}
	if err := s.known(p); err != nil {
		return nil, err
	}
	rows, err := newRows(&s.cfg, s.values)
	if err != nil {
		return nil, partitionError(x.topic, x.partition, err, "")
	}
	r := &Reader{source: s, partition: p, extent: x, stream: s.fetch.Stream(x.topic, x.partition, from), rows: rows,
		lines: lineBuffer{mem: s.cfg.Mem}, bounded: p.End >= p.First, at: from, tail: emptyTail}
	if r.bounded {
		r.stream.StopAt(p.End)
	} else {
		r.stream.Yield() // what was read is committed in time, whether or not brokers answer
	}
	return r, nil
}

// Close gives memory back.
func (r *Reader) Close() error {
	r.stream.Close()
	r.rows.release()
	r.lines.free()
	return nil
}

// Next reads values of about BatchBytes. Where the partition has no end and nothing comes for MaxWait, it returns what it has,
// or pipeline.ErrIdle. Values that are no record of the schema, batches that are corrupt and ranges that are lost are rejects.
func (r *Reader) Next(ctx context.Context) (pipeline.Batch, error) {
	b := pipeline.Batch{Partition: r.partition, First: r.at}
	began := time.Now()
	wait := r.source.cfg.MaxWait
	for r.size = 0; r.size < r.source.cfg.BatchBytes; {
		if r.holds && r.begun && !some(&b) {
			return pipeline.Batch{}, pipeline.ErrCut
		}
		if r.done() || r.full(&b) {
			break
		}
		holds := some(&b)
		if holds && !r.bounded && !r.stream.Buffered() && time.Since(began) >= wait {
			break // what comes slowly does not wait for a full batch
		}
		err := r.one(ctx, &b)
		if errors.Is(err, fetch.ErrNothing) {
			if !r.bounded && holds {
				break
			}
			if !r.bounded {
				return pipeline.Batch{}, pipeline.ErrIdle
			}
			err = nil
			if !r.done() {
				err = r.nothing()
			}
		}
		if err != nil {
			return pipeline.Batch{}, err
		}
	}
	if !some(&b) {
		return pipeline.Batch{}, io.EOF
	}
	if r.done() {
		r.at = r.extent.end
	}
	b.Next, b.Bytes = r.at, r.size
	if len(b.Positions) > 0 {
		var err error
		if b.Record, err = r.rows.record(); err != nil {
			return pipeline.Batch{}, r.fail(err, "")
		}
	}
	if r.hasLines() {
		b.Lines = r.lines.take()
	}
	return b, nil
}

// some says whether a batch stands for any record.
func some(b *pipeline.Batch) bool {
	return len(b.Positions)+len(b.Rejects) > 0 || len(b.Filtered) > 0
}

// Cut says what the segment that the next batch belongs to may have yet.
func (r *Reader) Cut(fresh bool, rows int64) {
	r.room = rows
	if fresh {
		r.begun = false
	}
}

// full says whether the batch ends here because the segment does.
func (r *Reader) full(b *pipeline.Batch) bool {
	n := int64(len(b.Positions)+len(b.Rejects)) + b.LeftOut()
	return n > 0 && (r.holds || r.room > 0 && n >= r.room)
}

// later says whether a record is of a later period than the segment's first one. Clocks go back now and then: what is older
// than it should be stays where it is.
func (r *Reader) later(rec *fetch.Record) bool {
	if r.source.cfg.Period <= 0 || rec.Time < 0 {
		return false
	}
	period := rec.Time / r.source.cfg.Period.Milliseconds()
	if !r.begun {
		r.period, r.begun = period, true
	}
	return period > r.period
}

func (r *Reader) done() bool {
	return !r.holds && r.bounded && max(r.at, r.stream.Position()) >= r.extent.end
}

func (r *Reader) hasLines() bool {
	return len(r.source.cfg.Keep) == 0 && r.source.cfg.Value != ValueText && r.source.cfg.Value != ValueArrow
}

// one adds the next record, or what stands in the place of records.
func (r *Reader) one(ctx context.Context, b *pipeline.Batch) error {
	var rec fetch.Record
	if r.holds {
		rec, r.holds = r.held, false
	} else {
		var err error
		rec, err = r.stream.Next(ctx)
		if errors.Is(err, fetch.ErrNothing) {
			return err
		}
		r.idle = time.Time{}
		if err != nil {
			return r.gap(ctx, b, err)
		}
	}
	if r.bounded && rec.Offset >= r.extent.end {
		return nil // and the stream is beyond the end
	}
	if r.later(&rec) {
		r.held, r.holds = rec, true // valid until the stream moves on, which it does not before the next segment
		return nil
	}
	x := pending{Record: rec, topic: r.extent.topic, partition: r.extent.partition}
	line, n, no := r.rows.append(&x, r.source.cfg.MaxRecord)
	if no == nil {
		if r.hasLines() {
			r.lines.add(line, int(r.source.cfg.BatchBytes))
		}
		var o pipeline.Origin
		if r.source.cfg.Origins {
			o = r.origin(&rec)
		}
		for range n {
			b.Positions = append(b.Positions, rec.Offset)
			if r.source.cfg.Origins {
				b.Origins = append(b.Origins, o)
			}
		}
	} else if no.reason == tombstone && r.source.cfg.Tombstones == Skip {
		if b.Filtered == nil {
			b.Filtered = map[string]int64{}
		}
		b.Filtered[tombstone]++
	} else {
		reject := pipeline.Reject{Row: -1, Position: rec.Offset, Reason: no.reason, Field: no.field, Detail: no.detail, Raw: bytes.Clone(rec.Value)}
		if r.source.cfg.Origins {
			o := r.origin(&rec)
			reject.Key, reject.Headers = o.Key, o.Headers
		}
		b.Rejects = append(b.Rejects, reject)
	}
	r.at = rec.Offset + 1
	r.size += int64(len(rec.Value)) + perRecord
	return nil
}

// origin copies a record.
func (r *Reader) origin(rec *fetch.Record) pipeline.Origin {
	o := pipeline.Origin{Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value)}
	r.headers = rec.Headers(r.headers[:0])
	for _, h := range r.headers {
		o.Headers = append(o.Headers, pipeline.Header{Key: string(h.Key), Value: bytes.Clone(h.Value)})
	}
	return o
}

// gap makes a reject of offsets that give no records, where the config allows it.
func (r *Reader) gap(ctx context.Context, b *pipeline.Batch, err error) error {
	reject := pipeline.Reject{Row: -1, Position: r.at}
	var next int64
	if lost, ok := errors.AsType[*fetch.LostError](err); ok {
		if r.source.cfg.OnLost == Fail {
			return r.fail(err, "on_lost: record goes on behind the gap")
		}
		next = r.clamp(lost.To)
		reject.Reason, reject.Position = "lost", lost.From
		reject.Detail = fmt.Sprintf("offsets %d-%d were deleted by retention", lost.From, next-1)
	} else if corrupt, ok := errors.AsType[*fetch.CorruptError](err); ok {
		if r.source.cfg.OnCorrupt == Fail {
			return r.fail(err, "on_corrupt: quarantine keeps its bytes and goes on behind it")
		}
		next = r.clamp(corrupt.Last + 1)
		reject.Reason, reject.Raw = "corrupt_batch", corrupt.Raw
		reject.Position = max(corrupt.Base, r.at)
		reject.Detail = fmt.Sprintf("offsets %d-%d: %v", reject.Position, next-1, corrupt.Err)
		r.size += int64(len(corrupt.Raw))
	} else {
		if ctx.Err() != nil {
			return err
		}
		return r.fail(err, "")
	}
	r.source.cfg.Logger.Warn(reject.Reason, "partition", r.partition.Source, "detail", reject.Detail)
	if reject.Position < next {
		b.Rejects = append(b.Rejects, reject)
		r.at = next
		r.size += perRecord
	}
	return nil
}

// clamp keeps an offset inside of the partition.
func (r *Reader) clamp(at int64) int64 {
	if r.bounded {
		return min(at, r.extent.end)
	}
	return at
}

func (r *Reader) fail(err error, hint string) error {
	return &pipeline.InputError{Source: r.partition.Source, Place: fmt.Sprintf("offset %d", r.stream.Position()), Position: r.at, Err: err, Hint: hint}
}

// nothing handles an empty response before the end. Where the broker has the end, the rest may be markers that a broker does
// not send, or records that compaction took away; where it has not, a new leader may still learn of it.
func (r *Reader) nothing() error {
	if r.idle.IsZero() {
		r.idle = time.Now()
	}
	since := time.Since(r.idle)
	switch {
	case r.stream.End() >= r.extent.end && since >= r.tail:
		r.source.cfg.Logger.Info("the end of a partition holds no records", "partition", r.partition.Source, "from", r.stream.Position(), "to", r.extent.end-1)
		r.at = r.extent.end
	case r.stream.End() < r.extent.end && since >= r.source.cfg.Patience:
		return r.fail(fmt.Errorf("the partition ends at offset %d, and the run reads to %d", r.stream.End(), r.extent.end), "")
	}
	return nil
}
