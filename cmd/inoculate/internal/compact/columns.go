package compact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/provenance"
	"inoculate/sinks/finetune"
	"inoculate/sources/parquet"
)

// columns reads the records of files and writes them into one.
func (c *Job) columns(ctx context.Context, staging *commitlog.Staging, seg pipeline.Segment, files []pipeline.File) (pipeline.File, error) {
	m := &merging{Job: c, seg: seg, sink: &finetune.Options{
		Staging: staging, Phase: files[0].Phase, Formats: []string{files[0].Format}, In: files[0].Folder, RowGroupBytes: c.RowGroup, Mem: c.Mem,
	}}
	var err error
	if files[0].Format == "arrow" {
		err = m.streams(ctx, files)
	} else {
		err = m.parquet(ctx, files)
	}
	return m.end(ctx, err)
}

// merging is one file in the making.
type merging struct {
	*Job
	seg    pipeline.Segment
	sink   *finetune.Options
	writer pipeline.Writer // nil before the first rows
}

func (m *merging) begin(ctx context.Context, schema *arrow.Schema) (err error) {
	if m.writer == nil {
		m.writer, err = m.sink.Begin(ctx, m.seg, schema)
	}
	return err
}

func (m *merging) write(ctx context.Context, rec arrow.Record) error {
	if err := m.begin(ctx, rec.Schema()); err != nil {
		return err
	}
	return m.writer.Write(ctx, pipeline.Rows{Record: rec, N: int(rec.NumRows())})
}

// end publishes the file, or gives it up where there is an error.
func (m *merging) end(ctx context.Context, err error) (pipeline.File, error) {
	if m.writer == nil {
		return pipeline.File{}, errors.Join(err, errors.New("no rows"))
	}
	if err != nil {
		return pipeline.File{}, errors.Join(err, m.writer.Abort())
	}
	made, err := m.writer.Close(ctx)
	if err == nil && len(made) != 1 {
		err = errors.New("no rows")
	}
	if err != nil {
		return pipeline.File{}, err
	}
	return made[0], nil
}

// parquet copies the row groups of files, and reads those that are better written again.
func (m *merging) parquet(ctx context.Context, files []pipeline.File) (err error) {
	var paths []string
	want := m.schema
	for _, f := range files {
		paths = append(paths, m.path(f))
		if f.Phase == "provenance" {
			want = provenance.Schema
		}
	}
	slices.Sort(paths) // as the source does: names sort by position
	src, err := parquet.New(ctx, parquet.Config{Paths: paths, Mem: m.Mem})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if got := src.Schema(); got.NumFields() != want.NumFields() {
		return fmt.Errorf("the files have %d columns, the run %d", got.NumFields(), want.NumFields())
	}
	if err := m.begin(ctx, want); err != nil { // a reader names the elements of lists as Parquet does
		return err
	}
	plan, err := src.Plan(ctx)
	if err != nil {
		return err
	}
	copied := ""
	for i, p := range plan {
		if i == 0 || p.Path != plan[i-1].Path {
			ok, err := m.copy(p.Path)
			if err != nil {
				return err
			}
			if ok {
				copied = p.Path
			}
		}
		if p.Path == copied {
			continue
		}
		err := pipeline.EachBatch(ctx, src, p, func(b *pipeline.Batch) error {
			if len(b.Rejects) > 0 {
				return fmt.Errorf("%s: %s", p.Source, b.Rejects[0].Detail)
			}
			return m.write(ctx, b.Record)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copy takes a file as it is, where it can.
func (m *merging) copy(path string) (bool, error) {
	to, ok := m.writer.(finetune.Copier)
	if !ok {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	rows, err := to.Copy(f, info.Size())
	return rows > 0, err
}

// streams reads Arrow streams, whose digests were checked.
func (m *merging) streams(ctx context.Context, files []pipeline.File) error {
	for _, f := range files {
		if err := m.stream(ctx, f); err != nil {
			return fmt.Errorf("reading %s: %w", m.path(f), err)
		}
	}
	return nil
}

func (m *merging) stream(ctx context.Context, f pipeline.File) error {
	file, err := os.Open(m.path(f))
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := ipc.NewReader(file)
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		if err := m.write(ctx, r.Record()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
