package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"inoculate/sources/internal/flatbuffer"
)

// The decoder makes room for as many fields and pairs as a vector says it has; these are looked at first, since a damaged count
// would take all memory.

// tables returns the tables of the vector in field i.
func tables(t flatbuffer.Table, i int) []flatbuffer.Table {
	n, at := t.Vector(i)
	out := make([]flatbuffer.Table, n)
	for k := range out {
		out[k] = t.Element(at, k)
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
	s, ok := flatbuffer.Root(b).Table(i)
	if !ok {
		return errors.New("damaged Arrow data: there is no schema")
	}
	tables(s, schemaPairs)
	return checkFields(tables(s, schemaFields), 0)
}

func checkFields(fields []flatbuffer.Table, depth int) error {
	if depth > 64 {
		return errors.New("damaged Arrow data: types are nested more than 64 deep")
	}
	for _, f := range fields {
		tables(f, fieldPairs)
		if err := checkFields(tables(f, fieldChildren), depth+1); err != nil {
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
