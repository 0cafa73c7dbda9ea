package parquetfile

import (
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The structs here stand for those of the format package wherever these cannot leave statistics out, or say that a bound
// is not exact.

type pageHeader struct {
	Type         format.PageType                          `thrift:"1,required"`
	Uncompressed int32                                    `thrift:"2,required"`
	Compressed   int32                                    `thrift:"3,required"`
	CRC          int32                                    `thrift:"4,required"`
	Data         thrift.Null[dataPageHeader]              `thrift:"5,optional"`
	Dictionary   thrift.Null[format.DictionaryPageHeader] `thrift:"7,optional"`
}

type dataPageHeader struct {
	NumValues        int32           `thrift:"1,required"`
	Encoding         format.Encoding `thrift:"2,required"`
	DefinitionLevels format.Encoding `thrift:"3,required"`
	RepetitionLevels format.Encoding `thrift:"4,required"`
}

type statistics struct {
	NullCount int64               `thrift:"3,required"`
	Max       thrift.Null[[]byte] `thrift:"5,optional"`
	Min       thrift.Null[[]byte] `thrift:"6,optional"`
	MaxExact  thrift.Null[bool]   `thrift:"7,optional"`
	MinExact  thrift.Null[bool]   `thrift:"8,optional"`
}

type columnMetaData struct {
	Type           format.Type                            `thrift:"1,required"`
	Encodings      thrift.Slice[format.Encoding]          `thrift:"2,required"`
	Path           thrift.Slice[string]                   `thrift:"3,required"`
	Codec          format.CompressionCodec                `thrift:"4,required"`
	NumValues      int64                                  `thrift:"5,required"`
	Uncompressed   int64                                  `thrift:"6,required"`
	Compressed     int64                                  `thrift:"7,required"`
	DataPage       int64                                  `thrift:"9,required"`
	DictionaryPage thrift.Null[int64]                     `thrift:"11,optional"`
	Statistics     statistics                             `thrift:"12,required"`
	EncodingStats  thrift.Slice[format.PageEncodingStats] `thrift:"13,optional"`
}

type columnChunk struct {
	FileOffset        int64              `thrift:"2,required"`
	MetaData          columnMetaData     `thrift:"3,required"`
	OffsetIndexOffset int64              `thrift:"4,required"`
	OffsetIndexLength int32              `thrift:"5,required"`
	ColumnIndexOffset thrift.Null[int64] `thrift:"6,optional"`
	ColumnIndexLength thrift.Null[int32] `thrift:"7,optional"`

	offsets format.OffsetIndex
	bounds  format.ColumnIndex
	indexed bool // bounds are there for every page
}

type rowGroup struct {
	Columns       thrift.Slice[columnChunk] `thrift:"1,required"`
	TotalByteSize int64                     `thrift:"2,required"`
	NumRows       int64                     `thrift:"3,required"`
	FileOffset    int64                     `thrift:"5,required"`
	Compressed    int64                     `thrift:"6,required"`
	Ordinal       thrift.Null[int16]        `thrift:"7,optional"`
}

type fileMetaData struct {
	Version      int32                              `thrift:"1,required"`
	Schema       thrift.Slice[format.SchemaElement] `thrift:"2,required"`
	NumRows      int64                              `thrift:"3,required"`
	RowGroups    thrift.Slice[rowGroup]             `thrift:"4,required"`
	KeyValues    thrift.Slice[format.KeyValue]      `thrift:"5,required"`
	CreatedBy    string                             `thrift:"6,required"`
	ColumnOrders thrift.Slice[format.ColumnOrder]   `thrift:"7,required"`
}

func marshal(v any) ([]byte, error) { return thrift.Marshal(new(thrift.CompactProtocol), v) }
