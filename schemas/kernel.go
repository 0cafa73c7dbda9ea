package schemas

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A Kernel copies rows of records and applies edits to their conversations in the same pass. It keeps scratch memory and
// serves one goroutine.
type Kernel struct {
	mem    memory.Allocator
	layout *Layout
	limit  int64 // bytes that one string array with 32-bit offsets may hold
	slots  []slotChanges
	view   *View
}

// slotChanges are the changes to one slot, and the memory they are kept in between batches.
type slotChanges struct {
	turns   []turnChange
	splices []splice
	column  *changes
}

// NewKernel makes a kernel for records of a schema in which l was found. All arrays it makes come from mem, uncleared
// memory included.
func NewKernel(mem memory.Allocator, l *Layout) *Kernel {
	return &Kernel{mem: mem, layout: l, limit: maxSmall, slots: make([]slotChanges, len(l.Slots)), view: NewView(l)}
}

// CheckCopyable says which column of s no kernel can copy, if there is one.
func CheckCopyable(s *arrow.Schema) error {
	for _, f := range s.Fields() {
		if err := copyable(f.Type); err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	return nil
}

func copyable(t arrow.DataType) error {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return copyable(t.StorageType())
	case *arrow.NullType, *arrow.BooleanType, *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return nil
	case *arrow.DictionaryType:
	case *arrow.ListType:
		return copyable(t.Elem())
	case *arrow.LargeListType:
		return copyable(t.Elem())
	case *arrow.FixedSizeListType:
		return copyable(t.Elem())
	case *arrow.MapType:
		return copyable(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if err := copyable(f.Type); err != nil {
				return fmt.Errorf("member %q: %w", f.Name, err)
			}
		}
		return nil
	case arrow.FixedWidthDataType:
		if t.BitWidth()%8 == 0 {
			return nil
		}
	}
	return fmt.Errorf("type %s is not supported", t)
}

// Rows copies the rows that keep names, in order, with the edits to them applied; edits to other rows are passed over.
// Edits are ordered by CompareEdits. The caller releases the record, which shares no memory with rec. A column that would
// pass 2 GiB is a *SizeError: copy fewer rows.
func (k *Kernel) Rows(rec arrow.Record, edits []Edit, keep []Run) (arrow.Record, error) {
	n := 0
	for _, r := range keep {
		n += r.N
	}
	if err := k.compile(rec, edits, keep); err != nil {
		return nil, err
	}
	columns := make([]arrow.Array, 0, rec.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, c := range rec.Columns() {
		d, err := k.gather(c.Data(), keep, n, k.changesOf(i))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", rec.ColumnName(i), err)
		}
		columns = append(columns, array.MakeFromData(d))
		d.Release()
	}
	return array.NewRecord(rec.Schema(), columns, int64(n)), nil
}

func (k *Kernel) changesOf(column int) *changes {
	for i := range k.layout.Slots {
		if k.layout.Slots[i].Column == column {
			return k.slots[i].column
		}
	}
	return nil
}

// compile sorts the edits of the kept rows into the changes of each slot.
func (k *Kernel) compile(rec arrow.Record, edits []Edit, keep []Run) error {
	for i := range k.slots {
		k.slots[i].turns, k.slots[i].splices, k.slots[i].column = k.slots[i].turns[:0], k.slots[i].splices[:0], nil
	}
	if len(edits) == 0 {
		return nil
	}
	k.view.Reset(rec)
	for _, e := range edits {
		for len(keep) > 0 && int(e.Row) >= keep[0].Start+keep[0].N {
			keep = keep[1:]
		}
		if len(keep) == 0 {
			break
		}
		if int(e.Row) < keep[0].Start {
			continue
		}
		if int(e.Slot) >= len(k.slots) {
			return fmt.Errorf("edit of slot %d in a layout of %d", e.Slot, len(k.slots))
		}
		sc, slot := &k.slots[e.Slot], &k.layout.Slots[e.Slot]
		elem := int(e.Row)
		if slot.Kind != TextSlot {
			from, to := k.view.slots[e.Slot].list.span(int(e.Row))
			if elem = from + int(e.Turn); elem > to || elem == to && e.Op != InsertTurn {
				return fmt.Errorf("row %d: edit of turn %d in a conversation of %d", e.Row, e.Turn, to-from)
			}
		}
		if slot.Kind == TextSlot && e.Op != Splice {
			return fmt.Errorf("row %d: a turn cannot come into or out of column %q", e.Row, slot.Name)
		}
		if !k.view.fits(&e, slot.Kind, elem) {
			return &MisfitError{Edit: e}
		}
		switch {
		case e.Op == Splice:
			sc.splices = append(sc.splices, splice{elem: elem, at: int(e.At), del: len(e.Old), text: e.New, null: e.Null, unnull: e.Unnull})
		case e.Op == InsertTurn:
			sc.turns = append(sc.turns, turnChange{row: int(e.Row), elem: elem, turn: &newTurn{e.Role, e.New}})
		default:
			sc.turns = append(sc.turns, turnChange{row: int(e.Row), elem: elem})
		}
	}
	for i := range k.slots {
		k.slots[i].column = k.slots[i].changes(&k.layout.Slots[i])
	}
	return nil
}

// A MisfitError says that an edit does not describe the row it names: the text it wants to take out is not there.
type MisfitError struct{ Edit Edit }

func (e *MisfitError) Error() string {
	return fmt.Sprintf("row %d: the edit of turn %d does not fit its text", e.Edit.Row, e.Edit.Turn)
}

// fits checks that what e takes out of element elem stands there.
func (v *View) fits(e *Edit, kind SlotKind, elem int) bool {
	sv := &v.slots[e.Slot]
	valid := &sv.text.valid
	if kind == TextSlot {
		valid = &sv.valid
	}
	switch {
	case e.Op == InsertTurn:
		return true
	case e.Null:
		return !valid.at(elem) && e.At == 0 && e.Old == ""
	case !valid.at(elem):
		return false
	}
	text := sv.text.at(elem)
	switch {
	case e.Op == DeleteTurn:
		return string(text) == e.Old && (kind == JSONSlot || string(sv.role.at(elem)) == e.Role)
	case e.Unnull:
		return e.At == 0 && string(text) == e.Old
	}
	return e.At >= 0 && int(e.At)+len(e.Old) <= len(text) && string(text[e.At:int(e.At)+len(e.Old)]) == e.Old
}

// changes arranges the slot's changes along its type. Splices of list slots count elements from the child's own start,
// as list offsets do.
func (sc *slotChanges) changes(s *Slot) *changes {
	if len(sc.turns)+len(sc.splices) == 0 {
		return nil
	}
	text := &changes{splices: sc.splices, cells: func(t *newTurn) (string, bool) { return t.text, true }}
	switch s.Kind {
	case TextSlot:
		return text
	case JSONSlot:
		return &changes{turns: sc.turns, member: []*changes{text}}
	}
	elem := &changes{member: make([]*changes, max(s.role, s.text)+1)}
	elem.member[s.role] = &changes{cells: func(t *newTurn) (string, bool) { return t.role, true }}
	elem.member[s.text] = text
	return &changes{turns: sc.turns, member: []*changes{elem}}
}
