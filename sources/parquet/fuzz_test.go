package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"inoculate/pipeline/pool"
)

const small = "testdata/small.parquet" // few columns of every kind, with an Arrow schema

func footerOf(f testing.TB, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	n := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	return b[len(b)-8-n : len(b)-8]
}

// FuzzFooter decodes footers. Only the Arrow schema in them may rely on a recovered panic.
func FuzzFooter(f *testing.F) {
	f.Add(footerOf(f, small))
	f.Add(marshal(f, &craft(format.Int32, 3).meta))
	f.Fuzz(func(t *testing.T, foot []byte) {
		b := append([]byte("PAR1"), foot...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(foot)))
		b = append(b, "PAR1"...)
		meta, err := readFooter(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		fields, leaves, err := buildSchema(meta.schema)
		if err != nil {
			return
		}
		refine(fields, meta.arrowSchema)
		file := &file{path: "x", foot: meta, fields: fields, leaves: leaves}
		file.schema()
		_ = file.checkChunks()
	})
}

// FuzzArrowSchema refines the fields of a file by damaged Arrow schemas.
func FuzzArrowSchema(f *testing.F) {
	meta := &footer{}
	if err := meta.decode(footerOf(f, small)); err != nil {
		f.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(meta.arrowSchema)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[8:])
	f.Fuzz(func(t *testing.T, message []byte) {
		fields, leaves, err := buildSchema(meta.schema)
		if err != nil {
			t.Fatal(err)
		}
		refineBy(fields, message)
		(&file{fields: fields, leaves: leaves}).schema()
	})
}

// FuzzPages walks the bytes of a column chunk of a type, codec and nesting that the first bytes choose.
func FuzzPages(f *testing.F) {
	for _, name := range fixtures(f) {
		file, err := openFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i, c := range file.foot.groups[0].chunks {
			b := make([]byte, c.compressed)
			if _, err := file.r.ReadAt(b, c.start); err != nil {
				f.Fatal(err)
			}
			if n := file.leaves[i]; len(b) < 3000 {
				f.Add(byte(n.phys), byte(n.width), byte(c.codec), byte(n.def), byte(n.rep), uint16(c.values), b)
			}
		}
		if err := file.close(); err != nil {
			f.Fatal(err)
		}
	}
	mem := pool.New(64 << 20)
	f.Fuzz(func(t *testing.T, phys, width, codec, def, rep byte, values uint16, b []byte) {
		e := element{name: "a", phys: format.Type(phys % 8), isLeaf: true, converted: -1, length: int32(width)}
		typ, _, err := leafType(&e)
		w, werr := e.storedWidth()
		if err != nil || werr != nil || !knownCodec(format.CompressionCodec(codec)) || def > 10 || rep > 10 {
			return
		}
		n := &node{name: "a", path: "a", typ: typ, phys: e.phys, width: w, def: int8(def), rep: int8(rep)}
		checked := memory.NewCheckedAllocator(mem)
		c := newColumn(n, newPages(bytes.NewReader(b), &chunk{phys: e.phys, codec: format.CompressionCodec(codec),
			values: int64(values), compressed: int64(len(b))}, n, 256, &Config{Mem: checked}), checked)
		err = nil
		for range 3 {
			if err = c.pull(5, 1<<20); err != nil {
				break
			}
			rest := c.split(min(3, c.rows))
			d, ferr := c.finish()
			if ferr == nil {
				d.Release()
			}
			c.discard()
			c.held = rest
		}
		if err == nil {
			err = c.skip(int64(values), 1<<20)
		}
		_ = err
		c.close()
		checked.AssertSize(t, 0)
	})
}

// FuzzDelta decodes DELTA_BINARY_PACKED in one go and in pieces, and finds the same end.
func FuzzDelta(f *testing.F) {
	f.Add([]byte{128, 1, 4, 5, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0}, uint8(2))
	f.Add([]byte{128, 1, 1, 200, 1, 0, 0, 64}, uint8(7))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		d, err := newDelta(b)
		if err != nil || d.total > 1<<16 {
			return
		}
		rest, rerr := d.rest()
		whole := make([]int64, d.total)
		one := *d
		err = one.read(whole)
		if (err == nil) != (rerr == nil) {
			t.Fatalf("reading: %v, skipping: %v", err, rerr)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(one.b, rest) {
			t.Fatalf("%d bytes behind the values, %d when they are skipped", len(one.b), len(rest))
		}
		var some []int64
		for len(some) < len(whole) {
			part := make([]int64, min(int(step)+1, len(whole)-len(some)))
			if err := d.read(part); err != nil {
				t.Fatal(err)
			}
			some = append(some, part...)
		}
		for i := range whole {
			if whole[i] != some[i] {
				t.Fatalf("value %d is %d or %d", i, whole[i], some[i])
			}
		}
	})
}

// FuzzPageHeader decodes page headers, and says of every prefix of a good one that it is too short.
func FuzzPageHeader(f *testing.F) {
	f.Add(dataPage(f, 3, format.Plain, nil, nil))
	f.Add(dictPage(f, 3, nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodePageHeader(b)
		if err != nil {
			return
		}
		for n := range h.size {
			if _, err := decodePageHeader(b[:n]); err != io.ErrUnexpectedEOF {
				t.Fatalf("%d of %d bytes: %v", n, h.size, err)
			}
		}
	})
}
