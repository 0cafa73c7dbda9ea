package parquetfile

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const magic = "PAR1"

// newMeta is the footer of a file without rows.
func newMeta(s *arrow.Schema, b *builder) (fileMetaData, error) {
	encoded, err := arrowSchema(s)
	m := fileMetaData{Version: 2, Schema: b.elems, CreatedBy: "inoculate",
		KeyValues: []format.KeyValue{{Key: "ARROW:schema", Value: encoded}}}
	for range b.leaves {
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return m, err
}

// arrowSchema is the IPC message of the schema's fields, in base64: what the types of Parquet cannot tell. The schema's own
// metadata stay out: they are about the file that it came from.
func arrowSchema(s *arrow.Schema) (string, error) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(arrow.NewSchema(s.Fields(), nil)))
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("writing the Arrow schema: %w", err)
	}
	message := bytes.TrimSuffix(b.Bytes(), []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) // end of the stream
	return base64.StdEncoding.EncodeToString(message), nil
}

// finish writes the page indexes and the footer.
func (w *Writer) finish() error {
	for g := range w.meta.RowGroups {
		for i := range w.meta.RowGroups[g].Columns {
			c := &w.meta.RowGroups[g].Columns[i]
			if !c.indexed {
				continue
			}
			at, n, err := w.writeStruct(c.bounds)
			if err != nil {
				return err
			}
			c.ColumnIndexOffset, c.ColumnIndexLength = thrift.New(at), thrift.New(n)
		}
	}
	for g := range w.meta.RowGroups {
		for i := range w.meta.RowGroups[g].Columns {
			c := &w.meta.RowGroups[g].Columns[i]
			var err error
			if c.OffsetIndexOffset, c.OffsetIndexLength, err = w.writeStruct(c.offsets); err != nil {
				return err
			}
		}
	}
	_, n, err := w.writeStruct(w.meta)
	if err != nil {
		return err
	}
	return w.write(binary.LittleEndian.AppendUint32(nil, uint32(n)), []byte(magic))
}

func (w *Writer) writeStruct(v any) (at int64, n int32, err error) {
	b, err := marshal(v)
	if err != nil {
		return 0, 0, err
	}
	if len(b) > math.MaxInt32 {
		return 0, 0, fmt.Errorf("%d bytes of metadata, 2 GiB or more", len(b))
	}
	at = w.offset
	return at, int32(len(b)), w.write(b)
}

// write appends to the file.
func (w *Writer) write(parts ...[]byte) error {
	for _, p := range parts {
		if _, err := w.w.Write(p); err != nil {
			return err
		}
		w.offset += int64(len(p))
	}
	return nil
}
