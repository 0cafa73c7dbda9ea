package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"inoculate/pipeline"
)

// readBytes reads the content of a file and returns the memory that this allocated, in bytes.
func readBytes(t *testing.T, b []byte) (rows []string, allocated uint64, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows, err = readDamaged(t, path)
	runtime.ReadMemStats(&after)
	return rows, after.TotalAlloc - before.TotalAlloc, err
}

func TestCraftedFileIsRead(t *testing.T) {
	body := int32s(1, 2, 3)
	rows, _, err := readBytes(t, craft(format.Int32, 3, dataPage(t, 3, format.Plain, body, checksum(body))).bytes(t))
	if err != nil || !slices.Equal(rows, []string{"a=1;", "a=2;", "a=3;"}) {
		t.Fatalf("%v, %v", rows, err)
	}
}

// TestRefusals holds what is refused against the reason given, and against the memory it took.
func TestRefusals(t *testing.T) {
	page := dataPage(t, 3, format.Plain, int32s(1, 2, 3), nil)
	ints := func(change func(*crafted)) []byte {
		c := craft(format.Int32, 3, page)
		change(c)
		return c.bytes(t)
	}
	pages := func(typ format.Type, rows int64, pages ...[]byte) []byte { return craft(typ, rows, pages...).bytes(t) }
	claim := func(codec format.CompressionCodec, body []byte) []byte {
		c := craft(format.Int32, 3, dataPage(t, 3, format.Plain, body, func(h *format.PageHeader) { h.UncompressedPageSize = 1<<31 - 1 }))
		c.chunk().Codec = codec
		return c.bytes(t)
	}
	whole := craft(format.Int32, 3, page).bytes(t)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing but magic", []byte("PAR1PAR1"), "not a Parquet file"},
		{"empty", nil, "not a Parquet file"},
		{"text", []byte("id,text\n1,hello\n2,world\n"), `not a Parquet file: it begins with "id,t"`},
		{"no footer", whole[:len(whole)-3], "truncated"},
		{"encrypted footer", slices.Concat(whole[:len(whole)-4], []byte("PARE")), "encrypted"},
		{"encrypted file", slices.Concat([]byte("PARE"), whole[4:]), "encrypted"},
		{"footer of nothing", slices.Concat([]byte("PAR1"), make([]byte, 4), []byte("PAR1")), "footer of 0 bytes"},
		{"footer of 4 GiB", ints(func(c *crafted) { c.size = 1<<32 - 1 }), "footer of 4294967295 bytes"},
		{"footer of zeros", ints(func(c *crafted) { c.foot = make([]byte, 100) }), "without schema"},
		{"footer with a list of 2 billion", ints(func(c *crafted) { c.foot = append([]byte{0x29, 0xfc}, 0xff, 0xff, 0xff, 0xff, 0x07) }), "footer"},
		{"footer of nested structs", ints(func(c *crafted) { c.foot = bytes.Repeat([]byte{0x1c}, 1<<20) }), "nesting deeper"},
		{"encryption algorithm", ints(func(c *crafted) { c.meta.EncryptionAlgorithm.Value = &format.AesGcmV1{} }), "encrypted"},
		{"encrypted column", ints(func(c *crafted) {
			c.meta.RowGroups[0].Columns[0].CryptoMetadata.Value = &format.EncryptionWithFooterKey{}
		}), "row group 0: field a: not supported: the column is encrypted"},
		{"other file", ints(func(c *crafted) { c.meta.RowGroups[0].Columns[0].FilePath = "b.parquet" }), "another file"},
		{"codec LZO", ints(func(c *crafted) { c.chunk().Codec = format.LZO }), "compression codec LZO"},
		{"codec 99", ints(func(c *crafted) { c.chunk().Codec = 99 }), "compression codec"},
		{"type of chunk", ints(func(c *crafted) { c.chunk().Type = format.Double }), "the column chunk holds DOUBLE, the schema says INT32"},
		{"type 9", ints(func(c *crafted) { c.leaf().Type = opt(format.Type(9)) }), "physical type 9"},
		{"variant", ints(func(c *crafted) { c.leaf().LogicalType.Value = &format.VariantType{} }), "VARIANT"},
		{"geometry", ints(func(c *crafted) { c.leaf().LogicalType.Value = &format.GeometryType{} }), "GEOMETRY"},
		{"string of INT32", ints(func(c *crafted) { c.leaf().LogicalType.Value = &format.StringType{} }), "a utf8 cannot be stored as INT32"},
		{"decimal of 99 digits", ints(func(c *crafted) { c.leaf().LogicalType.Value = &format.DecimalType{Precision: 99} }), "decimals of 99 digits"},
		{"row count", ints(func(c *crafted) { c.meta.NumRows = 4 }), "3 rows in row groups, 4"},
		{"too few values", ints(func(c *crafted) { c.meta.NumRows, c.meta.RowGroups[0].NumRows = 4, 4 }), "3 values for 4 rows"},
		{"too many values", ints(func(c *crafted) { c.meta.NumRows, c.meta.RowGroups[0].NumRows = 2, 2 }), "3 values for 2 rows"},
		{"fewer values in pages", pages(format.Int32, 3, dataPage(t, 2, format.Plain, int32s(1, 2), nil)), "row group 0, row 2: field a"},
		{"chunk outside", ints(func(c *crafted) { c.chunk().TotalCompressedSize = 1 << 40 }), "outside the data"},
		{"chunk before", ints(func(c *crafted) { c.chunk().DataPageOffset = 1 }), "outside the data"},
		{"more values in the page", pages(format.Int32, 3, dataPage(t, 4, format.Plain, int32s(1, 2, 3, 4), nil)), "page of 4 values where the column chunk has 3 left"},
		{"page of 2 GiB", claim(format.Snappy, int32s(1, 2, 3)), "cannot become 2147483647"},
		{"gzip page of 2 GiB", claim(format.Gzip, int32s(1, 2, 3)), "cannot become 2147483647"},
		{"lz4 page of 2 GiB", claim(format.Lz4Raw, int32s(1, 2, 3)), "cannot become 2147483647"},
		{"zstd page of 2 GiB", claim(format.Zstd, int32s(1, 2, 3)), "cannot become 2147483647"},
		{"larger zstd page of 2 GiB", claim(format.Zstd, make([]byte, 1<<17)), "decompressing ZSTD"},
		{"brotli page of 2 GiB", claim(format.Brotli, int32s(1, 2, 3)), "decompressing BROTLI"},
		{"plain page of 2 GiB", claim(format.Uncompressed, int32s(1, 2, 3)), "12 bytes instead of 2147483647"},
		{"compressed page of 2 GiB", pages(format.Int32, 3, dataPage(t, 3, format.Plain, nil, func(h *format.PageHeader) { h.CompressedPageSize = 1<<31 - 1 })), "page of 2147483647 bytes"},
		{"value of 4 GiB", pages(format.ByteArray, 1, dataPage(t, 1, format.Plain, int32s(1<<32-1), nil)), "a value of 4294967295 bytes where the page has 0"},
		{"encoding 1", pages(format.Int32, 3, dataPage(t, 3, 1, int32s(1, 2, 3), nil)), "encoding 1"},
		{"encoding 77", pages(format.Int32, 3, dataPage(t, 3, 77, int32s(1, 2, 3), nil)), "encoding 77"},
		{"encoding of strings", pages(format.Int32, 3, dataPage(t, 3, format.DeltaByteArray, int32s(1, 2, 3), nil)), "encoding DELTA_BYTE_ARRAY for INT32"},
		{"page type 9", pages(format.Int32, 3, dataPage(t, 3, format.Plain, int32s(1, 2, 3), func(h *format.PageHeader) { h.Type = 9 })), "page header of type 9"},
		{"no dictionary", pages(format.Int32, 3, dataPage(t, 3, format.RLEDictionary, []byte{1, 6, 0}, nil)), "the dictionary is missing"},
		{"dictionary index", pages(format.Int32, 3, dictPage(t, 2, int32s(7, 8), nil), dataPage(t, 3, format.RLEDictionary, []byte{8, 6, 2}, nil)), "index 2 into a dictionary of 2 values"},
		{"two dictionaries", pages(format.Int32, 3, dictPage(t, 1, int32s(7), nil), dictPage(t, 1, int32s(7), nil)), "a second dictionary"},
		{"dictionary of too many", pages(format.Int32, 3, dictPage(t, 1<<31-1, int32s(7), nil)), "2147483647 values in 4 bytes"},
		{"checksum", pages(format.Int32, 3, dataPage(t, 3, format.Plain, int32s(1, 2, 3), checksum(int32s(1, 2, 4)))), "row group 0, row 0: field a: corrupt Parquet data: the page's checksum is wrong"},
		{"checksum of the dictionary", pages(format.Int32, 1, dictPage(t, 1, int32s(7), checksum(int32s(8))), dataPage(t, 1, format.RLEDictionary, []byte{1, 2, 0}, nil)), "checksum is wrong"},
		{"delta blocks", pages(format.Int32, 3, dataPage(t, 3, format.DeltaBinaryPacked, []byte{0x80, 0x80, 0x80, 0x80, 0x08, 1, 3, 0}, nil)), "delta blocks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, allocated, err := readBytes(t, c.file)
			ie, ok := errors.AsType[*pipeline.InputError](err)
			if !ok || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, %v; want %q", rows, err, c.want)
			}
			if filepath.Base(ie.Source) != "x.parquet" {
				t.Errorf("source %s", ie.Source)
			}
			if allocated > 48<<20 {
				t.Errorf("%d MiB allocated", allocated>>20)
			}
		})
	}
}

