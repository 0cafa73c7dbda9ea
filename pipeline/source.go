package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Partition is one ordered stream of a source: a run of row groups, a byte range of lines, one or several small files,
// a Kafka topic-partition.
type Partition struct {
	ID          string `json:"id"`                   // short, [a-z0-9-], distinct, and sorted like the input
	Source      string `json:"source"`               // what a person calls it: the path with its range, or topic/partition
	First       int64  `json:"first"`                // position of the first record
	End         int64  `json:"end"`                  // position after the last record; below First where there is no last one
	Bytes       int64  `json:"bytes"`                // approximate uncompressed size, for progress and order of work
	Fingerprint string `json:"fingerprint"`          // changes when the input behind it does
	Path        string `json:"path"`                 // file it comes from, as given; for `phase: {path: …}`
	Provenance  string `json:"provenance,omitempty"` // sidecar file of an earlier run with the edits of this file's rows
}

// Number gives the partitions of files their ids, which sort like the plan does.
func Number(plan []Partition) {
	width := max(5, len(strconv.Itoa(len(plan)-1)))
	for i := range plan {
		plan[i].ID = fmt.Sprintf("p%0*d", width, i)
	}
}

// Endless tells whether the partition goes on for ever: a stream that nobody said where to stop.
func (p Partition) Endless() bool { return p.End < p.First }

// ErrIdle is what a reader of an endless partition gives when nothing has arrived for its wait. The caller asks again.
var ErrIdle = errors.New("nothing new")

// A Source is a set of partitions with one schema. Implementations allow concurrent Open calls.
type Source interface {
	// Schema is the schema of every record of every reader. It does not change.
	Schema() *arrow.Schema
	// Plan lists the partitions in the order of the input. It depends on the input and the config alone: two calls on the
	// same input give the same plan.
	Plan(ctx context.Context) ([]Partition, error)
	// Open reads p from position from, which must be p.First or a Batch.Next of p.
	Open(ctx context.Context, p Partition, from int64) (Reader, error)
	// Close gives back what the source holds open. No reader may be in use.
	Close() error
}

// A Reader yields the batches of one partition in order. It is used by one goroutine.
type Reader interface {
	// Next returns the next batch, which the caller releases; io.EOF after the last one. A batch has rows, rejects or records left out, and
	// its bounds depend on the input and on where reading started, never on timing. An input that cannot be read is an
	// *InputError; the partition cannot be continued after one.
	Next(ctx context.Context) (Batch, error)
	Close() error
}

// A Cutter is a Reader that ends batches where segments are to end.
type Cutter interface {
	// Cut is called before Next. Fresh says that a segment begins; rows is how many records it may have yet, rejects
	// included, 0 for no limit.
	Cut(fresh bool, rows int64)
}

// ErrCut is what a Cutter gives in place of a batch that belongs to the next segment: its records are of a later period.
var ErrCut = errors.New("the segment ends here")

// An Acker tells its upstream how far a partition is committed: a hint for people and their lag tools, which decides nothing.
type Acker interface {
	Ack(ctx context.Context, p Partition, next int64) error
}

// An Assigner is a source that shares its partitions with other processes.
type Assigner interface {
	// Assign calls serve with the partitions that this process has now, those of the plan and new ones without an end, and
	// again each time they change: the context of the call before is done by then, and that call has returned. It returns
	// with ctx, with an error of serve, and when serve returns while its context is not done.
	Assign(ctx context.Context, plan []Partition, serve func(context.Context, []Partition) error) error
}

// A Grower is a source whose endless partitions may become more.
type Grower interface {
	// Grown lists the partitions that are there now and not among those that are known.
	Grown(ctx context.Context, known []Partition) ([]Partition, error)
}

// An Extent says where the input of a partition begins and ends now: records from First on are there, those from End on are
// not yet.
type Extent struct{ First, End int64 }

// A Measurer is a source that can tell how far the input of its partitions goes.
type Measurer interface {
	// Extents returns one extent for each partition.
	Extents(ctx context.Context, parts []Partition) ([]Extent, error)
}

// A Dater is a source whose records say when they were made.
type Dater interface {
	// Dates returns for each partition when its first record from a position on was made; the zero time where none is there.
	Dates(ctx context.Context, parts []Partition, from []int64) ([]time.Time, error)
}

// A Timed is a source that can tell how long its upstream takes to answer.
type Timed interface {
	// ObserveFetches has f called after each answer, by readers at once, with the time that it took.
	ObserveFetches(f func(took time.Duration))
}
