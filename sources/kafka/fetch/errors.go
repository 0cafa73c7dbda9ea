package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inoculate/pipeline/kafkaconn"

	"github.com/segmentio/kafka-go"
)

// ErrNothing says that no record has arrived for the time that a fetch waits.
var ErrNothing = errors.New("nothing new")

// A CorruptError is a record batch whose bytes are not what was produced. The stream stands behind it.
type CorruptError struct {
	Topic      string
	Partition  int32
	Base, Last int64  // offsets of the batch, both included
	Raw        []byte // the batch as the broker sent it, header and all
	Err        error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s/%d: record batch of offsets %d-%d: %v", e.Topic, e.Partition, e.Base, e.Last, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// A LostError is a range that the broker has deleted, by retention or on request. The stream stands at To.
type LostError struct {
	Topic     string
	Partition int32
	From, To  int64 // the offsets From to To-1 are gone
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%s/%d: offsets %d-%d were deleted by retention", e.Topic, e.Partition, e.From, e.To-1)
}

// A BeyondError says that a partition ends before the offset that is to be read: it was made anew, or cut off.
type BeyondError struct {
	Topic       string
	Partition   int32
	Offset, End int64
}

func (e *BeyondError) Error() string {
	return fmt.Sprintf("%s/%d: offset %d is beyond the end of the partition, %d", e.Topic, e.Partition, e.Offset, e.End)
}

// A FormatError is a stretch of a partition that cannot be cut into record batches: message formats from before Kafka 0.11,
// or headers that contradict one another.
type FormatError struct {
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s/%d: behind offset %d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// errStale is an answer that says less than it should; asking again helps.
var errStale = errors.New("the broker answered with a partial response")

// Temporary says whether the same request may succeed later: brokers that restart, leaders that move, connections that break.
func Temporary(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if e, ok := errors.AsType[kafka.Error](err); ok {
		return e.Temporary()
	}
	return errors.Is(err, errStale) || kafkaconn.Unanswered(err)
}

// An UnreachableError is a partition that did not answer for longer than patience lasts.
type UnreachableError struct {
	Topic     string
	Partition int32
	For       time.Duration
	Err       error // the last cause
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s/%d: no answer for %s: %v", e.Topic, e.Partition, e.For.Round(time.Millisecond), e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }
