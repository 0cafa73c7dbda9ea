// Package eval writes the test records for the evaluation harnesses, in the same formats as the train records.
package eval

import (
	"inoculate/sinks/internal/columnar"
)

// Options are those of the files.
type Options = columnar.Sink

// New makes the sink of the test split.
func New(o Options) *columnar.Sink {
	o.Phase = "test"
	return &o
}
