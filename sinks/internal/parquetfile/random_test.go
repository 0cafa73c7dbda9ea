package parquetfile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A filler appends random values to builders.
type filler struct {
	*rand.Rand
	nulls float64 // part of the values of nullable fields
	few   bool    // choose among a few values
	many  int     // elements of a list, at most
}

// number is a random one, biased to the extremes.
func (f *filler) number() int64 {
	if f.few {
		return []int64{math.MinInt64, -1, 0, 7, math.MaxInt64}[f.IntN(5)]
	}
	return int64(f.Uint64()) >> (f.IntN(8) * 8)
}

func (f *filler) text() string {
	const chars = "abc é😀\x00z\U0010ffff"
	if f.few {
		return []string{"", "user", "assistant", "a text of more than sixty-four bytes, such as those that are told to be good"}[f.IntN(4)]
	}
	if f.IntN(50) == 0 {
		return fmt.Sprintf("%0*d", 50+f.IntN(3000), f.IntN(1000))
	}
	r := []rune(chars)
	out := make([]rune, f.IntN(40))
	for i := range out {
		out[i] = r[f.IntN(len(r))]
	}
	if f.IntN(8) == 0 { // long, and the last rune at the cut
		return fmt.Sprintf("%0*d%s", 55+f.IntN(8), 0, "\U0010ffff\U0010ffff"+string(out))
	}
	return string(out)
}

// in brings a number between two limits.
func in(x, least, most int64) int64 {
	return least + int64(uint64(x)%uint64(most-least+1))
}