// TestExpansion: a page that holds more than it may for its size is not decompressed, where there is such a limit.
func TestExpansion(t *testing.T) {
	body := make([]byte, 1000)
	c := craft(format.Int32, 3, dataPage(t, 3, format.Plain, body, func(h *format.PageHeader) { h.UncompressedPageSize = 128 << 20 }))
	c.chunk().Codec = format.Brotli
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, c.bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	for expansion, want := range map[int64]error{0: ErrCorrupt, 1000: ErrExpansion, 1 << 20: ErrCorrupt} {
		s, err := New(t.Context(), Config{Paths: []string{path}, Expansion: expansion})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = readAll(s, pipeline.Partition{Path: path, End: 3}, 0)
		if ie, ok := errors.AsType[*pipeline.InputError](err); !ok || !errors.Is(err, want) || (ie.Hint != "") != (want == ErrExpansion) {
			t.Errorf("%d times its size: %v", expansion, err)
		}
	}
}

// TestChecksumOfZero is about a page whose checksum is there and 0, which it must not have.
func TestChecksumOfZero(t *testing.T) {
	page := dataPage(t, 3, format.Plain, int32s(1, 2, 3), checksum(int32s(1, 2, 3)))
	h, err := decodePageHeader(page)
	if err != nil || !h.hasCRC {
		t.Fatalf("%+v, %v", h, err)
	}
	at := bytes.Index(page, binary.AppendVarint(nil, int64(int32(h.crc))))
	zero := slices.Concat(page[:at], []byte{0}, page[at+len(binary.AppendVarint(nil, int64(int32(h.crc)))):])
	if _, _, err := readBytes(t, craft(format.Int32, 3, zero).bytes(t)); err == nil || !strings.Contains(err.Error(), "checksum is wrong") {
		t.Fatalf("%v", err)
	}
}

