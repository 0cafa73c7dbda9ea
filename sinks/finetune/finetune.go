// Package finetune writes the train records for the trainers: Parquet, Arrow (save_to_disk), JSON lines, and OpenAI's.
package finetune

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/schemas"
	"inoculate/sinks/internal/columnar"
)

// OpenAI is the format of OpenAI's fine-tuning API.
const OpenAI = columnar.OpenAI

// Options are those of the files.
type Options = columnar.Sink

// Copier is what Options.Begin returns: a Writer that takes whole Parquet files too.
type Copier = columnar.Copier

// New makes the sink of the train split. Formats of evaluations are not for it, unless eval says that the records are for one.
func New(o Options, eval bool) *columnar.Sink {
	o.Phase = "train"
	if !eval {
		o.Formats = slices.DeleteFunc(slices.Clone(o.Formats), columnar.ForEval)
	}
	return &o
}

// CheckOpenAI says why conversations of a layout cannot be written as OpenAI's lines; nil where they can.
func CheckOpenAI(l *schemas.Layout, s *arrow.Schema) error { return columnar.CheckOpenAI(l, s) }

// PreferenceSchema is that of lines in OpenAI's preference form: each message and what stands beside them as JSON text.
func PreferenceSchema() *arrow.Schema { return columnar.PreferenceSchema() }