func (f *filler) append(b array.Builder, nullable bool) {
	if nullable && f.Float64() < f.nulls {
		b.AppendNull()
		return
	}
	x := f.number()
	switch b := b.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.BooleanBuilder:
		b.Append(x&1 == 0)
	case *array.Int8Builder:
		b.Append(int8(x))
	case *array.Int16Builder:
		b.Append(int16(x))
	case *array.Int32Builder:
		b.Append(int32(x))
	case *array.Int64Builder:
		b.Append(x)
	case *array.Uint8Builder:
		b.Append(uint8(x))
	case *array.Uint16Builder:
		b.Append(uint16(x))
	case *array.Uint32Builder:
		b.Append(uint32(x))
	case *array.Uint64Builder:
		b.Append(uint64(x))
	case *array.Float16Builder:
		b.Append(float16.New(float32(in(x, -1000, 1000)) / 8))
	case *array.Float32Builder:
		b.Append(float32(x) / 8)
	case *array.Float64Builder:
		b.Append([]float64{float64(x) / 8, 0, math.Copysign(0, -1), math.Inf(1)}[f.IntN(4)])
	case *array.Decimal128Builder:
		p := b.Type().(*arrow.Decimal128Type).Precision
		n := int64(math.Pow10(int(min(p, 18)))) - 1
		v := decimal128.FromI64(in(x, -n, n))
		if p > 18 {
			v = v.Mul(decimal128.FromI64(int64(math.Pow10(int(min(p-18, 18))))))
		}
		b.Append(v)
	case *array.Decimal256Builder:
		v := decimal256.FromI64(x)
		if b.Type().(*arrow.Decimal256Type).Precision > 40 {
			v = v.Mul(decimal256.FromI64(x | 1)).Mul(decimal256.FromI64(x>>8 | 1))
		}
		b.Append(v)
	case *array.Date32Builder:
		b.Append(arrow.Date32(in(x, -20000, 20000)))
	case *array.Date64Builder:
		b.Append(arrow.Date64(in(x, -20000, 20000) * 86400000))
	case *array.Time32Builder:
		b.Append(arrow.Time32(in(x, 0, 86399)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(in(x, 0, 86399e6)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(in(x, -1e10, 1e10)))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(x))
	case *array.StringBuilder:
		b.Append(f.text())
	case *array.LargeStringBuilder:
		b.Append(f.text())
	case *array.BinaryBuilder:
		b.Append([]byte(f.text()))
	case *array.FixedSizeBinaryBuilder:
		v := make([]byte, b.Type().(*arrow.FixedSizeBinaryType).ByteWidth)
		for i := range v {
			v[i] = byte(x >> (8 * (i % 8)))
		}
		b.Append(v)
	case *array.StructBuilder:
		b.Append(true)
		for i, c := range b.Type().(*arrow.StructType).Fields() {
			f.append(b.FieldBuilder(i), c.Nullable)
		}
	case *array.MapBuilder:
		t := b.Type().(*arrow.MapType)
		b.Append(true)
		for range f.IntN(f.many) {
			f.append(b.KeyBuilder(), false)
			f.append(b.ItemBuilder(), t.ItemField().Nullable)
		}
	case *array.FixedSizeListBuilder:
		t := b.Type().(*arrow.FixedSizeListType)
		b.Append(true)
		for range t.Len() {
			f.append(b.ValueBuilder(), t.ElemField().Nullable)
		}
	case array.ListLikeBuilder:
		elem := b.Type().(interface{ ElemField() arrow.Field }).ElemField()
		b.(interface{ Append(bool) }).Append(true)
		for range f.IntN(f.many) {
			f.append(b.ValueBuilder(), elem.Nullable)
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}

// record makes a record of random values.
func (f *filler) record(mem memory.Allocator, schema *arrow.Schema, rows int) arrow.Record {
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for range rows {
		for i, c := range schema.Fields() {
			f.append(b.Field(i), c.Nullable)
		}
	}
	return b.NewRecord()
}

// leafTypes are all types without children that can be written.
func leafTypes() []arrow.DataType {
	p, fw, b := arrow.PrimitiveTypes, arrow.FixedWidthTypes, arrow.BinaryTypes
	return []arrow.DataType{
		fw.Boolean, p.Int8, p.Int16, p.Int32, p.Int64, p.Uint8, p.Uint16, p.Uint32, p.Uint64, fw.Float16, p.Float32, p.Float64,
		&arrow.Decimal128Type{Precision: 4, Scale: 2}, &arrow.Decimal128Type{Precision: 15}, &arrow.Decimal128Type{Precision: 36, Scale: 10},
		&arrow.Decimal256Type{Precision: 20, Scale: 1}, &arrow.Decimal256Type{Precision: 76, Scale: 5},
		fw.Date32, fw.Date64, fw.Time32s, fw.Time32ms, fw.Time64us, fw.Time64ns,
		&arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"},
		&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, &arrow.TimestampType{Unit: arrow.Nanosecond},
		fw.Duration_s, fw.Duration_ns, b.String, b.LargeString, b.Binary, b.LargeBinary, &arrow.FixedSizeBinaryType{ByteWidth: 7}, arrow.Null,
	}
}

// nestedTypes are lists, structs and maps of many kinds, whose fields are nullable or not.
func nestedTypes(nullable bool) []arrow.DataType {
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: nullable || t == arrow.Null}
	}
	list := func(t arrow.DataType) arrow.DataType { return arrow.ListOfField(field("element", t)) }
	p, b := arrow.PrimitiveTypes, arrow.BinaryTypes
	turn := arrow.StructOf(field("role", b.String), field("content", b.LargeString))
	deep := arrow.StructOf(field("a", list(arrow.StructOf(field("b", list(p.Int16)), field("c", arrow.StructOf(field("d", arrow.FixedWidthTypes.Boolean)))))), field("e", p.Float32))
	m := func(k, v arrow.DataType) arrow.DataType {
		m := arrow.MapOf(k, v)
		m.SetItemNullable(nullable)
		return m
	}
	return []arrow.DataType{
		list(p.Int32), list(list(b.String)), list(turn), turn, deep, list(deep), arrow.LargeListOfField(field("element", b.String)),
		arrow.FixedSizeListOfField(3, field("element", p.Float32)), list(arrow.FixedSizeListOfField(2, field("element", turn))),
		m(b.String, p.Int32), list(m(p.Int8, list(b.String))), list(arrow.Null), arrow.StructOf(field("n", arrow.Null), field("x", p.Uint8)),
		list(&arrow.Decimal128Type{Precision: 9, Scale: 3}), list(&arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}),
	}
}

func schemaOf(nullable bool, types ...arrow.DataType) *arrow.Schema {
	var fs []arrow.Field
	for i, t := range types {
		fs = append(fs, arrow.Field{Name: fmt.Sprintf("c%02d", i), Type: t, Nullable: nullable || t == arrow.Null})
	}
	return arrow.NewSchema(fs, nil)
}

// checked returns an allocator that the test's end finds empty.
func checked(t testing.TB) memory.Allocator {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}
