// Package columnar writes the rows of a segment into Parquet, Arrow and JSONL files, several formats at once.
package columnar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/schemas"
)

// Formats there are.
const (
	Parquet = "parquet"
	Arrow   = "arrow"
	JSONL   = "jsonl"
	OpenAI  = "openai"  // lines as OpenAI's fine-tuning API takes them: the conversation alone
	Inspect = "inspect" // samples of an evaluation with Inspect, and a task over them
	LMEval  = "lm-eval" // the same samples, and a task of the Language Model Evaluation Harness
	MDS     = "mds"     // shards of MosaicML's streaming
	MDSZstd = "mds-zstd"
)

// ForEval tells whether a format is of evaluations alone: train records are not written in it.
func ForEval(format string) bool { return format == Inspect || format == LMEval }

// Ext is how the names of a format's files end, without a dot.
func Ext(format string) string {
	switch {
	case format == OpenAI || ForEval(format):
		return JSONL
	case format == MDSZstd:
		return "mds.zstd"
	}
	return format
}

// A Sink writes the rows of one split in every format it is given.
type Sink struct {
	Staging       *commitlog.Staging
	Split         string // name of the split; its folder
	Phase         string // for the commit records
	Formats       []string
	Layout        *schemas.Layout // for the formats that write conversations alone
	RowGroupBytes int64           // Parquet: uncompressed bytes of a row group
	Mem           memory.Allocator
	In            string // folder of the files, over what Split and format say; empty: none
}

func (s *Sink) folder(format string) string {
	if s.In != "" {
		return s.In
	}
	return Folder(s.Formats, format, s.Split)
}

// Primary is the format whose files stand in the split's own folder: what is opened first by those who look there.
func Primary(formats []string) string {
	for _, f := range []string{Arrow, Parquet, JSONL, OpenAI} {
		if slices.Contains(formats, f) {
			return f
		}
	}
	return ""
}

// Folder is where the files of a format stand below the output folder.
func Folder(formats []string, format, split string) string {
	switch {
	case strings.HasPrefix(split, "_"): // not part of the dataset
		return split
	case format == Arrow:
		return path.Join(split, "data") // beside it: what load_from_disk reads
	case format == Primary(formats):
		return split
	}
	return path.Join(format, split)
}

// Wants asks for JSON lines where they come from JSON and go to JSON, and for records else.
func (s *Sink) Wants(jsonSource bool) (w pipeline.Wants) {
	for _, f := range s.Formats {
		if f == JSONL && jsonSource {
			w.Lines = true
		} else {
			w.Record = true
		}
	}
	return w
}

// An encoder writes one file of a format.
type encoder interface {
	write(rows pipeline.Rows) error
	close() error
	abort()
}

// Begin creates a temporary file for each format. The Writer is a Copier.
func (s *Sink) Begin(_ context.Context, seg pipeline.Segment, schema *arrow.Schema) (pipeline.Writer, error) {
	w := &writer{sink: s}
	for _, f := range s.Formats {
		temp, err := s.Staging.Create(seg, s.folder(f), Ext(f))
		if err == nil {
			out := output{format: f, temp: temp}
			if out.enc, err = s.encoder(f, temp, seg, schema); err == nil {
				w.outs = append(w.outs, out)
				continue
			}
			err = errors.Join(err, temp.Abort())
		}
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

func (s *Sink) encoder(format string, temp *commitlog.Temp, seg pipeline.Segment, schema *arrow.Schema) (encoder, error) {
	switch format {
	case Parquet:
		return newParquet(temp, schema, s.RowGroupBytes, s.Mem)
	case Arrow:
		return newArrow(temp, schema)
	case JSONL:
		return newLines(temp, schema)
	case OpenAI:
		return newOpenAI(temp, schema, s.Layout)
	case MDS, MDSZstd:
		return newMDS(temp, schema, format == MDSZstd)
	case Inspect, LMEval:
		return newSamples(temp, format, seg, schema, s.Layout)
	}
	return nil, fmt.Errorf("unknown format %q", format)
}

// WriteEmpty writes a file of a format that has the schema and no rows.
func WriteEmpty(w io.Writer, format string, schema *arrow.Schema) error {
	var enc encoder
	var err error
	switch format {
	case Parquet:
		enc, err = newParquet(w, schema, 1<<20, memory.DefaultAllocator)
	case Arrow:
		enc, err = newArrow(w, schema)
	default:
		return fmt.Errorf("a file of the format %s has no schema of its own", format)
	}
	if err != nil {
		return err
	}
	return enc.close()
}

type output struct {
	format string
	temp   *commitlog.Temp
	enc    encoder
}

type writer struct {
	sink   *Sink
	outs   []output
	rows   int64
	memory int64
}

// Write gives the rows to every format.
func (w *writer) Write(_ context.Context, rows pipeline.Rows) error {
	for _, o := range w.outs {
		if err := o.enc.write(rows); err != nil {
			return fmt.Errorf("writing %s of split %s: %w", o.format, w.sink.Split, err)
		}
	}
	w.rows += int64(rows.N)
	w.memory += size(rows)
	return nil
}

// Close finishes and publishes the files.
func (w *writer) Close(ctx context.Context) (files []pipeline.File, err error) {
	for i, o := range w.outs {
		if err := o.enc.close(); err != nil {
			return nil, errors.Join(fmt.Errorf("writing %s of split %s: %w", o.format, w.sink.Split, err), w.abort(i+1), o.temp.Abort())
		}
		name, sum, bytes, err := o.temp.Publish(ctx)
		if err != nil {
			return nil, errors.Join(err, w.abort(i+1))
		}
		files = append(files, pipeline.File{
			Folder: w.sink.folder(o.format), Name: name, Phase: w.sink.Phase, Format: o.format,
			Rows: w.rows, Bytes: bytes, SHA256: sum, Memory: w.memory,
		})
	}
	w.outs = nil
	return files, nil
}

// Abort gives up what Close has not published.
func (w *writer) Abort() error { return w.abort(0) }

func (w *writer) abort(from int) (err error) {
	for _, o := range w.outs[min(from, len(w.outs)):] {
		o.enc.abort()
		err = errors.Join(err, o.temp.Abort())
	}
	w.outs = nil
	return err
}

// size is about what the rows take in memory.
func size(rows pipeline.Rows) int64 {
	if rows.Record == nil {
		n := int64(len(rows.Lines))
		for _, p := range rows.Parts {
			n += int64(len(p))
		}
		return n
	}
	n := int64(0)
	for _, c := range rows.Record.Columns() {
		n += dataSize(c.Data())
	}
	return n
}

func dataSize(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += dataSize(c)
	}
	return n
}
