package fetch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	fetchapi "github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	// maxPolls is how many requests wait at one broker for what is not there yet. The first waits for MaxWait; those that are
	// sent beside it wait for a quarter of that, so that a partition which comes late is soon taken along.
	maxPolls = 4
	// gather is how long a request that will wait anyway is held back for other partitions.
	gather = 2 * time.Millisecond
)

// shared sends the requests of a client. Partitions with the same leader share them: while one request is answered, what
// else is wanted of that broker gathers for the next one. A partition is in a request only if its stream has read all that it
// had, and each gets its part of the answer as soon as that has arrived, in memory of its own; nobody waits for a stream that
// is slow. Partitions that have more, which a broker answers at once, are never in one request with those that wait for
// records.
type shared struct {
	cfg *Config

	mu      sync.Mutex
	brokers map[int32]*leader
	flying  sync.WaitGroup
}

// leader is what is wanted of one broker, oldest first.
type leader struct {
	id        int32
	more      []*want // of partitions that have more than their stream has read
	ends      []*want // of partitions that may have nothing
	fetching  bool    // a request for more is on its way
	polls     int     // requests that wait
	gathering bool
}

// want is what a stream asks for.
type want struct {
	topic     string
	partition int32
	offset    int64
	maxBytes  int32
	buf       []byte // for the answer
	more      bool   // records are there
	alone     bool   // brokers send a batch that is longer than maxBytes for the first partition of a request only

	leader *leader    // who is asked; nil before that
	answer chan reply // takes one without being waited for
	flight *flight    // nil while it is not sent
}

type reply struct {
	res *response
	err error
}

// settle answers, if nobody has.
func (w *want) settle(res *response, err error) {
	select {
	case w.answer <- reply{res, err}:
	default:
	}
}

// flight is a request on its way.
type flight struct {
	wants  []*want
	left   int // wants whose streams still wait
	cancel context.CancelFunc
}

// ask waits for the answer to w. What w.buf holds belongs to the response from then on, or to nobody. Where limit is not 0 and has
// passed, the error is errNoAnswer, and w is for ask again, or for leave.
func (s *shared) ask(ctx context.Context, w *want, limit time.Duration) (*response, error) {
	if w.leader == nil {
		if err := s.post(ctx, w); err != nil {
			return nil, err
		}
	}
	var late <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		late = t.C
	}
	select {
	case a := <-w.answer:
		return a.res, a.err
	case <-late:
		return nil, errNoAnswer
	case <-ctx.Done():
		s.leave(w)
		return nil, context.Cause(ctx)
	}
}

// post puts w among what is wanted of the partition's leader.
func (s *shared) post(ctx context.Context, w *want) error {
	id, err := s.find(ctx, w.topic, w.partition)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.brokers[id]
	if b == nil {
		b = &leader{id: id}
		s.brokers[id] = b
	}
	w.leader, w.answer = b, make(chan reply, 1)
	if w.more {
		b.more = append(b.more, w)
	} else {
		b.ends = append(b.ends, w)
	}
	s.send(b)
	return nil
}

// leave takes back what nobody waits for.
func (s *shared) leave(w *want) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := w.flight; f != nil {
		if f.left--; f.left == 0 {
			f.cancel()
		}
		return
	}
	is := func(x *want) bool { return x == w }
	w.leader.more, w.leader.ends = slices.DeleteFunc(w.leader.more, is), slices.DeleteFunc(w.leader.ends, is)
}

// send sends what may be sent to a broker now. The lock is held.
func (s *shared) send(b *leader) {
	if len(b.more) > 0 && !b.fetching {
		b.fetching = true
		s.fly(b, together(&b.more), 0, func() { b.fetching = false })
	}
	if len(b.ends) == 0 || b.polls >= maxPolls || b.gathering {
		return
	}
	b.gathering = true
	time.AfterFunc(gather, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		b.gathering = false
		if len(b.ends) == 0 || b.polls >= maxPolls {
			return
		}
		wait := s.cfg.MaxWait
		if b.polls > 0 {
			wait /= maxPolls
		}
		b.polls++
		s.fly(b, together(&b.ends), wait, func() { b.polls-- })
	})
}

// together takes the wants of the next request out of a queue: each partition once, and one that is to be alone without others.
func together(queue *[]*want) (out []*want) {
	var rest []*want
	for _, w := range *queue {
		taken := slices.ContainsFunc(out, func(x *want) bool { return x.topic == w.topic && x.partition == w.partition })
		if len(out) > 0 && (taken || w.alone || out[0].alone) {
			rest = append(rest, w)
			continue
		}
		out = append(out, w)
	}
	*queue = rest
	return out
}

// fly sends one request. The lock is held; over is called with it when the request is.
func (s *shared) fly(b *leader, wants []*want, wait time.Duration, over func()) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &flight{wants: wants, left: len(wants), cancel: cancel}
	for _, w := range wants {
		w.flight = f
	}
	s.flying.Go(func() {
		defer cancel()
		began := time.Now()
		_, err := s.cfg.Transport.RoundTrip(ctx, s.cfg.Addr, &request{leader: b.id, wants: slices.Clone(wants), wait: wait, committed: s.cfg.Committed, client: s.cfg.ClientID})
		if err == nil && s.cfg.Fetched != nil {
			s.cfg.Fetched(time.Since(began))
		}
		for _, w := range wants {
			w.settle(&response{}, err) // where the broker has left one out
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		over()
		if err != nil && ctx.Err() == nil && Temporary(err) { // the others are told, too: their leader may be another one by now
			for _, w := range slices.Concat(b.more, b.ends) {
				w.settle(nil, err)
			}
			b.more, b.ends = nil, nil
		}
		s.send(b)
	})
}

// find finds the leader of a partition.
func (s *shared) find(ctx context.Context, topic string, partition int32) (int32, error) {
	l := &lookup{topic: topic, partition: partition}
	_, err := s.cfg.Transport.RoundTrip(ctx, s.cfg.Addr, l)
	if l.found {
		return l.id, nil
	}
	return 0, err
}

// lookup is a request that is never sent: it learns from the transport where it would be.
type lookup struct {
	topic     string
	partition int32
	id        int32
	found     bool
}

// ApiKey says that it is a Fetch request.
func (*lookup) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker notes the leader, and always fails.
func (l *lookup) Broker(c protocol.Cluster) (protocol.Broker, error) {
	b, err := (&fetchapi.Request{Topics: []fetchapi.RequestTopic{{Topic: l.topic, Partitions: []fetchapi.RequestPartition{{Partition: l.partition}}}}}).Broker(c)
	if err == nil {
		l.id, l.found = b.ID, true
		err = errStale
	}
	return b, err
}
