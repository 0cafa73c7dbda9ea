package schemas

import "cmp"

// Op is the kind of an edit.
type Op uint8

// The edits there are. Everything that inject, strip and swap do is made of these three.
const (
	Splice     Op = iota // at byte At of the text of Turn: Old goes, New comes
	InsertTurn           // before Turn: a turn with Role and text New
	DeleteTurn           // Turn goes; it has Role and text Old, and nothing else
)

// An Edit is one change to one text or turn of one row, in coordinates of the row before any of its edits.
//
// Slot numbers the layout's conversation columns. In a list slot Turn is the index in the list and the text is the turn's
// content; in a text slot Turn is 0 and the text is the column's value. Where turns are JSON text, the text is that JSON:
// At counts its bytes, and Old and New are JSON.
type Edit struct {
	Row    int32
	Slot   int32
	Turn   int32
	At     int32
	Op     Op
	Null   bool   // Splice: the text was null and becomes New (and the other way round when Unnull)
	Unnull bool   // Splice: the text is exactly Old and becomes null
	Role   string // InsertTurn, DeleteTurn
	Old    string
	New    string
	Prompt int32 // index in the registry of the prompt that caused it, -1 for none
}

// EditsOf cuts the edits of a row off the front of edits, which are in the order of CompareEdits, and those of earlier rows with them.
func EditsOf(edits *[]Edit, row int) []Edit {
	l, n := *edits, 0
	for len(l) > 0 && int(l[0].Row) < row {
		l = l[1:]
	}
	for n < len(l) && int(l[n].Row) == row {
		n++
	}
	*edits = l[n:]
	return l[:n]
}

// CompareEdits orders edits by row, slot, turn, then insertions before splices, then by place in the text.
// Edits that compare equal keep their order.
func CompareEdits(a, b Edit) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Turn, b.Turn),
		cmp.Compare(rank(a.Op), rank(b.Op)), cmp.Compare(a.At, b.At))
}

func rank(o Op) int {
	if o == InsertTurn {
		return 0
	}
	return 1
}
