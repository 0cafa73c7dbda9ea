package columnar

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/sinks/internal/parquetfile"
)

type parquetFile struct{ w *parquetfile.Writer }

func newParquet(w io.Writer, schema *arrow.Schema, rowGroup int64, mem memory.Allocator) (encoder, error) {
	p, err := parquetfile.New(w, schema, parquetfile.Options{RowGroupBytes: rowGroup, Mem: mem})
	if err != nil {
		return nil, err
	}
	return &parquetFile{p}, nil
}

// A Copier is a Writer that takes whole files too.
type Copier interface {
	pipeline.Writer
	// Copy adds the rows of a file of size bytes, which is known to be whole, without looking at them, and returns how many they
	// are; 0 where they have to be written one by one: other formats than Parquet, other schemas, small row groups.
	Copy(f io.ReaderAt, size int64) (rows int64, err error)
}

func (w *writer) Copy(f io.ReaderAt, size int64) (rows int64, err error) {
	if len(w.outs) != 1 {
		return 0, nil
	}
	file, ok := w.outs[0].enc.(*parquetFile)
	if !ok {
		return 0, nil
	}
	if rows, err = file.w.Copy(f, size); err != nil {
		return 0, fmt.Errorf("writing %s of split %s: %w", Parquet, w.sink.Split, err)
	}
	w.rows += rows
	return rows, nil
}

func (f *parquetFile) write(rows pipeline.Rows) error { return f.w.Write(rows.Record) }
func (f *parquetFile) close() error                   { return f.w.Close() }
func (f *parquetFile) abort()                         { f.w.Abort() }
