// Package jsonl reads JSON lines, plain or compressed, into Arrow batches that keep the text of each record.
package jsonl

import (
	"context"
	"errors"
	"io"
	"math"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
	"inoculate/sources/files"
)

// Extensions are the endings of the files that a folder stands for.
var Extensions = []string{".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst"}

// Defaults of Config.
const (
	DefaultBatchBytes = 1 << 20
	LinesBatchBytes   = 256 << 10 // where records go on as lines: no record is made of a batch, and what stays in the cache is read again for less
	DefaultMaxRecord  = 64 << 20
	DefaultSample     = 10_000
	minPartition      = 32 << 20
	maxPartition      = 64 << 20 // that of any input of 0.5 GB or more: what a segment needs of memory does not grow further
)

// A Config says what is read, and in which portions. Zero values stand for the defaults.
type Config struct {
	Paths          []string      // files, folders, globs, "-"
	BatchBytes     int64         // text of a batch, about
	PartitionBytes int64         // text of a partition, about; 0: 64 MiB, and an eighth of an input below 0.5 GB, 32 MiB at least
	MaxRecord      int64         // bytes of the longest line; a longer one stops the run
	Sample         int           // records at the start of each file from which the schema is inferred
	Schema         *arrow.Schema // of the rows that were written to the files; nil: inferred
	Mem            memory.Allocator
}

// Source is a set of files of JSON lines with one schema.
type Source struct {
	cfg    Config
	inputs []input
	schema *arrow.Schema
	spool  string // temporary file with standard input
}

// input is one file. Compressed ones are read from their start, and their size is known only at the end.
type input struct {
	path, name string // where it is, and what a person calls it
	size       int64
	compressed bool
}

// New finds the files and infers the schema from the first records of each. Standard input is kept in a temporary file, so
// that it can be read from any place.
func New(ctx context.Context, cfg Config) (_ *Source, err error) {
	s := &Source{cfg: cfg}
	s.defaults()
	paths, err := files.Expand(cfg.Paths, Extensions)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, p := range paths {
		in := input{path: p, name: p}
		if p == files.Stdin {
			if in.path, err = s.keepStdin(); err != nil {
				return nil, err
			}
			in.name = "standard input"
		}
		if in.compressed, err = isCompressed(in.path); err != nil {
			return nil, inputError(in.name, err)
		}
		info, err := os.Stat(in.path)
		if err != nil {
			return nil, inputError(in.name, err)
		}
		in.size = info.Size()
		s.inputs = append(s.inputs, in)
	}
	if cfg.Schema != nil {
		s.schema = jsonrow.Written(cfg.Schema)
		return s, nil
	}
	return s, s.infer(ctx)
}

func (s *Source) defaults() {
	c := &s.cfg
	if c.BatchBytes <= 0 {
		c.BatchBytes = DefaultBatchBytes
	}
	if c.MaxRecord <= 0 {
		c.MaxRecord = DefaultMaxRecord
	}
	c.MaxRecord = min(c.MaxRecord, math.MaxInt32/2)
	c.BatchBytes = min(c.BatchBytes, math.MaxInt32/4)
	if c.Sample <= 0 {
		c.Sample = DefaultSample
	}
	if c.Mem == nil {
		c.Mem = memory.DefaultAllocator
	}
}

func inputError(name string, err error) error {
	return &pipeline.InputError{Source: name, Position: -1, Err: err}
}

func (s *Source) keepStdin() (path string, err error) {
	path, err = files.KeepStdin("inoculate-stdin-*.jsonl")
	s.spool = path
	return path, err
}

func isCompressed(path string) (bool, error) {
	if files.IsCompressed(path) {
		return true, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return n >= 2 && head[0] == 0x1f && head[1] == 0x8b || n == 4 && string(head) == "\x28\xb5\x2f\xfd", nil
}

// infer makes the schema. Lines that are no records say nothing; they become rejects when they are read.
func (s *Source) infer(ctx context.Context) error {
	inf := &jsonrow.Inference{}
	good := 0
	for _, in := range s.inputs {
		r, err := s.open(in, 0, math.MaxInt64)
		if err != nil {
			return err
		}
		for n := 0; n < s.cfg.Sample; {
			chunk, err := r.next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, r.Close())
			}
			chunk.lines(func(from, to int) bool {
				if inf.Add(chunk.data[from:to]) == nil {
					good++
				}
				n++
				return n < s.cfg.Sample
			})
			chunk.free()
		}
		if err := r.Close(); err != nil {
			return inputError(in.name, err)
		}
	}
	if good == 0 {
		return &pipeline.InputError{Source: s.inputs[0].name, Position: -1, Err: errors.New("no line is a JSON object"), Hint: "the input is one JSON object a line"}
	}
	s.schema = inf.Schema()
	if _, err := jsonrow.NewDecoder(s.schema, s.cfg.Mem); err != nil {
		return inputError(s.inputs[0].name, err)
	}
	return nil
}

// Schema is what was inferred.
func (s *Source) Schema() *arrow.Schema { return s.schema }

// Close removes what was kept of standard input.
func (s *Source) Close() error {
	if s.spool == "" {
		return nil
	}
	err := os.Remove(s.spool)
	s.spool = ""
	return err
}
