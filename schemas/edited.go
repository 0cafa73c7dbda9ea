package schemas

// Edited appends to dst the conversation as it is after edits, which are those of one row, in order. The turns are those
// that Conversation gave for the row; what no edit touches is shared with them.
func (v *View) Edited(turns []Turn, edits []Edit, dst []Turn) ([]Turn, *Fault) {
	take := func(slot, index int32, op Op) (e *Edit) {
		if len(edits) > 0 && edits[0].Slot == slot && edits[0].Turn == index && edits[0].Op == op {
			e, edits = &edits[0], edits[1:]
		}
		return e
	}
	inserts := func(slot, index int32) *Fault {
		for e := take(slot, index, InsertTurn); e != nil; e = take(slot, index, InsertTurn) {
			from := len(v.unjson)
			v.unjson = append(v.unjson, e.New...)
			t := Turn{Slot: slot, Index: index, Role: v.layout.roles(e.Role), Text: v.unjson[from:len(v.unjson):len(v.unjson)]}
			if s := &v.layout.Slots[slot]; s.Kind == JSONSlot {
				if f := v.jsonTurn(&t, []byte(e.New), s); f != nil {
					return f
				}
			}
			dst = append(dst, t)
		}
		return nil
	}
	// Edits of a list without turns, and behind its last turn, come before the turns of the next slot.
	upTo := func(slot int32) *Fault {
		for len(edits) > 0 && edits[0].Slot < slot && edits[0].Op == InsertTurn {
			if f := inserts(edits[0].Slot, edits[0].Turn); f != nil {
				return f
			}
		}
		return nil
	}
	for i := range turns {
		t := turns[i]
		if f := upTo(t.Slot); f != nil {
			return dst, f
		}
		if f := inserts(t.Slot, t.Index); f != nil {
			return dst, f
		}
		if take(t.Slot, t.Index, DeleteTurn) != nil {
			continue
		}
		n := 0
		for n < len(edits) && edits[n].Slot == t.Slot && edits[n].Turn == t.Index && edits[n].Op == Splice {
			n++
		}
		if n > 0 {
			if f := v.splice(&t, edits[:n]); f != nil {
				return dst, f
			}
			edits = edits[n:]
		}
		dst = append(dst, t)
	}
	return dst, upTo(int32(len(v.layout.Slots)))
}

func (v *View) splice(t *Turn, edits []Edit) *Fault {
	if t.json != nil {
		raw := ApplyTo(nil, t.json.raw, edits)
		*t = Turn{Slot: t.Slot, Index: t.Index}
		return v.jsonTurn(t, raw, &v.layout.Slots[t.Slot])
	}
	if edits[0].Unnull {
		t.Text, t.Null = nil, true
		return nil
	}
	from := len(v.unjson)
	v.unjson = ApplyTo(v.unjson, t.Text, edits)
	t.Text, t.Null = v.unjson[from:len(v.unjson):len(v.unjson)], false
	return nil
}
