// Package finetune writes the train records for the trainers: Parquet, Arrow (save_to_disk) and JSON lines.
package finetune

import (
	"inoculate/sinks/internal/columnar"
)

// Options are those of the files.
type Options = columnar.Sink

// New makes the sink of the train split.
func New(o Options) *columnar.Sink {
	o.Phase = "train"
	return &o
}
