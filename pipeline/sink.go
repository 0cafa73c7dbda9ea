package pipeline

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Segment is what one commit covers: positions [First, Next) of one partition.
type Segment struct {
	Run       string // run id, part of every file name
	Partition string // partition id
	First     int64
}

// A Sink writes the rows of one phase of a segment into files.
type Sink interface {
	// Wants says which forms of Rows the sink's writers take, given whether the source has JSON lines.
	Wants(jsonSource bool) Wants
	// Begin starts the files of one segment. s is the schema of every record that will be written.
	Begin(ctx context.Context, seg Segment, s *arrow.Schema) (Writer, error)
}

// Wants names the forms of Rows that a sink takes, and whether it takes their positions.
type Wants struct{ Record, Lines, Positions bool }

// Or wants what either wants.
func (w Wants) Or(o Wants) Wants {
	return Wants{w.Record || o.Record, w.Lines || o.Lines, w.Positions || o.Positions}
}

// A Writer writes one segment's rows: Write*, then Close or Abort. It is used by one goroutine.
type Writer interface {
	// Write borrows rows until it returns.
	Write(ctx context.Context, rows Rows) error
	// Close makes the files durable in the staging folder. They are not part of the dataset until a commit record names
	// them. A writer that got no rows returns no file. After an error nothing may be retried on this writer.
	Close(ctx context.Context) ([]File, error)
	// Abort gives the segment up and removes its temporary files, never a file that has its final name; a no-op after Close.
	Abort() error
}

// A File is one durable file of a segment.
type File struct {
	Folder string `json:"folder"` // where it belongs below the output folder: "train", "test", "rejects", "_provenance", …
	Name   string `json:"name"`   // name there; holds run, partition, first and 12 hex digits of its sha256
	Phase  string `json:"phase"`  // "train", "test", "rejects" or "provenance"
	Format string `json:"format"` // "parquet", "arrow", "jsonl", "openai", "mds", "mds-zstd", "inspect", "lm-eval"
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
	Memory int64  `json:"memory"` // uncompressed size of the rows, for dataset metadata
}
