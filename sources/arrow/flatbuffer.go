package arrow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// A table is a table of a flatbuffer. The decoder makes room for as many fields and pairs as a vector says it has; these
// are looked at first, since a damaged count would take all memory. Damaged offsets panic, which a caller makes an error.
type table struct {
	b   []byte
	pos int
}

func rootTable(b []byte) table { return table{b, int(binary.LittleEndian.Uint32(b))} }

// field returns the offset of field number i, 0 when it is absent.
func (t table) field(i int) int {
	vt := t.pos - int(int32(binary.LittleEndian.Uint32(t.b[t.pos:])))
	at := 4 + 2*i
	if at >= int(binary.LittleEndian.Uint16(t.b[vt:])) {
		return 0
	}
	if o := int(binary.LittleEndian.Uint16(t.b[vt+at:])); o != 0 {
		return t.pos + o
	}
	return 0
}

func (t table) deref(o int) int { return o + int(binary.LittleEndian.Uint32(t.b[o:])) }

// tables returns the tables of the vector in field i.
func (t table) tables(i int) (out []table) {
	o := t.field(i)
	if o == 0 {
		return nil
	}
	o = t.deref(o)
	n := int(binary.LittleEndian.Uint32(t.b[o:]))
	o += 4
	_ = t.b[o:][:4*n]
	for k := range n {
		out = append(out, table{t.b, t.deref(o + 4*k)})
	}
	return out
}

// Numbers of the fields in Arrow's Message, Footer, Schema and Field.
const (
	messageHeader = 2
	footerSchema  = 1
	schemaFields  = 1
	schemaPairs   = 2
	fieldChildren = 5
	fieldPairs    = 6
)

// checkSchema walks through the schema in field i of the flatbuffer b.
func checkSchema(b []byte, i int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Arrow data: the schema: %v", p)
		}
	}()
	o := rootTable(b).field(i)
	if o == 0 {
		return errors.New("damaged Arrow data: there is no schema")
	}
	s := table{b, rootTable(b).deref(o)}
	s.tables(schemaPairs)
	return checkFields(s.tables(schemaFields), 0)
}

func checkFields(fields []table, depth int) error {
	if depth > 64 {
		return errors.New("damaged Arrow data: types are nested more than 64 deep")
	}
	for _, f := range fields {
		f.tables(fieldPairs)
		if err := checkFields(f.tables(fieldChildren), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// checkFooter is checkSchema for the footer of an IPC file.
func checkFooter(f *os.File, size int64) error {
	end := make([]byte, 4+len(fileMagic))
	if _, err := f.ReadAt(end, max(size-int64(len(end)), 0)); err != nil {
		return fmt.Errorf("reading the footer: %w", err)
	}
	n := int64(binary.LittleEndian.Uint32(end))
	from := size - int64(len(end)) - n
	if string(end[4:]) != string(fileMagic) || from < int64(len(fileMagic)) {
		return errors.New("the file is cut off: it ends without a footer")
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, from); err != nil {
		return fmt.Errorf("reading the footer: %w", err)
	}
	return checkSchema(b, footerSchema)
}
