package columnar

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
)

// lineWriter collects lines, and writes many at once.
type lineWriter struct {
	w   io.Writer
	buf []byte
}

// each writes the lines of n rows, which line appends to the buffer.
func (l *lineWriter) each(n int, line func(row int) error) error {
	l.buf = l.buf[:0]
	for row := range n {
		if err := line(row); err != nil {
			return err
		}
		if len(l.buf) >= 1<<20 {
			if _, err := l.w.Write(l.buf); err != nil {
				return err
			}
			l.buf = l.buf[:0]
		}
	}
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lineWriter) close() error { return nil }
func (l *lineWriter) abort()       {}

// linesFile is JSON lines: those of the source, edited, or records written as JSON.
type linesFile struct {
	lineWriter
	enc *jsonrow.Encoder
}

func newLines(w io.Writer, schema *arrow.Schema) (encoder, error) {
	f := &linesFile{lineWriter: lineWriter{w: w}}
	if schema == nil {
		return f, nil
	}
	var err error
	f.enc, err = jsonrow.NewEncoder(schema)
	return f, err
}

func (f *linesFile) write(rows pipeline.Rows) (err error) {
	switch {
	case rows.Lines != nil:
		_, err = f.w.Write(rows.Lines)
		return err
	case rows.Parts != nil:
		for _, p := range rows.Parts {
			if _, err = f.w.Write(p); err != nil {
				return err
			}
		}
		return nil
	}
	return f.each(rows.N, func(row int) (err error) {
		f.buf, err = f.enc.Append(f.buf, rows.Record, row)
		f.buf = append(f.buf, '\n')
		return err
	})
}