// TestLongRuns reads pages of a few bytes that stand for very many values, without memory for them.
func TestLongRuns(t *testing.T) {
	n := int64(1 << 30)
	if testing.Short() { // the race detector makes each ten times as slow
		n >>= 5
	}
	run := append(binary.AppendUvarint(nil, uint64(n)<<1), 0)
	nulls := append(int32s(uint32(len(run))), run...)
	c := craft(format.Int32, n, dataPage(t, int32(n), format.Plain, nulls, nil))
	c.leaf().RepetitionType = opt(format.Optional)
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, c.bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Config{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.Partition{Path: path, End: n}
	rows, _, err := readAll(s, pipeline.Partition{Path: path, First: n - 3, End: n}, n-3)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v, %v", rows, err)
	}
	r, err := s.Open(t.Context(), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		b, err := r.Next(t.Context())
		if err != nil || b.NumRows() != DefaultBatchRows {
			t.Fatalf("%d rows, %v", b.NumRows(), err)
		}
		b.Release()
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d MiB allocated", got>>20)
	}
}

// TestEndlessRow is about a row that claims a billion elements in a few bytes.
func TestEndlessRow(t *testing.T) {
	rep := append([]byte{2, 0}, append(binary.AppendUvarint(nil, (1<<30-1)<<1), 1)...)
	def := append(binary.AppendUvarint(nil, 1<<30<<1), 0)
	body := slices.Concat(int32s(uint32(len(rep))), rep, int32s(uint32(len(def))), def)
	c := craft(format.Int32, 1, dataPage(t, 1<<30, format.Plain, body, nil))
	c.leaf().RepetitionType = opt(format.Repeated)
	c.chunk().NumValues = 1 << 30
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, c.bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := readWith(Config{Paths: []string{path}})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("more than %d values", maxEntries)) {
		t.Fatalf("%v", err)
	}
}
