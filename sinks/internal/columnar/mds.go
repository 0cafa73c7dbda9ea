package columnar

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
	"inoculate/schemas/jsontext"
)

// mdsFile is one shard of MosaicML's streaming format, version 2. Every column is JSON, which holds nulls and nested values
// too; the reader gives Python values. A shard begins with the places of its samples, so it is kept until it is whole.
type mdsFile struct {
	w       io.Writer
	zstd    bool
	head    []byte
	columns []mdsColumn // by name
	starts  []uint32    // of the samples, in samples
	samples []byte
	value   []byte
}

type mdsColumn struct {
	index  int
	schema *arrow.Schema // of it alone
	enc    *jsonrow.Encoder
	key    int // bytes before the value in what enc writes
}

// MDSShard is the entry of a shard in index.json.
type MDSShard struct {
	MDSHead
	RawData *MDSEntry `json:"raw_data"`
	Samples int64     `json:"samples"`
	ZipData *MDSEntry `json:"zip_data"`
}

// MDSHead is what the header of a shard says.
type MDSHead struct {
	Encodings   []string `json:"column_encodings"`
	Names       []string `json:"column_names"`
	Sizes       []*int   `json:"column_sizes"`
	Compression *string  `json:"compression"`
	Format      string   `json:"format"`
	Hashes      []string `json:"hashes"`
	SizeLimit   int64    `json:"size_limit"`
	Version     int      `json:"version"`
}

// MDSEntry is a file of a shard.
type MDSEntry struct {
	Basename string            `json:"basename"`
	Bytes    int64             `json:"bytes"`
	Hashes   map[string]string `json:"hashes"`
}

// MDSLimit is the input of a segment that becomes a shard.
const MDSLimit = 64 << 20

// NewMDSHead is the header of shards of a schema.
func NewMDSHead(s *arrow.Schema, compressed bool) MDSHead {
	h := MDSHead{Format: "mds", Hashes: []string{}, SizeLimit: MDSLimit, Version: 2}
	for _, f := range s.Fields() {
		h.Names = append(h.Names, f.Name)
	}
	slices.Sort(h.Names)
	for range h.Names {
		h.Encodings, h.Sizes = append(h.Encodings, "json"), append(h.Sizes, nil)
	}
	if compressed {
		name := "zstd"
		h.Compression = &name
	}
	return h
}

func newMDS(w io.Writer, schema *arrow.Schema, compressed bool) (*mdsFile, error) {
	f := &mdsFile{w: w, zstd: compressed}
	var err error
	if f.head, err = json.Marshal(NewMDSHead(schema, compressed)); err != nil {
		return nil, fmt.Errorf("writing the header of a shard: %w", err)
	}
	for i, field := range schema.Fields() {
		c := mdsColumn{index: i, schema: arrow.NewSchema([]arrow.Field{field}, nil), key: len(jsontext.AppendQuoted(nil, []byte(field.Name))) + len(`{: `)}
		if c.enc, err = jsonrow.NewEncoder(c.schema); err != nil {
			return nil, err
		}
		f.columns = append(f.columns, c)
	}
	slices.SortFunc(f.columns, func(a, b mdsColumn) int { return strings.Compare(a.schema.Field(0).Name, b.schema.Field(0).Name) })
	return f, nil
}

func (f *mdsFile) write(rows pipeline.Rows) error {
	recs := make([]arrow.Record, len(f.columns))
	for i, c := range f.columns {
		recs[i] = array.NewRecord(c.schema, rows.Record.Columns()[c.index:c.index+1], rows.Record.NumRows())
		defer recs[i].Release()
	}
	for row := range rows.N {
		f.starts = append(f.starts, uint32(len(f.samples)))
		sizes := len(f.samples)
		f.samples = append(f.samples, make([]byte, 4*len(f.columns))...)
		for i, c := range f.columns {
			var err error
			if f.value, err = c.enc.Append(f.value[:0], recs[i], row); err != nil {
				return err
			}
			v := f.value[c.key : len(f.value)-1]
			binary.LittleEndian.PutUint32(f.samples[sizes+4*i:], uint32(len(v)))
			f.samples = append(f.samples, v...)
		}
		if len(f.samples) > math.MaxUint32-len(f.head)-4*(len(f.starts)+3) {
			return fmt.Errorf("a shard has more than 4 GiB")
		}
	}
	return nil
}

func (f *mdsFile) close() error {
	start := 4 + 4*(len(f.starts)+1) + len(f.head)
	out := make([]byte, 0, start)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(f.starts)))
	for _, at := range f.starts {
		out = binary.LittleEndian.AppendUint32(out, uint32(start)+at)
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(start+len(f.samples)))
	out = append(out, f.head...)
	if !f.zstd {
		_, err := f.w.Write(out)
		if err == nil {
			_, err = f.w.Write(f.samples)
		}
		return err
	}
	out = append(out, f.samples...)
	// The frame says how many bytes it holds; a small one does so only as a single segment.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(len(out) < 1<<16))
	if err != nil {
		return fmt.Errorf("compressing a shard: %w", err)
	}
	if _, err := f.w.Write(z.EncodeAll(out, nil)); err != nil {
		return err
	}
	return z.Close()
}

func (f *mdsFile) abort() {}

// A Shard makes the bytes of a shard, not compressed, from records.
type Shard struct{ f *mdsFile }

// NewShard writes to w at Close.
func NewShard(w io.Writer, schema *arrow.Schema, compressed bool) (*Shard, error) {
	f, err := newMDS(w, schema, compressed)
	if err != nil {
		return nil, err
	}
	f.zstd = false
	return &Shard{f}, nil
}

// Write adds the rows of a record.
func (s *Shard) Write(rec arrow.Record) error {
	return s.f.write(pipeline.Rows{Record: rec, N: int(rec.NumRows())})
}

// Close writes the shard.
func (s *Shard) Close() error { return s.f.close() }
