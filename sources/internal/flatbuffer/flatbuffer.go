// Package flatbuffer reads tables of flatbuffers where the generated readers have no checks: what a file says about itself is
// looked at before anything is allocated for it.
package flatbuffer

import "encoding/binary"

// A Table is one table. Damaged offsets panic with an index out of range, which the caller recovers and makes an error.
type Table struct {
	b   []byte
	pos int
}

// Root is the root table of a buffer.
func Root(b []byte) Table { return Table{b, int(binary.LittleEndian.Uint32(b))} }

// Field returns the offset of field number i, 0 when it is absent.
func (t Table) Field(i int) int {
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

// Deref follows the offset that stands at o.
func (t Table) Deref(o int) int { return o + int(binary.LittleEndian.Uint32(t.b[o:])) }

// Byte is field i, 0 when it is absent.
func (t Table) Byte(i int) byte {
	if o := t.Field(i); o != 0 {
		return t.b[o]
	}
	return 0
}

// Int16 is field i.
func (t Table) Int16(i int, absent int16) int16 {
	if o := t.Field(i); o != 0 {
		return int16(binary.LittleEndian.Uint16(t.b[o:]))
	}
	return absent
}

// Int32 is field i.
func (t Table) Int32(i int, absent int32) int32 {
	if o := t.Field(i); o != 0 {
		return int32(binary.LittleEndian.Uint32(t.b[o:]))
	}
	return absent
}

// String is field i, empty when it is absent.
func (t Table) String(i int) string {
	o := t.Field(i)
	if o == 0 {
		return ""
	}
	o = t.Deref(o)
	n := int(binary.LittleEndian.Uint32(t.b[o:]))
	return string(t.b[o+4:][:n])
}

// Table is field i; false when it is absent.
func (t Table) Table(i int) (Table, bool) {
	o := t.Field(i)
	if o == 0 {
		return Table{}, false
	}
	return Table{t.b, t.Deref(o)}, true
}

// Vector returns the number of elements of the vector of tables in field i, and where they start.
func (t Table) Vector(i int) (n, at int) {
	o := t.Field(i)
	if o == 0 {
		return 0, 0
	}
	o = t.Deref(o)
	n = int(binary.LittleEndian.Uint32(t.b[o:]))
	_ = t.b[o+4:][:4*n]
	return n, o + 4
}

// Element returns table k of the vector at at.
func (t Table) Element(at, k int) Table { return Table{t.b, t.Deref(at + 4*k)} }
