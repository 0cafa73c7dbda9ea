package parquetfile

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
	"pgregory.net/rapid"
)

// TestHybrid decodes runs and packed groups of any lengths and widths with parquet-go.
func TestHybrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 20).Draw(t, "width")
		var v []uint32
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			x := rapid.Uint32Range(0, 1<<width-1).Draw(t, "value")
			for k := range rapid.IntRange(1, 40).Draw(t, "length") {
				if k%3 == 2 && x&1 == 0 {
					v = append(v, x^1)
				} else {
					v = append(v, x)
				}
			}
		}
		got, err := (&rle.Encoding{BitWidth: width}).DecodeInt32(nil, appendHybrid(nil, v, width))
		if err != nil || len(got) < len(v) {
			t.Fatalf("%d of %d values: %v", len(got), len(v), err)
		}
		for i := range v {
			if uint32(got[i]) != v[i] {
				t.Fatalf("value %d: %d instead of %d", i, got[i], v[i])
			}
		}
	})
}

// TestBoundsHold cuts texts and bytes: what comes out is on the right side, short, and UTF-8 where it was before.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0x7f, 0x80, 0xfe, 0xff}), 0, 140).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "text") {
			v = []byte(rapid.StringOfN(rapid.SampledFrom([]rune{0, 'a', 0x7f, 0x7ff, 0xd7ff, 0xffff, 0x10ffff}), 0, 70, -1).Draw(t, "text"))
		}
		for name, l := range map[string]limits{"bytes": {cutBytes(v, false), cutBytes(v, true)}, "text": {cutText(v, false), cutText(v, true)}} {
			if name == "bytes" && l.min.value == nil {
				t.Fatalf("no lower bound of bytes")
			}
			if l.min.value != nil && (bytes.Compare(l.min.value, v) > 0 || l.min.exact != bytes.Equal(l.min.value, v) || len(l.min.value) > maxBound) {
				t.Fatalf("%s: lower bound %x of %x", name, l.min.value, v)
			}
			if l.max.value != nil && (bytes.Compare(l.max.value, v) < 0 || l.max.exact != bytes.Equal(l.max.value, v) || len(l.max.value) > maxBound+1) {
				t.Fatalf("%s: upper bound %x of %x", name, l.max.value, v)
			}
			if name == "text" && (!utf8.Valid(l.min.value) || !utf8.Valid(l.max.value) || utf8.Valid(v) && l.min.value == nil) {
				t.Fatalf("bounds %x and %x of the text %x", l.min.value, l.max.value, v)
			}
		}
	})
}

// TestIndexOrders tells rising, falling and mixed pages apart.
func TestIndexOrders(t *testing.T) {
	mem := checked(t)
	for want, at := range map[format.BoundaryOrder]func(int) int64{format.Ascending: func(i int) int64 { return int64(i) },
		format.Descending: func(i int) int64 { return -int64(i) }, format.Unordered: func(i int) int64 { return int64(i * 7919 % 1000) }} {
		b := array.NewInt64Builder(mem)
		for i := range 1000 {
			b.Append(at(i))
		}
		a := b.NewArray()
		b.Release()
		rec := oneColumn(false, a)
		file := write(t, rec.Schema(), Options{Mem: mem, PageBytes: 100}, rec)
		f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		ix := f.ColumnIndexes()[0]
		if ix.BoundaryOrder != want || len(ix.MinValues) != 77 || len(f.OffsetIndexes()[0].PageLocations) != 77 {
			t.Errorf("%v instead of %v, %d pages", ix.BoundaryOrder, want, len(ix.MinValues))
		}
		rec.Release()
		a.Release()
	}
}

// TestArrowSchemaSurvives finds extension marks, time zones and large types in the metadata, without those of the schema.
func TestArrowSchemaSurvives(t *testing.T) {
	mark := arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.json", ""})
	fields := []arrow.Field{
		{Name: "messages", Nullable: true, Type: arrow.ListOfField(arrow.Field{Name: "item", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: mark})},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Berlin"}},
		{Name: "text", Type: arrow.BinaryTypes.LargeString},
	}
	meta := arrow.NewMetadata([]string{"huggingface"}, []string{"{}"})
	file := write(t, arrow.NewSchema(fields, &meta), Options{Mem: checked(t)})
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	kv := f.Metadata().KeyValueMetadata
	if len(kv) != 1 || kv[0].Key != "ARROW:schema" {
		t.Fatalf("%v", kv)
	}
	raw, err := base64.StdEncoding.DecodeString(kv[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if want := arrow.NewSchema(fields, nil); !r.Schema().Equal(want) || r.Schema().HasMetadata() {
		t.Errorf("%s instead of %s", r.Schema(), want)
	}
}

// TestOneLargeValue has a value larger than a page make a page of its own, between others.
func TestOneLargeValue(t *testing.T) {
	mem := checked(t)
	b := array.NewStringBuilder(mem)
	for _, s := range []string{"a", strings.Repeat("long ", 1_000_000), "b", "c"} {
		b.Append(s)
	}
	a := b.NewArray()
	b.Release()
	rec := oneColumn(true, a)
	file := write(t, rec.Schema(), Options{Mem: mem}, rec)
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.OffsetIndexes()[0].PageLocations); n != 2 {
		t.Errorf("%d pages", n)
	}
	got, _ := readBack(t, file)
	sameColumns(t, got, expected(rec))
	rec.Release()
	a.Release()
}

func TestDecimalWidth(t *testing.T) {
	for p, want := range map[int32]int{1: 1, 2: 1, 3: 2, 4: 2, 9: 4, 10: 5, 18: 8, 19: 9, 38: 16, 39: 17, 76: 32} {
		if got := decimalWidth(p); got != want {
			t.Errorf("%d digits in %d bytes, not in %d", p, got, want)
		}
	}
}

// uuidType is an extension type, as far as Arrow knows.
type uuidType struct{ arrow.ExtensionBase }

func (*uuidType) ArrayType() reflect.Type { return reflect.TypeFor[array.ExtensionArrayBase]() }
func (*uuidType) ExtensionName() string   { return "arrow.uuid" }
func (*uuidType) Serialize() string       { return "" }
func (*uuidType) ExtensionEquals(o arrow.ExtensionType) bool {
	return o.ExtensionName() == "arrow.uuid"
}
func (u *uuidType) Deserialize(arrow.DataType, string) (arrow.ExtensionType, error) {
	return u, nil
}

// TestExtensionTypes are written as what they are stored as, with their name in the Arrow schema.
func TestExtensionTypes(t *testing.T) {
	mem := checked(t)
	typ := &uuidType{arrow.ExtensionBase{Storage: &arrow.FixedSizeBinaryType{ByteWidth: 4}}}
	s := arrow.NewSchema([]arrow.Field{{Name: "u", Type: typ}}, nil)
	var out bytes.Buffer
	w, err := New(&out, s, Options{Mem: mem})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(newLone(data(typ, 2, nil, nil, []byte("abcdefgh")))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := readBack(t, out.Bytes())
	sameColumns(t, got, [][]entry{{{0, 0, `"abcd"`}, {0, 0, `"efgh"`}}})
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(f.Metadata().KeyValueMetadata[0].Value)
	if err != nil || !bytes.Contains(raw, []byte("arrow.uuid")) {
		t.Errorf("no name of the extension in the Arrow schema: %v", err)
	}
}
