// Package parquetfile writes Arrow records as Parquet pages.
package parquetfile

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	defaultRowGroupBytes = 100 << 20
	defaultPageBytes     = 1 << 20

	// Rows are taken apart in blocks of about that many rows and bytes.
	blockRows  = 1024
	blockBytes = 1 << 20
)

// Options of a file. The bytes of a row group count values as PLAIN stores them.
type Options struct {
	RowGroupBytes int64            // uncompressed bytes of a row group, about; 0: 100 MB
	PageBytes     int64            // uncompressed bytes of a page, about; 0: 1 MiB
	Mem           memory.Allocator // for buffers
}

// A Writer writes one file: pages compressed by zstd, with a CRC each, dictionaries where they pay off, bounds of pages and
// chunks. The bytes of the file depend on the rows and the options alone, not on the records that bring the rows. It holds
// the compressed pages of the row group in progress and one uncompressed page per column. It is for one goroutine.
type Writer struct {
	w       io.Writer
	offset  int64 // bytes written
	options Options
	fields  []*node
	columns []*column
	shred   shredder
	comp    *compressor
	seen    *arrow.Schema // of the last record, which fits
	block   int           // rows to take apart next
	sizes   []int64       // scratch: bytes of rows

	rows  int64 // of the row group in progress
	bytes int64
	meta  fileMetaData
	err   error // that stopped the writer
}

var errClosed = errors.New("the Parquet file is closed")

// New begins a file. A type that cannot be written is an error that names the column. w stays open.
func New(w io.Writer, schema *arrow.Schema, o Options) (*Writer, error) {
	if o.RowGroupBytes <= 0 {
		o.RowGroupBytes = defaultRowGroupBytes
	}
	if o.PageBytes <= 0 {
		o.PageBytes = defaultPageBytes
	}
	o.PageBytes = min(o.PageBytes, maxPageBytes)
	if o.Mem == nil {
		o.Mem = memory.DefaultAllocator
	}
	fields, b, err := buildSchema(schema)
	if err != nil {
		return nil, err
	}
	f := &Writer{w: w, options: o, fields: fields, block: 16, comp: &compressor{buffer{mem: o.Mem}}}
	if f.meta, err = newMeta(schema, b); err != nil {
		return nil, err
	}
	for _, l := range b.leaves {
		c := &column{leafInfo: l, pageBytes: o.PageBytes, comp: f.comp, plain: buffer{mem: o.Mem}, fixed: buffer{mem: o.Mem}}
		c.pages.spool.mem = o.Mem
		if l.conv != bits1 && l.conv != nothing {
			c.dict = &dictionary{seed: maphash.MakeSeed(), width: l.width, maxPlain: o.PageBytes, values: buffer{mem: o.Mem}}
		}
		c.reset()
		f.columns = append(f.columns, c)
		f.shred.cols = append(f.shred.cols, chunk{width: l.counts()})
	}
	return f, f.write([]byte(magic))
}

// counts is the number of bytes that a value counts for, beside those of a text.
func (s *storage) counts() int {
	switch s.conv {
	case bits1:
		return 1
	case byteArray, largeArray:
		return 4
	}
	return s.width
}

// Write adds the rows of a record, which it borrows until it returns. An error is final.
func (w *Writer) Write(rec arrow.Record) error {
	if w.err == nil {
		w.err = w.add(rec)
	}
	return w.err
}

func (w *Writer) add(rec arrow.Record) error {
	if err := w.fits(rec); err != nil {
		return err
	}
	n := int(rec.NumRows())
	for at := 0; at < n; {
		rows := min(w.block, n-at)
		size, err := w.take(rec, at, rows)
		if err != nil {
			return err
		}
		w.block = int(max(1, min(blockRows, blockBytes*int64(rows)/max(1, size))))
		full := w.bytes+size >= w.options.RowGroupBytes
		if full {
			if fit := w.fill(rows); fit < rows {
				rows = fit
				if size, err = w.take(rec, at, rows); err != nil {
					return err
				}
			}
		}
		for i, c := range w.columns {
			if err := c.append(&w.shred.cols[i]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		at += rows
		w.rows += int64(rows)
		w.bytes += size
		if full {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits checks that a record has the columns of the file.
func (w *Writer) fits(rec arrow.Record) error {
	if int(rec.NumCols()) != len(w.fields) {
		return fmt.Errorf("a record of %d columns in a file of %d", rec.NumCols(), len(w.fields))
	}
	for i, f := range w.fields {
		c := rec.Column(i)
		if int64(c.Len()) != rec.NumRows() {
			return fmt.Errorf("column %s: %d values in %d rows", f.name, c.Len(), rec.NumRows())
		}
		if (w.seen == nil || rec.Schema() != w.seen) && !f.fits(c.DataType()) {
			return fmt.Errorf("column %s: %s in a file of %s", f.name, c.DataType(), f.typ)
		}
	}
	w.seen = rec.Schema()
	return nil
}

// take makes w.shred hold rows of a record, and returns what they count for.
func (w *Writer) take(rec arrow.Record, at, rows int) (size int64, err error) {
	w.shred.reset()
	for i, f := range w.fields {
		d := rec.Column(i).Data()
		e := entries{n: rows, live: rows, spans: []span{{d.Offset() + at, rows}}}
		if err := w.shred.shred(f, d, e); err != nil {
			return 0, err
		}
	}
	for i := range w.shred.cols {
		c := &w.shred.cols[i]
		c.rows = rows
		size += c.bytes
	}
	return size, nil
}

// fill counts the rows of w.shred that it takes to fill the row group.
func (w *Writer) fill(rows int) int {
	w.sizes = slices.Grow(w.sizes[:0], rows)[:rows]
	clear(w.sizes)
	for i := range w.shred.cols {
		c := &w.shred.cols[i]
		for at := (cursor{}); at.row < rows; {
			next := c.nextRow(at)
			w.sizes[at.row] += next.bytes - at.bytes
			at = next
		}
	}
	sum := w.bytes
	for i, s := range w.sizes {
		if sum += s; sum >= w.options.RowGroupBytes {
			return i + 1
		}
	}
	return rows
}

// Close writes the last row group and the footer. It does not close the io.Writer.
func (w *Writer) Close() error {
	if w.err == nil && w.rows > 0 {
		w.err = w.endGroup()
	}
	if w.err == nil {
		w.err = w.finish()
	}
	err := w.err
	w.Abort()
	return err
}

// Abort gives the memory back and leaves the file as it is. It does nothing after Close.
func (w *Writer) Abort() {
	for _, c := range w.columns {
		c.free()
	}
	w.comp.out.free()
	w.columns, w.shred = nil, shredder{}
	if w.err == nil {
		w.err = errClosed
	}
}
