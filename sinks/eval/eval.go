// Package eval writes the test records in the formats of the train records, and for evaluation harnesses: Inspect, lm-eval.
package eval

import (
	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/schemas"
	"inoculate/sinks/internal/columnar"
)

// Options are those of the files.
type Options = columnar.Sink

// New makes the sink of the test split.
func New(o Options) *columnar.Sink {
	o.Phase = "test"
	return &o
}

// CheckFormat says why conversations of a layout cannot be written in a format of evaluations; nil where they can, and for
// other formats.
func CheckFormat(format string, l *schemas.Layout, s *arrow.Schema) error {
	if !columnar.ForEval(format) {
		return nil
	}
	return columnar.CheckSamples(format, l, s)
}
