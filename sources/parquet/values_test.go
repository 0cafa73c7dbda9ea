package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// cell writes the value at i so that equal values, and no others, give equal text; how the type spells them is left out.
func cell(b *strings.Builder, a arrow.Array, i int) {
	if a.IsNull(i) {
		b.WriteString("null")
		return
	}
	switch a := a.(type) {
	case *array.String:
		b.WriteString(strconv.Quote(a.Value(i)))
	case *array.LargeString:
		b.WriteString(strconv.Quote(a.Value(i)))
	case *array.Binary:
		b.WriteString(strconv.Quote(string(a.Value(i))))
	case *array.LargeBinary:
		b.WriteString(strconv.Quote(string(a.Value(i))))
	case *array.FixedSizeBinary:
		b.WriteString(strconv.Quote(string(a.Value(i))))
	case *array.Float32:
		fmt.Fprintf(b, "f%x", math.Float32bits(a.Value(i)))
	case *array.Float64:
		fmt.Fprintf(b, "d%x", math.Float64bits(a.Value(i)))
	case *array.Float16:
		fmt.Fprintf(b, "h%x", a.Value(i).Uint16())
	case *array.Decimal128:
		t := a.DataType().(*arrow.Decimal128Type)
		fmt.Fprintf(b, "%se-%d", a.Value(i).BigInt(), t.Scale)
	case *array.Decimal256:
		t := a.DataType().(*arrow.Decimal256Type)
		fmt.Fprintf(b, "%se-%d", a.Value(i).BigInt(), t.Scale)
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		fmt.Fprintf(b, "%d%s%s", a.Value(i), t.Unit, t.TimeZone)
	case *array.Time32:
		fmt.Fprintf(b, "%d%s", a.Value(i), a.DataType().(*arrow.Time32Type).Unit)
	case *array.Time64:
		fmt.Fprintf(b, "%d%s", a.Value(i), a.DataType().(*arrow.Time64Type).Unit)
	case *array.Duration:
		fmt.Fprintf(b, "%d%s", a.Value(i), a.DataType().(*arrow.DurationType).Unit)
	case *array.Struct:
		b.WriteByte('{')
		for k := range a.NumField() {
			fmt.Fprintf(b, "%q:", a.DataType().(*arrow.StructType).Field(k).Name)
			cell(b, a.Field(k), i)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case *array.Map:
		lo, hi := a.ValueOffsets(i)
		b.WriteByte('<')
		for k := lo; k < hi; k++ {
			cell(b, a.Keys(), int(k))
			b.WriteByte('=')
			cell(b, a.Items(), int(k))
			b.WriteByte(',')
		}
		b.WriteByte('>')
	case array.ListLike:
		lo, hi := a.ValueOffsets(i)
		b.WriteByte('[')
		for k := lo; k < hi; k++ {
			cell(b, a.ListValues(), int(k))
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default: // booleans, integers, dates
		b.WriteString(a.ValueStr(i))
	}
}

// rowsOf gives the text of every row of a record.
func rowsOf(rec arrow.Record) []string {
	out := make([]string, rec.NumRows())
	for i := range out {
		var b strings.Builder
		for k, c := range rec.Columns() {
			fmt.Fprintf(&b, "%s=", rec.ColumnName(k))
			cell(&b, c, i)
			b.WriteByte(';')
		}
		out[i] = b.String()
	}
	return out
}

// readAll gives the text of every row of a partition from row from on, and the rows after which batches ended.
func readAll(s *Source, p pipeline.Partition, from int64) (rows []string, ends []int64, err error) {
	ctx := context.Background()
	r, err := s.Open(ctx, p, from)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for at := from; ; {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return rows, ends, nil
		}
		if err != nil {
			return rows, ends, err
		}
		if b.First != at || b.Next != at+int64(b.NumRows()) || b.NumRows() == 0 || b.Partition.ID != p.ID {
			return rows, ends, fmt.Errorf("batch [%d, %d) of %d rows after row %d", b.First, b.Next, b.NumRows(), at)
		}
		for k, c := range b.Record.Columns() {
			if f := b.Record.Schema().Field(k); !f.Nullable && c.NullN() > 0 {
				return rows, ends, fmt.Errorf("nulls in the required column %s", f.Name)
			}
		}
		rows = append(rows, rowsOf(b.Record)...)
		at = b.Next
		ends = append(ends, at)
		b.Release()
	}
}

// dirty hands out memory as a pool does: full of what was there before.
type dirty struct{ memory.Allocator }

func (d dirty) Allocate(n int) []byte {
	b := d.Allocator.Allocate(n)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

// readFile gives the text of every row of a file, read with a checked allocator in batches of batch rows.
func readFile(t *testing.T, path string, batch int) ([]string, error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(dirty{memory.DefaultAllocator})
	rows, err := readWith(Config{Paths: []string{path}, BatchRows: batch, Mem: mem})
	if err == nil { // what a panic leaves behind is the garbage collector's
		mem.AssertSize(t, 0)
	}
	return rows, err
}

func readWith(cfg Config) (rows []string, err error) {
	s, err := New(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	parts, err := s.Plan(context.Background())
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		r, _, err := readAll(s, p, p.First)
		rows = append(rows, r...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// readStream gives the text of every row of an Arrow IPC stream.
func readStream(path string) ([]string, *arrow.Schema, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r, err := ipc.NewReader(f)
	if err != nil {
		return nil, nil, err
	}
	defer r.Release()
	var rows []string
	for r.Next() {
		rows = append(rows, rowsOf(r.Record())...)
	}
	return rows, r.Schema(), r.Err()
}

// sameRows fails a test at the first row that differs.
func sameRows(t *testing.T, name string, got, want []string) bool {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: row %d\n got %.600s\nwant %.600s", name, i, got[i], want[i])
			return false
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		return false
	}
	return true
}
