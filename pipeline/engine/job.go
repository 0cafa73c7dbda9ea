// Package engine runs partitions through transforms into sinks, and commits segments.
package engine

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/schemas"
)

// A Job is everything a run needs. Nothing in it changes while it runs.
type Job struct {
	Source     pipeline.Source
	Log        *commitlog.Log
	Layout     *schemas.Layout
	Transforms []pipeline.Transform
	Outputs    Outputs
	Outlet     pipeline.Outlet       // where rows go beside the files, or instead of them; may be nil
	JSONSource bool                  // batches carry Lines
	Encode     RowEncoder            // JSON text of a row, for rejects of sources that are not JSON
	Prior      func() (Prior, error) // the edits of an earlier run for the rows of a worker's partitions; nil: none
	Mem        memory.Allocator
	Logger     *slog.Logger

	Workers      int   // partitions worked on at once; those without an end are all worked on at once
	SegmentBytes int64 // a segment is cut after the batch with which its input passes this many bytes
	SegmentRows  int64 // a segment is cut when it has so many records, rejects included; 0: no limit. The reader is a pipeline.Cutter
	MaxRejects   int64 // the run stops when it has more; -1: it goes on

	Every     time.Duration                                                // streams: a segment is cut when its first record is this old
	Owns      func(pipeline.Partition) bool                                // the share of this process; nil: everything
	Takeover  time.Duration                                                // how long a partition that was taken has to stand still before it is taken back; 0: ten seconds
	SealEvery time.Duration                                                // streams: how often Seal is called, if anything was committed; rarer where it takes longer than that
	Seal      func(context.Context) error                                  // makes what is committed one dataset, while the run goes on
	Fold      func(context.Context) error                                  // is called each SealEvery, also while Seal or Merge goes on, to keep the commit log short; may be nil
	Merge     func(context.Context) (more bool, err error)                 // is called before Seal, to make fewer files of what is committed; more: the next Seal is due at once. May be nil
	Committed func(p pipeline.Partition, c commitlog.Commit, sequence int) // hears of each commit of this process, and the how-manieth of the partition it is, from 1; may be nil
	Event     func(name string, p pipeline.Partition)                      // hears of assigned, revoked, fenced, adopted; may be nil
}

// Outputs are the sinks of a run. Provenance and Keys may be nil; Train and Test where the Outlet takes the phase.
type Outputs struct{ Train, Test, Rejects, Provenance, Keys pipeline.Sink }

// A RowEncoder appends the JSON text of one row.
type RowEncoder func(dst []byte, rec arrow.Record, row int) ([]byte, error)

// Prior gives the edits of an earlier run. It serves one goroutine.
type Prior interface {
	// Reset goes to position from of p.
	Reset(ctx context.Context, p pipeline.Partition, from int64) error
	// Next returns the edits of the next n rows.
	Next(ctx context.Context, n int) ([][]schemas.Edit, error)
	Close() error
}

// Stats are counters that grow while a job runs. They may be read at any time.
type Stats struct {
	Rows, Bytes, Rejects, Findings atomic.Int64 // of this process, committed or not
	Partitions                     atomic.Int64 // done
}
