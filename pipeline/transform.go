package pipeline

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Transform decides what happens to records. It never changes a record: it fills the side tables of the batch, and the
// kernel of package schemas applies the edits afterwards, once.
type Transform interface {
	// Bind checks the schema before any data flows and returns what one worker uses.
	Bind(in *arrow.Schema) (Applier, error)
}

// An Applier serves one worker and keeps scratch memory between batches.
type Applier interface {
	// Apply fills the side tables of b. It borrows b until it returns. An error stops the run; a bad record is a Reject.
	Apply(ctx context.Context, b *Batch) error
}
