package pipeline

import (
	"context"
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
)

// ErrIdle is what the reader of a partition without an end returns when nothing has arrived for its wait. The caller asks
// again.
var ErrIdle = errors.New("nothing new")

// A Partition is one ordered stream of a source: a run of row groups, a byte range of lines, one or several small files,
// a Kafka topic-partition.
type Partition struct {
	ID          string `json:"id"`                   // short, [a-z0-9-], distinct, and sorted like the input
	Source      string `json:"source"`               // what a person calls it: the path with its range, or topic/partition
	First       int64  `json:"first"`                // position of the first record
	End         int64  `json:"end"`                  // position after the last record
	Bytes       int64  `json:"bytes"`                // approximate uncompressed size, for progress and order of work
	Fingerprint string `json:"fingerprint"`          // changes when the input behind it does
	Path        string `json:"path"`                 // file it comes from, as given; for `phase: {path: …}`
	Provenance  string `json:"provenance,omitempty"` // sidecar file of an earlier run with the edits of this file's rows
}

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
	// Next returns the next batch, which the caller releases; io.EOF after the last one. A batch has rows or rejects, and
	// its bounds depend on the input and on where reading started, never on timing. An input that cannot be read is an
	// *InputError; the partition cannot be continued after one.
	Next(ctx context.Context) (Batch, error)
	Close() error
}
