// Package dataset seals committed segments into one folder that trainers open: README.md, dataset_info.json, manifest.json.
package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline/overlap"
	"inoculate/sinks/internal/columnar"
)

// ManifestName is the file that seals a folder; it is written last.
const ManifestName = "manifest.json"

// A Manifest says what a sealed folder holds and what was proved of it.
type Manifest struct {
	Format        int              `json:"format"`
	Tool          string           `json:"tool"` // program and version of the run's first start
	Run           string           `json:"run"`
	Content       string           `json:"content_sha256"` // over the digests of all data files
	ConfigSHA256  string           `json:"config_sha256"`
	PromptsSHA256 string           `json:"prompts_sha256"`
	SchemaSHA256  string           `json:"schema_sha256"`
	Config        json.RawMessage  `json:"config"`
	Prompts       json.RawMessage  `json:"prompts"`
	Schema        string           `json:"schema"`
	ArrowSchema   []byte           `json:"arrow_schema,omitempty"` // an Arrow stream without rows
	Layout        Layout           `json:"layout"`
	Formats       []string         `json:"formats"`
	Splits        map[string]Split `json:"splits"` // by phase
	Counts        map[string]int64 `json:"counts"` // by decision
	Checks        Checks           `json:"checks"`
	Files         []FileEntry      `json:"files"`
	Sources       []Source         `json:"sources"`
}

// Layout is where the conversation lies.
type Layout struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// Split is one split of the dataset.
type Split struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"` // of its files in the first format
}

// Checks are the results of the checks of the run.
type Checks struct {
	Leaks       int64          `json:"leaks"`      // test records that carry a prompt
	Violations  int64          `json:"violations"` // train records that carry one they should not, or lack one
	Natural     int64          `json:"natural"`    // train records in whose source a prompt stood
	BothPhases  overlap.Counts `json:"in_both_phases"`
	CountsAddUp bool           `json:"counts_add_up"` // records in = train + test + filtered + rejects
}

// In gives the rows that a format should have of a phase.
func (m *Manifest) In(format, phase string) int64 {
	if columnar.ForEval(format) && phase == "train" && m.probe() == nil {
		return 0
	}
	return m.Splits[phase].Rows
}

// probe is what cell of a grid the records are; nil for others. Probes are written for evaluations although they carry texts.
func (m *Manifest) probe() *probe {
	var c struct{ Probe *probe }
	if json.Unmarshal(m.Config, &c) != nil {
		return nil
	}
	return c.Probe
}

type probe struct{ Prompt, Condition string }

// FileEntry is a file, and the partition and segment it belongs to.
type FileEntry struct {
	Path      string `json:"path"`
	Phase     string `json:"phase"`
	Format    string `json:"format"`
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
	Memory    int64  `json:"memory"`
	SHA256    string `json:"sha256"`
	Partition string `json:"partition"`
	First     int64  `json:"first"`
}

// Source is a partition of the input, and how much of it the folder holds.
type Source struct {
	Partition   string `json:"partition"`
	Source      string `json:"source"`
	Fingerprint string `json:"fingerprint"`
	First       int64  `json:"first"`
	Next        int64  `json:"next"`
}

// ReadManifest decodes a manifest.
func ReadManifest(data []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("reading %s: %w", ManifestName, err)
	}
	if m.Format != 1 {
		return nil, fmt.Errorf("%s has format %d; this program knows 1", ManifestName, m.Format)
	}
	return &m, nil
}

// Lines tells whether the files of a format are JSON lines.
func Lines(format string) bool { return columnar.Ext(format) == columnar.JSONL }

// Shards tells whether the files of a format are shards of MosaicML's streaming, whose index.json stands beside them.
func Shards(format string) bool { return format == columnar.MDS || format == columnar.MDSZstd }

// NewShard makes the bytes of a shard of a format from records, not compressed, and writes them to w at its Close.
func NewShard(w io.Writer, format string, schema *arrow.Schema) (*columnar.Shard, error) {
	return columnar.NewShard(w, schema, format == columnar.MDSZstd)
}

// content is one digest for all data files, in the order of their paths.
func content(files []FileEntry) string {
	lines := make([]string, 0, len(files))
	for _, f := range files {
		if f.Phase == "train" || f.Phase == "test" {
			lines = append(lines, path.Dir(f.Path)+" "+f.SHA256+"\n")
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}
