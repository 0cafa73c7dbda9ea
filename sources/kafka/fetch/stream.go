package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inoculate/pipeline/kafkaconn"

	"github.com/segmentio/kafka-go"
)

// settle is how long an offset beyond the end is asked for again: a new leader may know of the end later.
const settle = 3 * time.Second

// A Stream reads the records of one partition in order. It is used by one goroutine.
type Stream struct {
	c         *Client
	topic     string
	partition int32
	at        int64 // offset that is read next
	stop      int64 // offset at which nothing more is fetched; -1 for none
	yields    bool  // Next does not wait for brokers that do not answer
	pending   *want // what it did not wait for
	out       outage
	beyond    time.Time // since when the offset is beyond the end

	asked   bool // there was a response
	long    bool // the last one was a batch longer than MaxBytes
	again   bool // the response is to be fetched once more
	ahead   int  // how often it was, without a batch in between
	dec     decoder
	buf     []byte // of responses
	rest    []byte // batches not yet opened
	high    int64
	stable  int64
	start   int64
	txns    []aborted      // not yet begun
	open    map[int64]bool // producers in an aborted transaction
	records records
}

// Stream reads a partition from an offset on.
func (c *Client) Stream(topic string, partition int32, from int64) *Stream {
	return &Stream{c: c, topic: topic, partition: partition, at: from, stop: -1, start: -1, open: map[int64]bool{}}
}

// Position is the offset that is read next: behind the last record, and behind what holds none.
func (s *Stream) Position() int64 { return s.at }

// End is the end of the partition as the last response had it: behind the last record that may be read. 0 before the first.
func (s *Stream) End() int64 {
	if s.c.cfg.Committed {
		return s.stable
	}
	return s.high
}

// StopAt makes Next return ErrNothing at once where nothing before an offset is left. Records behind it may still come.
func (s *Stream) StopAt(offset int64) { s.stop = offset }

// Yield makes Next return ErrNothing, too, when brokers have not answered for the time of a fetch. The next call goes on asking.
func (s *Stream) Yield() { s.yields = true }

// Start is where the partition begins, as the last response had it; -1 where unknown.
func (s *Stream) Start() int64 { return s.start }

// Buffered says whether there are bytes of a response that are not yet read.
func (s *Stream) Buffered() bool { return s.records.left > 0 || len(s.rest) > 0 }

// Close gives memory back.
func (s *Stream) Close() {
	if s.pending != nil {
		s.c.shared.leave(s.pending)
		s.pending = nil
	}
	s.dec.close()
	s.drop()
	s.buf = nil
}

// drop forgets what is left of the last response.
func (s *Stream) drop() {
	s.rest, s.txns, s.records = nil, nil, records{}
	clear(s.open)
}

// Next returns the next record, valid until the next call. ErrNothing says that none has arrived for the time of a fetch. A
// *CorruptError, a *LostError and ErrNothing leave the stream usable, behind what they speak of; any other error ends it.
func (s *Stream) Next(ctx context.Context) (Record, error) {
	for {
		if rec, ok, err := s.record(); ok || err != nil {
			return rec, err
		}
		if s.stop >= 0 && s.at >= s.stop {
			return Record{}, ErrNothing
		}
		before := s.at
		if err := s.fetch(ctx); errors.Is(err, errNoAnswer) {
			return Record{}, ErrNothing
		} else if err != nil {
			return Record{}, err
		}
		if len(s.rest) == 0 {
			return Record{}, ErrNothing
		}
		if rec, ok, err := s.record(); ok || err != nil {
			return rec, err
		}
		if s.again {
			s.again = false
			if err := kafkaconn.Wait(ctx, aheadPause); err != nil {
				return Record{}, err
			}
			continue
		}
		if s.at == before {
			return Record{}, s.formatError(errors.New("the broker sends only a part of a record batch, or batches from before"))
		}
	}
}

// record returns the next record of the response; false where there is none left.
func (s *Stream) record() (Record, bool, error) {
	for {
		for s.records.left > 0 {
			rec, err := s.records.next()
			if err != nil {
				return Record{}, false, s.formatError(err) // not possible: open has checked it
			}
			old := rec.Offset < s.at
			s.pass(rec.Offset)
			if s.records.left == 0 {
				s.pass(s.records.last)
			}
			if !old {
				return rec, true, nil
			}
		}
		if opened, err := s.advance(); err != nil || !opened {
			return Record{}, false, err
		}
	}
}

// pass moves behind an offset.
func (s *Stream) pass(last int64) { s.at = max(s.at, last+1) }

// advance opens the next batch of the response; false where there is no whole one left.
func (s *Stream) advance() (bool, error) {
	for {
		h, ok := readHeader(s.rest)
		if !ok {
			return false, nil
		}
		if err := h.framed(); err != nil {
			return false, s.formatError(err)
		}
		if h.size > len(s.rest) {
			return false, nil // cut off; the next fetch begins here
		}
		b := s.rest[:h.size]
		s.rest = s.rest[h.size:]
		end, err := s.extent(&h)
		if errors.Is(err, errAhead) && s.ahead < maxAhead {
			s.ahead++
			s.again = true
			s.drop()
			return false, nil
		}
		if end < 0 {
			return false, s.formatError(err)
		}
		if end <= s.at {
			continue // the broker's index led to a batch before the offset
		}
		if err == nil {
			s.records, err = s.dec.open(h, b, s.c.cfg.MaxBatch)
		}
		if err != nil {
			corrupt := &CorruptError{Topic: s.topic, Partition: s.partition, Base: h.base, Last: end - 1, Raw: slices.Clone(b), Err: err}
			s.drop() // a marker may have been in it: the next response says anew what is aborted
			s.at = end
			return false, corrupt
		}
		if s.visible() {
			if s.records.left == 0 {
				s.pass(h.last)
			}
			return true, nil
		}
		s.records.left = 0
		s.pass(h.last)
	}
}

