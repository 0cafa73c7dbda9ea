// Package arrow reads Arrow IPC streams and files.
package arrow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/sources/files"
	"inoculate/sources/internal/arrowipc"
)

// Extensions are the endings of the files that a folder stands for.
var Extensions = []string{".arrow", ".arrows", ".ipc", ".feather"}

// DefaultBatchBytes is how large a batch is; larger ones are read, and handed on in slices.
const DefaultBatchBytes = 8 << 20

// A Config says what is read, and in which portions.
type Config struct {
	Paths          []string // files, folders (save_to_disk ones too), globs, "-"
	BatchBytes     int64    // bytes of a batch, about; 0 for DefaultBatchBytes
	PartitionBytes int64    // not used: a file is one partition
	Mem            memory.Allocator
}

// Source is a set of files with one schema.
type Source struct {
	cfg    Config
	inputs []input
	schema *arrow.Schema
	spool  string
}

type input struct {
	path, name string
	size       int64
}

// New finds the files and reads their schemas, which must be the same. Dictionary-encoded columns become plain ones.
func New(_ context.Context, cfg Config) (_ *Source, err error) {
	s := &Source{cfg: cfg}
	if s.cfg.BatchBytes <= 0 {
		s.cfg.BatchBytes = DefaultBatchBytes
	}
	if s.cfg.Mem == nil {
		s.cfg.Mem = memory.DefaultAllocator
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	paths, err := expand(cfg.Paths)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		in := input{path: p, name: p}
		if p == files.Stdin {
			in.name = "standard input"
			if in.path, err = s.keepStdin(); err != nil {
				return nil, err
			}
		}
		if err := s.add(in); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add reads the schema of one file.
func (s *Source) add(in input) error {
	info, err := os.Stat(in.path)
	if err != nil {
		return inputError(in.name, err)
	}
	in.size = info.Size()
	r, err := arrowipc.Open(in.path, in.size, s.cfg.Mem)
	if err != nil {
		return inputError(in.name, err)
	}
	defer r.Close()
	schema, err := arrowipc.PlainSchema(r.Schema())
	if err != nil {
		return inputError(in.name, err)
	}
	if s.schema == nil {
		s.schema = schema
	} else if !s.schema.Equal(schema) {
		return &pipeline.InputError{Source: in.name, Position: -1, Err: fmt.Errorf("its schema differs from that of %s: %s", s.inputs[0].name, arrowipc.Difference(s.schema, schema))}
	}
	s.inputs = append(s.inputs, in)
	return nil
}

// expand finds the files. A folder that save_to_disk wrote stands for the shards that its state.json names.
func expand(patterns []string) ([]string, error) {
	var out []string
	for _, p := range patterns {
		found, err := files.Expand([]string{p}, Extensions)
		if shards, ok := saved(p); ok {
			found, err = shards, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return files.Expand(patterns, Extensions) // its error says what was looked for
	}
	return out, nil
}

// saved lists the shards of a save_to_disk folder, of all its splits where it is a dictionary of them.
func saved(folder string) (out []string, ok bool) {
	var dict struct {
		Splits []string `json:"splits"`
	}
	if data, err := os.ReadFile(filepath.Join(folder, "dataset_dict.json")); err == nil && json.Unmarshal(data, &dict) == nil {
		for _, s := range dict.Splits {
			shards, ok := saved(filepath.Join(folder, s))
			if !ok {
				return nil, false
			}
			out = append(out, shards...)
		}
		return out, true
	}
	var state struct {
		Files []struct {
			Filename string `json:"filename"`
		} `json:"_data_files"`
	}
	data, err := os.ReadFile(filepath.Join(folder, "state.json"))
	if err != nil || json.Unmarshal(data, &state) != nil {
		return nil, false
	}
	for _, f := range state.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Filename)) {
			return nil, false
		}
		out = append(out, filepath.Join(folder, filepath.FromSlash(f.Filename)))
	}
	return out, true
}

func inputError(name string, err error) error {
	return &pipeline.InputError{Source: name, Position: -1, Err: err}
}

func (s *Source) keepStdin() (path string, err error) {
	path, err = files.KeepStdin("inoculate-stdin-*.arrow")
	s.spool = path
	return path, err
}

// Schema is the schema of all files.
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

// Plan makes one partition of each file that has rows. Positions are row numbers.
func (s *Source) Plan(ctx context.Context) ([]pipeline.Partition, error) {
	var plan []pipeline.Partition
	for _, in := range s.inputs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		rows, err := s.count(in)
		if err != nil {
			return nil, err
		}
		mark, err := files.Fingerprint(in.path)
		if err != nil {
			return nil, inputError(in.name, err)
		}
		if rows > 0 {
			plan = append(plan, pipeline.Partition{Source: in.name, End: rows, Bytes: in.size, Fingerprint: mark, Path: in.name})
		}
	}
	pipeline.Number(plan)
	return plan, nil
}

// count returns the rows of a file.
func (s *Source) count(in input) (rows int64, err error) {
	st, err := arrowipc.Open(in.path, in.size, s.cfg.Mem)
	if err != nil {
		return 0, inputError(in.name, err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	for {
		rec, err := st.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return 0, inputError(in.name, fmt.Errorf("the batch at row %d: %w", rows, err))
		}
		rows += rec.NumRows()
		rec.Release()
	}
}
