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

// newArrow gives the library memory of the garbage collector, which is clear: it takes a fresh buffer for the bitmap of a
// column of nulls alone, and recycled memory would turn them into values.
func newArrow(w io.Writer, schema *arrow.Schema) (encoder, error) {
	return &arrowFile{ipc.NewWriter(w, ipc.WithSchema(schema), ipc.WithAllocator(memory.NewGoAllocator()))}, nil
}

func (f *arrowFile) write(rows pipeline.Rows) error { return f.w.Write(rows.Record) }
func (f *arrowFile) close() error                   { return f.w.Close() }
func (f *arrowFile) abort()                         {}