// extent is the offset behind the batch with header h. No checksum covers the base, and that of the rest is yet to be held
// against it, so offsets are not trusted where the next batch contradicts them. It is -1 where there is no telling.
func (s *Stream) extent(h *header) (end int64, err error) {
	next, ok := readHeader(s.rest)
	ok = ok && next.framed() == nil
	switch {
	case h.base >= s.high:
		return -1, fmt.Errorf("a record batch of offset %d, and the partition ends at %d: %w", h.base, s.high, errAhead)
	case ok && next.base <= h.base:
		return -1, fmt.Errorf("the record batch of offset %d is followed by that of %d", h.base, next.base)
	case ok && (h.last < h.base || h.last >= next.base):
		return next.base, fmt.Errorf("its offsets end at %d, and the next batch begins at %d", h.last, next.base)
	case h.last < h.base || h.last >= s.high:
		return h.base + 1, fmt.Errorf("its offsets %d-%d run beyond the end of the partition at %d: %w", h.base, h.last, s.high, errAhead)
	}
	s.ahead = 0
	return h.last + 1, nil
}

// errAhead says that a batch is beyond the end that came with it. A broker notes the end before it reads, and what it reads may
// have been added since: asked again, it has the later end. What is still ahead then is damage.
var errAhead = errors.New("ahead of the end")

const (
	maxAhead   = 20
	aheadPause = 50 * time.Millisecond
)

// visible says whether the records of the batch just opened are for readers, and keeps account of transactions.
func (s *Stream) visible() bool {
	h := &s.records.header
	for len(s.txns) > 0 && s.txns[0].first <= h.last {
		s.open[s.txns[0].producer] = true
		s.txns = s.txns[1:]
	}
	if h.attributes&maskControl != 0 {
		if s.records.aborts() {
			delete(s.open, h.producer) // the epoch of a marker may be a later one
		}
		return false
	}
	return h.attributes&maskTxn == 0 || !s.open[h.producer]
}

// fetch gets the next response, and sorts out what it says.
func (s *Stream) fetch(ctx context.Context) error {
	s.drop()
	began := time.Now()
	w := want{topic: s.topic, partition: s.partition, more: !s.asked || s.at < s.End()}
	w.alone = w.more && s.long
	return s.c.retry(ctx, s.topic, s.partition, &s.out, s.limit(), func() error {
		for {
			res, err := s.ask(ctx, w)
			if err != nil {
				return err
			}
			switch {
			case res.code == int16(kafka.OffsetOutOfRange):
				err := s.outOfRange(ctx)
				if _, ok := errors.AsType[*BeyondError](err); ok {
					if s.beyond.IsZero() {
						s.beyond = time.Now()
					}
					if time.Since(s.beyond) < settle {
						return errStale
					}
				}
				return err
			case res.code != 0:
				return kafka.Error(res.code)
			case !res.present:
				return errStale
			}
			s.beyond = time.Time{}
			s.high, s.stable, s.start, s.asked = res.high, res.stable, res.start, true
			if res.start > s.at {
				return s.lost(res.start)
			}
			s.rest, s.long = res.batches, len(res.batches) > int(s.c.cfg.MaxBytes)
			if s.c.cfg.Committed {
				s.txns = res.aborted
				slices.SortFunc(s.txns, func(a, b aborted) int { return cmp.Compare(a.first, b.first) })
			}
			switch {
			case len(s.rest) > 0:
				return nil
			case s.at < s.End() && !w.alone: // the next batch may be too long to come beside others
				s.long = true
			}
			switch {
			case time.Since(began) >= s.c.cfg.MaxWait:
				return nil
			case s.long:
				w.more, w.alone = true, true
			default:
				w.more, w.alone = false, false
			}
		}
	})
}

// limit is how long Next waits for a broker; 0: as long as it takes.
func (s *Stream) limit() time.Duration {
	if !s.yields {
		return 0
	}
	return 2 * s.c.cfg.MaxWait // the broker waits for one itself
}

// ask asks once, or waits again for what was asked last.
func (s *Stream) ask(ctx context.Context, w want) (*response, error) {
	asked := s.pending
	if s.pending = nil; asked == nil {
		w.offset, w.maxBytes, w.buf = s.at, s.c.cfg.MaxBytes, s.buf
		s.buf = nil // a request that fails may still write to it
		asked = &w
	}
	res, err := s.c.shared.ask(ctx, asked, s.limit())
	if errors.Is(err, errNoAnswer) {
		s.pending = asked
	}
	if err != nil {
		return nil, err
	}
	s.buf = res.buf
	return res, kafkaconn.Wait(ctx, res.throttle)
}

// outOfRange finds out on which side of the partition the offset is.
func (s *Stream) outOfRange(ctx context.Context) error {
	start, err := s.c.offset(ctx, s.topic, s.partition, Earliest, false)
	if err != nil {
		return err
	}
	if start > s.at {
		return s.lost(start)
	}
	end, err := s.c.offset(ctx, s.topic, s.partition, Latest, false)
	if err != nil {
		return err
	}
	if s.at <= end {
		return errStale // it was so, and is no more
	}
	return &BeyondError{Topic: s.topic, Partition: s.partition, Offset: s.at, End: end}
}

func (s *Stream) lost(start int64) error {
	err := &LostError{Topic: s.topic, Partition: s.partition, From: s.at, To: start}
	s.at = start
	return err
}

func (s *Stream) formatError(err error) error {
	return &FormatError{Topic: s.topic, Partition: s.partition, Offset: s.at, Err: err}
}
