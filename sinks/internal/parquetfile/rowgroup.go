package parquetfile

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// endGroup writes the row group in progress.
func (w *Writer) endGroup() error {
	g := rowGroup{NumRows: w.rows, FileOffset: w.offset}
	if n := len(w.meta.RowGroups); n <= math.MaxInt16 {
		g.Ordinal = thrift.New(int16(n))
	}
	for _, c := range w.columns {
		if c.rows > 0 {
			if err := c.endPage(); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		cc, err := w.writeChunk(c)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		g.TotalByteSize += cc.MetaData.Uncompressed
		g.Compressed += cc.MetaData.Compressed
		g.Columns = append(g.Columns, cc)
		c.reset()
	}
	w.meta.RowGroups = append(w.meta.RowGroups, g)
	w.meta.NumRows += w.rows
	w.rows, w.bytes = 0, 0
	return nil
}

// writeChunk writes the pages of a column, the dictionary first.
func (w *Writer) writeChunk(c *column) (cc columnChunk, err error) {
	m := &cc.MetaData
	*m = columnMetaData{Type: c.phys, Path: c.path, Codec: format.Zstd, Uncompressed: c.pages.uncompressed}
	start := w.offset
	if c.kept > 0 {
		if err := w.writeDictionary(c, m); err != nil {
			return cc, err
		}
	}
	m.DataPage = w.offset
	c.describe(&cc, w.offset)
	n := c.pages.spool.size
	if err := c.pages.spool.writeTo(w.w); err != nil {
		return cc, err
	}
	w.offset += n
	m.Compressed = w.offset - start
	return cc, nil
}

func (w *Writer) writeDictionary(c *column, m *columnMetaData) error {
	body := c.dictionaryPage()
	header, out, err := c.comp.seal(pageHeader{Type: format.DictionaryPage, Dictionary: thrift.New(format.DictionaryPageHeader{
		NumValues: int32(c.dict.len()), Encoding: format.Plain})}, body)
	if err != nil {
		return err
	}
	m.DictionaryPage = thrift.New(w.offset)
	m.Uncompressed += int64(len(header) + len(body))
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	return w.write(header, out)
}

// describe fills in what the pages say of the chunk, whose data pages are to begin at offset.
func (c *column) describe(cc *columnChunk, offset int64) {
	m := &cc.MetaData
	plain, numbered := int32(0), int32(0)
	ix := newIndex(c.order)
	chunk, first, row := limits{}, true, int64(0)
	for _, p := range c.pages.list {
		if p.dictionary {
			numbered++
		} else {
			plain++
		}
		m.NumValues += int64(p.entries)
		m.Statistics.NullCount += int64(p.entries - p.values)
		onlyNaN := !p.limits.known() && (c.order == orderFloat32 || c.order == orderFloat64)
		switch {
		case p.values == 0 || onlyNaN:
		case first:
			chunk, first = p.limits, false
		default:
			chunk = c.order.merge(chunk, p.limits)
		}
		ix.add(p)
		cc.offsets.PageLocations = append(cc.offsets.PageLocations, format.PageLocation{Offset: offset + p.offset, CompressedPageSize: p.size, FirstRowIndex: row})
		row += int64(p.rows)
	}
	cc.bounds, cc.indexed = ix.ColumnIndex, ix.whole
	if chunk.min.value != nil {
		m.Statistics.Min, m.Statistics.MinExact = thrift.New(chunk.min.value), thrift.New(chunk.min.exact)
	}
	if chunk.max.value != nil {
		m.Statistics.Max, m.Statistics.MaxExact = thrift.New(chunk.max.value), thrift.New(chunk.max.exact)
	}
	m.Encodings = append(m.Encodings, format.RLE)
	if plain > 0 || numbered > 0 {
		m.Encodings = append(m.Encodings, format.Plain) // the dictionary's, too
	}
	if numbered > 0 {
		m.Encodings = append(m.Encodings, format.RLEDictionary)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: format.RLEDictionary, Count: numbered})
	}
	if plain > 0 {
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: format.Plain, Count: plain})
	}
}

// An index collects the column index of a chunk.
type index struct {
	format.ColumnIndex
	order    order
	whole    bool // every page with values has both bounds
	up, down bool // bounds never decrease, increase
	last     limits
}

func newIndex(o order) *index {
	return &index{order: o, whole: true, up: true, down: true}
}

func (x *index) add(p page) {
	x.NullPages = append(x.NullPages, p.values == 0)
	x.NullCounts = append(x.NullCounts, int64(p.entries-p.values))
	if p.values == 0 {
		x.MinValues, x.MaxValues = append(x.MinValues, []byte{}), append(x.MaxValues, []byte{})
		return
	}
	if x.whole = x.whole && p.limits.known(); !x.whole {
		return
	}
	x.MinValues, x.MaxValues = append(x.MinValues, p.limits.min.value), append(x.MaxValues, p.limits.max.value)
	if x.last.known() {
		lo, hi := x.order.compare(x.last.min.value, p.limits.min.value), x.order.compare(x.last.max.value, p.limits.max.value)
		x.up, x.down = x.up && lo <= 0 && hi <= 0, x.down && lo >= 0 && hi >= 0
	}
	x.last = p.limits
	switch {
	case x.up:
		x.BoundaryOrder = format.Ascending
	case x.down:
		x.BoundaryOrder = format.Descending
	default:
		x.BoundaryOrder = format.Unordered
	}
}
