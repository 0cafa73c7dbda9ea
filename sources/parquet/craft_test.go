package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// crafted is a Parquet file that can be wrong in any place.
type crafted struct {
	pages []byte // of the one column
	meta  format.FileMetaData
	foot  []byte // instead of meta
	size  uint32 // of the footer, instead of the true one
}

func opt[T any](v T) thrift.Null[T] { return thrift.Null[T]{V: v, Valid: true} }

// craft makes a file of rows rows of one required column "a" of a physical type, with the pages appended by the caller.
func craft(typ format.Type, rows int64, pages ...[]byte) *crafted {
	c := &crafted{pages: bytes.Join(pages, nil)}
	c.meta = format.FileMetaData{Version: 1, NumRows: rows,
		Schema: []format.SchemaElement{{Name: "root", NumChildren: opt(int32(1))},
			{Name: "a", Type: opt(typ), RepetitionType: opt(format.Required)}},
		RowGroups: []format.RowGroup{{NumRows: rows, Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{
			Type: typ, Encoding: []format.Encoding{format.Plain}, PathInSchema: []string{"a"}, NumValues: rows, DataPageOffset: 4,
			TotalCompressedSize: int64(len(c.pages)), TotalUncompressedSize: int64(len(c.pages))}}}}}}
	return c
}

func (c *crafted) chunk() *format.ColumnMetaData { return &c.meta.RowGroups[0].Columns[0].MetaData }

func (c *crafted) leaf() *format.SchemaElement { return &c.meta.Schema[1] }

func (c *crafted) bytes(t testing.TB) []byte {
	foot := c.foot
	if foot == nil {
		foot = marshal(t, &c.meta)
	}
	size := uint32(len(foot))
	if c.size != 0 {
		size = c.size
	}
	b := append([]byte("PAR1"), c.pages...)
	b = append(b, foot...)
	b = binary.LittleEndian.AppendUint32(b, size)
	return append(b, "PAR1"...)
}

// dataPage is a version 1 page of n values.
func dataPage(t testing.TB, n int32, enc format.Encoding, body []byte, change func(*format.PageHeader)) []byte {
	h := format.PageHeader{Type: format.DataPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body)),
		DataPageHeader: opt(format.DataPageHeader{NumValues: n, Encoding: enc, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE})}
	if change != nil {
		change(&h)
	}
	return append(marshal(t, &h), body...)
}

func dictPage(t testing.TB, n int32, body []byte, change func(*format.PageHeader)) []byte {
	h := format.PageHeader{Type: format.DictionaryPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body)),
		DictionaryPageHeader: opt(format.DictionaryPageHeader{NumValues: n, Encoding: format.Plain})}
	if change != nil {
		change(&h)
	}
	return append(marshal(t, &h), body...)
}

func int32s(vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func checksum(body []byte) func(*format.PageHeader) {
	return func(h *format.PageHeader) { h.CRC = int32(crc32.ChecksumIEEE(body)) }
}
