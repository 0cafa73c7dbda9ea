package schemas

// Inverse returns the edits that undo edits, in coordinates of the edited rows. Edits are ordered by CompareEdits, and so
// is the result; its rows have the same numbers.
func Inverse(edits []Edit) []Edit {
	out := make([]Edit, 0, len(edits))
	shift := int32(0) // turns put in minus turns taken out, before this place in the slot
	grown := int32(0) // bytes put in minus bytes taken out, before this place in the text
	for i, e := range edits {
		if i == 0 || edits[i-1].Row != e.Row || edits[i-1].Slot != e.Slot {
			shift, grown = 0, 0
		} else if edits[i-1].Turn != e.Turn || edits[i-1].Op != Splice {
			grown = 0
		}
		inv := Edit{Row: e.Row, Slot: e.Slot, Turn: e.Turn + shift, Role: e.Role, Old: e.New, New: e.Old, Prompt: e.Prompt}
		switch e.Op {
		case InsertTurn:
			inv.Op = DeleteTurn
			shift++
		case DeleteTurn:
			inv.Op = InsertTurn
			shift--
		default:
			inv.At = e.At + grown
			inv.Null, inv.Unnull = e.Unnull, e.Null
			grown += int32(len(e.New) - len(e.Old))
		}
		out = append(out, inv)
	}
	return out
}
