package columnar

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// arrowFile is an Arrow IPC stream: the form that Hugging Face's load_from_disk reads.
type arrowFile struct{ w *ipc.Writer }

func newArrow(w io.Writer, schema *arrow.Schema, mem memory.Allocator) (encoder, error) {
	return &arrowFile{ipc.NewWriter(w, ipc.WithSchema(schema), ipc.WithAllocator(mem))}, nil
}

func (f *arrowFile) write(rows pipeline.Rows) error { return f.w.Write(rows.Record) }
func (f *arrowFile) close() error                   { return f.w.Close() }
func (f *arrowFile) abort()                         {}
