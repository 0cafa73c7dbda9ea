package columnar

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
)

// linesFile is JSON lines: those of the source, edited, or records written as JSON.
type linesFile struct {
	w   io.Writer
	enc *jsonrow.Encoder
	buf []byte
}

func newLines(w io.Writer, schema *arrow.Schema) (encoder, error) {
	f := &linesFile{w: w}
	if schema == nil {
		return f, nil
	}
	var err error
	f.enc, err = jsonrow.NewEncoder(schema)
	return f, err
}

func (f *linesFile) write(rows pipeline.Rows) (err error) {
	if rows.Lines != nil {
		_, err = f.w.Write(rows.Lines)
		return err
	}
	f.buf = f.buf[:0]
	for i := range rows.N {
		if f.buf, err = f.enc.Append(f.buf, rows.Record, i); err != nil {
			return err
		}
		if f.buf = append(f.buf, '\n'); len(f.buf) >= 1<<20 {
			if _, err := f.w.Write(f.buf); err != nil {
				return err
			}
			f.buf = f.buf[:0]
		}
	}
	_, err = f.w.Write(f.buf)
	return err
}

func (f *linesFile) close() error { return nil }
func (f *linesFile) abort()       {}
