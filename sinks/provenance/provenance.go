// Package provenance writes what was done to each record, as Parquet files beside the dataset.
package provenance

import (
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/provenance"
	"inoculate/sinks/internal/columnar"
)

// New makes the sink of the provenance.
func New(staging *commitlog.Staging, rowGroup int64, mem memory.Allocator) *columnar.Sink {
	return &columnar.Sink{Staging: staging, Split: provenance.Folder, Phase: "provenance", Formats: []string{columnar.Parquet}, RowGroupBytes: rowGroup, Mem: mem}
}

// NewKeys makes the sink of the keys by which the phases are compared.
func NewKeys(staging *commitlog.Staging, folder string, mem memory.Allocator) *columnar.Sink {
	return &columnar.Sink{Staging: staging, Split: folder, Phase: "keys", Formats: []string{columnar.Arrow}, Mem: mem}
}
