package schemas

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// A View reads the conversations of one record. It borrows the record: what it returns aliases the record's buffers.
type View struct {
	layout *Layout
	slots  []slotView
	unjson []byte // decoded texts of JSON turns, and texts after edits
	turns  []Turn // of the rows that were read
	rows   []rowTurns
}

// rowTurns says where a row's turns stand, once they were read.
type rowTurns struct {
	from, to int32
	read     bool
	fault    *Fault
}

type slotView struct {
	list   offsets // of a list slot
	valid  bitmap  // of the column
	elem   bitmap  // of the list's elements (struct or JSON text)
	role   texts
	text   texts    // of the text slot, of the content, or of the JSON
	others []bitmap // of the struct's other members; all null where the member is null
}

// A Turn is one turn of a conversation, or the value of a text slot.
type Turn struct {
	Slot, Index int32
	Role        Role
	Null        bool   // there is no text
	Text        []byte // valid until the view's next Reset
	json        *jsonTurn
}

// A Fault says why a row is no conversation. Reason is short and stable.
type Fault struct{ Reason, Field, Detail string }

const noTurn = "conversation_empty"

// NoTurn tells whether the fault is that a conversation has no turn, which it may have after a strip.
func (f *Fault) NoTurn() bool { return f != nil && f.Reason == noTurn }

// NewView makes a view for l; Reset points it at a record.
func NewView(l *Layout) *View { return &View{layout: l, slots: make([]slotView, len(l.Slots))} }

// Reset points the view at rec, which must have the schema the layout was found in.
func (v *View) Reset(rec arrow.Record) {
	v.unjson, v.turns = v.unjson[:0], v.turns[:0]
	n := int(rec.NumRows())
	v.rows = slices.Grow(v.rows[:0], n)[:n]
	clear(v.rows)
	for i, s := range v.layout.Slots {
		d := rec.Column(s.Column).Data()
		sv := slotView{valid: bitmapOf(d)}
		if s.Kind == TextSlot {
			sv.text = textsOf(d)
			v.slots[i] = sv
			continue
		}
		sv.list = offsetsOf(d)
		elem := d.Children()[0]
		sv.elem = bitmapOf(elem)
		if s.Kind == JSONSlot {
			sv.text = textsOf(elem)
		} else {
			at := elem.Offset() // a struct's children do not share its offset
			sv.role, sv.text = textsOf(elem.Children()[s.role]).from(at), textsOf(elem.Children()[s.text]).from(at)
			sv.others = sv.others[:0]
			for m, c := range elem.Children() {
				if m != s.role && m != s.text && c.DataType().ID() != arrow.NULL {
					others := bitmapOf(c)
					others.off += at
					sv.others = append(sv.others, others)
				}
			}
		}
		v.slots[i] = sv
	}
}

// Turns returns the conversation of a row, as Conversation does; it is read once and valid until the next Reset.
func (v *View) Turns(row int) ([]Turn, *Fault) {
	r := &v.rows[row]
	if !r.read {
		r.read, r.from = true, int32(len(v.turns))
		v.turns, r.fault = v.Conversation(row, v.turns)
		r.to = int32(len(v.turns))
	}
	return v.turns[r.from:r.to:r.to], r.fault
}

// Conversation appends the turns of a row to dst. Text slots always give a turn, if only a null one; lists give their
// elements. A row without any turn, or with one that cannot be read, gives a fault instead.
func (v *View) Conversation(row int, dst []Turn) ([]Turn, *Fault) {
	start := len(dst)
	some := false
	for k := range v.slots {
		sv, slot := &v.slots[k], &v.layout.Slots[k]
		if slot.Kind == TextSlot {
			t := Turn{Slot: int32(k), Role: slot.Role, Null: !sv.valid.at(row)}
			if !t.Null {
				t.Text = sv.text.at(row)
				some = some || slot.Role != RoleSystem
			} else if slot.Role == RoleUser {
				return dst[:start], &Fault{"content_null", slot.Name, "the text is null"}
			}
			dst = append(dst, t)
			continue
		}
		if !sv.valid.at(row) {
			return dst[:start], &Fault{"conversation_null", slot.Name, "the conversation is null"}
		}
		from, to := sv.list.span(row)
		some = some || to > from
		for e := from; e < to; e++ {
			if !sv.elem.at(e) {
				return dst[:start], &Fault{"turn_null", fmt.Sprintf("%s[%d]", slot.Name, e-from), "the turn is null"}
			}
			t := Turn{Slot: int32(k), Index: int32(e - from)}
			var fault *Fault
			if slot.Kind == JSONSlot {
				fault = v.jsonTurn(&t, sv.text.at(e), slot)
			} else {
				fault = v.structTurn(&t, sv, e, slot)
			}
			if fault != nil {
				fault.Field = fmt.Sprintf("%s[%d].%s", slot.Name, e-from, fault.Field)
				return dst[:start], fault
			}
			dst = append(dst, t)
		}
	}
	if !some {
		return dst[:start], &Fault{noTurn, v.layout.Slots[len(v.layout.Slots)-1].Name, "the conversation has no turn"}
	}
	return dst, nil
}

