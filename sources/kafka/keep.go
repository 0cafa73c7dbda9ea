package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/sources/kafka/fetch"
)

// KeepNames are the parts of a record beside its value that Config.Keep makes columns of, each named kafka_ and this. Keys
// and values of headers are binary; header names are text, with U+FFFD for what is not UTF-8.
var KeepNames = []string{"key", "headers", "timestamp", "topic", "partition", "offset"}

var keptTypes = []arrow.DataType{
	arrow.BinaryTypes.Binary,
	arrow.ListOf(arrow.StructOf(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary, Nullable: true})),
	arrow.FixedWidthTypes.Timestamp_ms, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
}

func keptField(name string) arrow.Field {
	return arrow.Field{Name: "kafka_" + name, Type: keptTypes[slices.Index(KeepNames, name)], Nullable: true}
}

// withKept appends the columns that are kept.
func withKept(schema *arrow.Schema, keep []string) (*arrow.Schema, error) {
	fields := slices.Clone(schema.Fields())
	for _, k := range keep {
		f := keptField(k)
		if slices.ContainsFunc(fields, func(g arrow.Field) bool { return g.Name == f.Name }) {
			return nil, fmt.Errorf("the column %s is there already", f.Name)
		}
		fields = append(fields, f)
	}
	return arrow.NewSchema(fields, nil), nil
}

// kept collects the columns that are kept.
type kept struct {
	names    []string
	builders []array.Builder
	headers  []fetch.Header
}

func newKept(keep []string, mem memory.Allocator) kept {
	k := kept{names: keep}
	for _, name := range keep {
		k.builders = append(k.builders, array.NewBuilder(mem, keptField(name).Type))
	}
	return k
}

func (k *kept) append(x *pending) {
	for i, name := range k.names {
		switch b := k.builders[i].(type) {
		case *array.BinaryBuilder:
			appendBinary(b, x.Key)
		case *array.ListBuilder:
			k.appendHeaders(b, x)
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(x.Time))
		case *array.StringBuilder:
			b.Append(x.topic)
		case *array.Int32Builder:
			b.Append(x.partition)
		case *array.Int64Builder:
			b.Append(x.Offset)
		default:
			panic("kafka: no column for " + name)
		}
	}
}

func (k *kept) appendHeaders(b *array.ListBuilder, x *pending) {
	b.Append(true)
	pair := b.ValueBuilder().(*array.StructBuilder)
	k.headers = x.Headers(k.headers[:0])
	for _, h := range k.headers {
		pair.Append(true)
		pair.FieldBuilder(0).(*array.StringBuilder).Append(toValid(h.Key))
		appendBinary(pair.FieldBuilder(1).(*array.BinaryBuilder), h.Value)
	}
}

// appendBinary keeps null and empty apart.
func appendBinary(b *array.BinaryBuilder, v []byte) {
	if v == nil {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// join puts the columns behind those of own, which it takes over.
func (k *kept) join(schema *arrow.Schema, own arrow.Record) arrow.Record {
	if len(k.names) == 0 {
		return own
	}
	defer own.Release()
	cols := slices.Clone(own.Columns())
	for _, b := range k.builders {
		col := b.NewArray()
		defer col.Release()
		cols = append(cols, col)
	}
	return array.NewRecord(schema, cols, own.NumRows())
}

func (k *kept) release() {
	for _, b := range k.builders {
		b.Release()
	}
}

func toValid(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
