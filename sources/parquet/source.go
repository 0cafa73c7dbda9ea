// Package parquet reads Parquet files into Arrow records page by page, in bounded memory.
package parquet

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/pool"
	"inoculate/sources/files"
)

// Extensions are the name endings by which Parquet files are found in a folder.
var Extensions = []string{".parquet", ".parq", ".pq"}

// Bounds of a batch.
const (
	DefaultBatchRows  = 2048
	DefaultBatchBytes = 8 << 20
	maxBatchBytes     = 1 << 30
)

// A Config says what is read, and in which portions.
type Config struct {
	Paths          []string         // files, folders, globs
	BatchRows      int              // rows of a batch at most; 0 for DefaultBatchRows
	BatchBytes     int64            // bytes of a batch at most, but for one with a single row; 0 for DefaultBatchBytes
	PartitionBytes int64            // uncompressed bytes of a partition, about; 0: 64 MiB
	Expansion      int64            // how many times its bytes a page may hold, where that is more than 64 MiB; 0: anything
	Mem            memory.Allocator // where batches are allocated; nil for a pool of the source's own
}

// A Source is a set of Parquet files with one schema. It is safe for concurrent use and holds no file open.
type Source struct {
	cfg    Config
	schema *arrow.Schema
	inputs []input
}

var _ pipeline.Source = (*Source)(nil)

// input is what is kept of a file between New and Open.
type input struct {
	path   string
	size   int64
	digest uint64 // of the footer
	groups []span
}

// span is a row group: rows [first, first+rows) of the file and their uncompressed bytes.
type span struct{ first, rows, bytes int64 }

// New finds the files and reads all their footers. What it cannot accept is an *pipeline.InputError: no file, a damaged
// or encrypted one, a type or codec that is not supported, schemas that differ.
func New(ctx context.Context, cfg Config) (*Source, error) {
	if cfg.BatchRows == 0 {
		cfg.BatchRows = DefaultBatchRows
	}
	if cfg.BatchBytes == 0 {
		cfg.BatchBytes = DefaultBatchBytes
	}
	if cfg.BatchRows < 0 || cfg.BatchBytes < 0 || cfg.BatchBytes > maxBatchBytes || cfg.PartitionBytes < 0 {
		return nil, fmt.Errorf("parquet: batches of %d rows and %d bytes (at most %d), partitions of %d bytes",
			cfg.BatchRows, cfg.BatchBytes, int64(maxBatchBytes), cfg.PartitionBytes)
	}
	if cfg.Mem == nil {
		cfg.Mem = pool.New(pool.DefaultLimit)
	}
	paths, err := files.Expand(cfg.Paths, Extensions)
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg}
	var first []*node
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		fields, err := s.add(path)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = fields
		}
		if field, what := difference(fields, first); what != "" {
			return nil, &pipeline.InputError{Source: path, Field: field, Position: -1,
				Err: fmt.Errorf("the schema differs from that of %s: %s %s", paths[0], field, what)}
		}
	}
	return s, nil
}

// add reads the footer of one more file and returns its fields.
func (s *Source) add(path string) ([]*node, error) {
	if path == files.Stdin {
		return nil, &pipeline.InputError{Source: "standard input", Position: -1,
			Err: unsupported("a Parquet file is read from its end"), Hint: "write it to a file first"}
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	in := input{path: path, size: f.size, digest: f.foot.digest, groups: make([]span, len(f.foot.groups))}
	for i, g := range f.foot.groups {
		in.groups[i] = span{g.first, g.rows, g.bytes}
	}
	schema := f.schema()
	if s.schema == nil {
		s.schema = schema
	}
	s.inputs = append(s.inputs, in)
	return f.fields, f.close()
}

// Schema is the schema of all files. Lists call their element "element"; key/value metadata of files is left out.
func (s *Source) Schema() *arrow.Schema { return s.schema }

// Close does nothing: files are open while a reader reads them.
func (s *Source) Close() error { return nil }
