package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"inoculate/pipeline"
	"inoculate/pipeline/kafkaconn"
)

// attempt is how long one request may take.
const attempt = 30 * time.Second

// abortable is TRANSACTION_ABORTABLE, which kafka-go does not know.
const abortable = kafkago.Error(120)

// temporary says whether the same request may succeed later. CONCURRENT_TRANSACTIONS is the answer as long as the markers
// of the transaction before are being written; NOT_ENOUGH_REPLICAS can be the same thing in other words.
func temporary(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if e, ok := errors.AsType[kafkago.Error](err); ok {
		switch e {
		case kafkago.ConcurrentTransactions, kafkago.NotEnoughReplicas, kafkago.UnstableOffsetCommit:
			return true
		}
		return e.Temporary()
	}
	return unanswered(err)
}

// unanswered says whether err leaves open if the broker got the request: it may even come to it later.
func unanswered(err error) bool { return errors.Is(err, errPartial) || kafkaconn.Unanswered(err) }

// errPartial is an answer that says less than it should; asking again helps.
var errPartial = errors.New("the broker answered with a partial response")

// taken turns the answers that a producer gets after another has begun with its id, or after the brokers have given its
// transaction up, into pipeline.ErrTaken.
func taken(err error) error {
	e, ok := errors.AsType[kafkago.Error](err)
	if !ok {
		return err
	}
	switch e {
	case kafkago.InvalidProducerEpoch, kafkago.InvalidTransactionState, kafkago.InvalidProducerIDMapping, kafkago.ProducerFenced,
		kafkago.OutOfOrderSequenceNumber, kafkago.UnknownProducerId, abortable:
		return fmt.Errorf("%w: %w", pipeline.ErrTaken, err)
	}
	return err
}

const (
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

// retry calls f until it succeeds, its error is not temporary, or patience runs out.
func (d *delivery) retry(ctx context.Context, what string, f func(ctx context.Context) error) error {
	var since time.Time
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		one, cancel := context.WithTimeout(ctx, attempt)
		err := f(one)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			d.unsure = true
			return context.Cause(ctx)
		}
		if unanswered(err) {
			d.unsure = true
		}
		if !temporary(err) {
			return fmt.Errorf("%s: %w", what, taken(err))
		}
		if since.IsZero() {
			since = time.Now()
		}
		if pause >= 100*time.Millisecond && pause < 200*time.Millisecond {
			d.sink.cfg.Logger.Warn("brokers do not take what is sent; trying again", "partition", d.partition.Source, "doing", what, "cause", err)
		}
		if waited := time.Since(since); waited > d.sink.cfg.Patience {
			return fmt.Errorf("%s: no success for %s: %w", what, waited.Round(time.Millisecond), err)
		}
		if err := kafkaconn.Wait(ctx, pause); err != nil {
			return err
		}
	}
}
