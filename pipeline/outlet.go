package pipeline

import (
	"context"
	"errors"
	"time"
)

// ErrTaken says that another process has opened the same partition of the same run at an Outlet since: what was written
// there and not committed is gone, and whether the last commit came through only the Outlet knows.
var ErrTaken = errors.New("another process has taken the partition over")

// An Outlet takes rows to a system outside of the output folder that has commits of its own, such as topics of Kafka. Its
// methods may be called at once.
type Outlet interface {
	// Wants says which forms of the rows of a phase it takes, given whether the source has JSON lines; none where it does not
	// take the phase.
	Wants(phase Phase, jsonSource bool) Wants
	// Rejects tells whether it takes what was rejected.
	Rejects() bool
	// Exact tells whether its commits and those of the log are made one: then each row is there once. If not, rows of a
	// segment that was cut off by a crash may be there twice.
	Exact() bool
	// Open begins to deliver rows of p. If the Outlet is Exact, whoever has p of this run open is refused everything with
	// ErrTaken from then on, and what they have not committed is gone.
	Open(ctx context.Context, run string, p Partition) (Delivery, error)
}

// A Delivery takes the rows of one partition, segment by segment: Write and Reject, then Commit or Abort. It is used by one
// goroutine. After any error only Close may be called.
type Delivery interface {
	// Position is the last position that was committed, by anybody, with its token; ok is false where there is none, and for
	// an Outlet that is not Exact.
	Position() (next int64, token string, ok bool)
	// Write borrows rows, which have Positions, until it returns.
	Write(ctx context.Context, phase Phase, rows Rows) error
	// Reject borrows the letter until it returns.
	Reject(ctx context.Context, l *DeadLetter) error
	// Commit makes what was written durable, and visible with the position and its token in one step if the Outlet is Exact.
	// After ErrTaken, and after any other error, it may have happened or not.
	Commit(ctx context.Context, next int64, token string) error
	// Close gives up what was not committed.
	Close(ctx context.Context) error
}

// A DeadLetter is a record that was rejected, as it came.
type DeadLetter struct {
	Partition Partition
	Reject    *Reject
	Origin    Origin
	Source    bool // it never became a row; else a transform rejected it
}

// An Origin is a record of a message log as it came.
type Origin struct {
	Key     []byte // nil is null
	Value   []byte // nil is null
	Headers []Header
}

// A Header is a name with a value, of which there may be several of one name in a record.
type Header struct {
	Key   string
	Value []byte // nil is null
}

// A Told is an Outlet that tells how its deliveries end.
type Told interface {
	// ObserveDeliveries has f called, by deliveries at once, whenever one has committed or given up what it had written.
	ObserveDeliveries(f func(Delivered))
}

// Delivered is what a Delivery has written since its last Commit.
type Delivered struct {
	Committed bool          // if not, it was given up, or nobody knows whether its Commit came through
	Rows      int64         // that were acknowledged
	Rejects   int64         // the same
	Bytes     int64         // of both, as they were sent
	Took      time.Duration // since the first of it was sent
}
