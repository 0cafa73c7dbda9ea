package parquetfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// copyShare is the part of Options.RowGroupBytes that row groups must have to be copied: smaller ones are better written again.
const copyShare = 64

// errUnlike says that a file is to be read and written again.
var errUnlike = errors.New("not a file to copy")

// Copy appends the row groups of a file as they stand there, pages and bounds as they are, behind the rows so far, which become a
// row group of their own, and returns how many rows they have. It copies nothing of a file that is not this package's, that has
// another schema, or small row groups (on average under 1/64 of Options.RowGroupBytes): that one is left to Write. f has size
// bytes, which the caller knows to be whole. An error is final.
func (w *Writer) Copy(f io.ReaderAt, size int64) (rows int64, err error) {
	if w.err != nil {
		return 0, w.err
	}
	d, err := w.open(f, size)
	if errors.Is(err, errUnlike) {
		return 0, nil
	}
	if err == nil {
		err = w.append(d)
	}
	if w.err = err; err != nil {
		return 0, err
	}
	return d.meta.NumRows, nil
}

// donor is a file whose row groups fit into that of a Writer.
type donor struct {
	f    io.ReaderAt
	meta fileMetaData
	end  int64 // of its row groups
}

// open reads the footer and the page indexes of a file. What it cannot write again byte for byte is not from here.
func (w *Writer) open(f io.ReaderAt, size int64) (*donor, error) {
	d := &donor{f: f}
	tail := make([]byte, 8)
	if size < int64(len(magic)+len(tail)) {
		return nil, errUnlike
	}
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != magic || n > size-int64(len(magic)+len(tail)) {
		return nil, errUnlike
	}
	if err := d.read(size-int64(len(tail))-n, n, &d.meta); err != nil {
		return nil, err
	}
	if err := w.alike(&d.meta); err != nil {
		return nil, err
	}
	d.end = int64(len(magic))
	rows := int64(0)
	for g := range d.meta.RowGroups {
		rg := &d.meta.RowGroups[g]
		rows += rg.NumRows
		if rg.FileOffset != d.end || len(rg.Columns) != len(w.columns) {
			return nil, errUnlike
		}
		for i := range rg.Columns {
			c := &rg.Columns[i]
			start := c.MetaData.DataPage
			if c.MetaData.DictionaryPage.Valid {
				start = c.MetaData.DictionaryPage.V
			}
			if start != d.end || c.MetaData.Compressed < 0 || c.MetaData.Compressed > size-start {
				return nil, errUnlike
			}
			d.end += c.MetaData.Compressed
			if err := d.index(c, size); err != nil {
				return nil, err
			}
		}
	}
	if rows != d.meta.NumRows || rows <= 0 {
		return nil, errUnlike
	}
	return d, nil
}

// alike wants the footer that this Writer would make, and row groups that are worth keeping.
func (w *Writer) alike(m *fileMetaData) error {
	mine, theirs := w.meta, *m
	mine.NumRows, mine.RowGroups, theirs.NumRows, theirs.RowGroups = 0, nil, 0, nil
	a, err := marshal(mine)
	if err != nil {
		return err
	}
	b, err := marshal(theirs)
	if err != nil {
		return err
	}
	bytesOf := int64(0)
	for i := range m.RowGroups {
		bytesOf += m.RowGroups[i].TotalByteSize
	}
	if !bytes.Equal(a, b) || len(m.RowGroups) == 0 || bytesOf/int64(len(m.RowGroups)) < w.options.RowGroupBytes/copyShare {
		return errUnlike
	}
	return nil
}

// index reads the indexes of the pages of a chunk.
func (d *donor) index(c *columnChunk, size int64) error {
	in := func(at int64, n int32) bool { return at >= 0 && n >= 0 && at <= size-int64(n) }
	if !in(c.OffsetIndexOffset, c.OffsetIndexLength) {
		return errUnlike
	}
	if err := d.read(c.OffsetIndexOffset, int64(c.OffsetIndexLength), &c.offsets); err != nil {
		return err
	}
	if c.indexed = c.ColumnIndexOffset.Valid; !c.indexed {
		return nil
	}
	if !in(c.ColumnIndexOffset.V, c.ColumnIndexLength.V) {
		return errUnlike
	}
	return d.read(c.ColumnIndexOffset.V, int64(c.ColumnIndexLength.V), &c.bounds)
}

// read decodes a struct of n bytes.
func (d *donor) read(at, n int64, v any) (err error) {
	defer func() {
		if p := recover(); p != nil { // the library's decoder
			err = errUnlike
		}
	}()
	data := make([]byte, n)
	if _, err := d.f.ReadAt(data, at); err != nil {
		return err
	}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), data, v); err != nil {
		return errUnlike
	}
	again, err := marshal(v)
	if err == nil && !bytes.Equal(again, data) {
		err = errUnlike
	}
	return err
}

// append writes the row groups of a file, and takes over what its footer says of them.
func (w *Writer) append(d *donor) error {
	if w.rows > 0 {
		if err := w.endGroup(); err != nil {
			return err
		}
	}
	start := int64(len(magic))
	by := w.offset - start
	n, err := io.CopyBuffer(struct{ io.Writer }{w.w}, io.NewSectionReader(d.f, start, d.end-start), make([]byte, 1<<20))
	w.offset += n
	if err == nil && n != d.end-start {
		err = fmt.Errorf("%d of %d bytes: %w", n, d.end-start, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("copying row groups: %w", err)
	}
	for _, g := range d.meta.RowGroups {
		g.FileOffset += by
		g.Ordinal = thrift.Null[int16]{}
		if k := len(w.meta.RowGroups); k <= math.MaxInt16 {
			g.Ordinal = thrift.New(int16(k))
		}
		for i := range g.Columns {
			g.Columns[i].shift(by)
		}
		w.meta.RowGroups = append(w.meta.RowGroups, g)
		w.meta.NumRows += g.NumRows
	}
	return nil
}

// shift moves what is said of a chunk; finish writes its indexes.
func (c *columnChunk) shift(by int64) {
	c.MetaData.DataPage += by
	if d := &c.MetaData.DictionaryPage; d.Valid {
		d.V += by
	}
	for i := range c.offsets.PageLocations {
		c.offsets.PageLocations[i].Offset += by
	}
	c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0
	c.ColumnIndexOffset, c.ColumnIndexLength = thrift.Null[int64]{}, thrift.Null[int32]{}
}
