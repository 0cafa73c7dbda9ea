package parquet

import "encoding/binary"

// A table is a table of a flatbuffer, read with checks where the generated readers have none. Damaged offsets panic with an
// index out of range, which the caller turns into "no such schema".
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

func (t table) byte(i int) byte {
	if o := t.field(i); o != 0 {
		return t.b[o]
	}
	return 0
}

func (t table) int16(i int, absent int16) int16 {
	if o := t.field(i); o != 0 {
		return int16(binary.LittleEndian.Uint16(t.b[o:]))
	}
	return absent
}

func (t table) int32(i int, absent int32) int32 {
	if o := t.field(i); o != 0 {
		return int32(binary.LittleEndian.Uint32(t.b[o:]))
	}
	return absent
}

func (t table) string(i int) string {
	o := t.field(i)
	if o == 0 {
		return ""
	}
	o = t.deref(o)
	n := int(binary.LittleEndian.Uint32(t.b[o:]))
	return string(t.b[o+4:][:n])
}

func (t table) table(i int) (table, bool) {
	o := t.field(i)
	if o == 0 {
		return table{}, false
	}
	return table{t.b, t.deref(o)}, true
}

// vector returns the number of elements of a vector of tables, and where they start.
func (t table) vector(i int) (n, at int) {
	o := t.field(i)
	if o == 0 {
		return 0, 0
	}
	o = t.deref(o)
	n = int(binary.LittleEndian.Uint32(t.b[o:]))
	_ = t.b[o+4:][:4*n]
	return n, o + 4
}

// element returns table k of the vector at at.
func (t table) element(at, k int) table { return table{t.b, t.deref(at + 4*k)} }