func (v *View) structTurn(t *Turn, sv *slotView, e int, slot *Slot) *Fault {
	if !sv.role.valid.at(e) {
		return &Fault{"role_null", slot.RoleKey, "the role is null"}
	}
	name := sv.role.at(e)
	if t.Role = v.layout.role(name); t.Role == RoleUnknown {
		return &Fault{"role_unknown", slot.RoleKey, fmt.Sprintf("unknown role %q", clip(name))}
	}
	if t.Null = !sv.text.valid.at(e); !t.Null {
		t.Text = sv.text.at(e)
	}
	return nil
}

// Elem returns where the turn's text stands: the index in the slot's text leaf, counted from the leaf's own start.
func (v *View) Elem(row int, t Turn) int {
	if v.layout.Slots[t.Slot].Kind == TextSlot {
		return row
	}
	from, _ := v.slots[t.Slot].list.span(row)
	return from + int(t.Index)
}

func clip(b []byte) []byte {
	if len(b) > 64 {
		return b[:64]
	}
	return b
}

// offsets are the bounds of lists or strings, of either width, of a possibly sliced array.
type offsets struct {
	small []int32
	large []int64
}

func offsetsOf(d arrow.ArrayData) offsets {
	b := d.Buffers()[1]
	if d.Len() == 0 || b == nil {
		return offsets{small: make([]int32, d.Len()+1)}
	}
	switch d.DataType().ID() {
	case arrow.LARGE_LIST, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return offsets{large: arrow.Int64Traits.CastFromBytes(b.Bytes())[d.Offset() : d.Offset()+d.Len()+1]}
	}
	return offsets{small: arrow.Int32Traits.CastFromBytes(b.Bytes())[d.Offset() : d.Offset()+d.Len()+1]}
}

func (o *offsets) span(i int) (from, to int) {
	if o.large != nil {
		return int(o.large[i]), int(o.large[i+1])
	}
	return int(o.small[i]), int(o.small[i+1])
}

func (o offsets) from(i int) offsets {
	if o.large != nil {
		return offsets{large: o.large[i:]}
	}
	return offsets{small: o.small[i:]}
}

// bitmap is a validity bitmap; without bits everything is valid.
type bitmap struct {
	bits []byte
	off  int
}

func bitmapOf(d arrow.ArrayData) bitmap {
	if b := d.Buffers(); len(b) > 0 && b[0] != nil && d.NullN() != 0 {
		return bitmap{bits: b[0].Bytes(), off: d.Offset()}
	}
	return bitmap{}
}

func (m *bitmap) at(i int) bool {
	i += m.off
	return m.bits == nil || m.bits[i>>3]>>(i&7)&1 == 1
}

// texts are the values of a string array.
type texts struct {
	valid bitmap
	offs  offsets
	data  []byte
}

func textsOf(d arrow.ArrayData) texts {
	t := texts{valid: bitmapOf(d), offs: offsetsOf(d)}
	if b := d.Buffers()[2]; b != nil {
		t.data = b.Bytes()
	}
	return t
}

func (t *texts) at(i int) []byte {
	from, to := t.offs.span(i)
	return t.data[from:to:to]
}

func (t texts) from(i int) texts {
	t.offs = t.offs.from(i)
	t.valid.off += i
	return t
}
