// Package reject writes the records that could not be handled as JSON lines: reason, source, position and the record as it came.
package reject

import (
	"inoculate/pipeline/commitlog"
	"inoculate/sinks/internal/columnar"
)

// Folder is where the files stand below the output folder.
const Folder = "rejects"

// New makes the sink of the rejects.
func New(staging *commitlog.Staging) *columnar.Sink {
	return &columnar.Sink{Staging: staging, Split: Folder, Phase: "rejects", Formats: []string{columnar.JSONL}}
}
