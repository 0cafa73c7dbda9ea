package columnar

import (
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

func (f *parquetFile) write(rows pipeline.Rows) error { return f.w.Write(rows.Record) }
func (f *parquetFile) close() error                   { return f.w.Close() }
func (f *parquetFile) abort()                         { f.w.Abort() }
