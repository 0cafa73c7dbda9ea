package schemas

import (
	"inoculate/schemas/jsontext"
)

// Head is the text at whose start a prefix stands: all of it, or the first text part.
func (t *Turn) Head() []byte { return t.Text }

// Tail is the text at whose end a suffix stands: all of it, or the last text part.
func (t *Turn) Tail() []byte {
	if t.json != nil && len(t.json.spans) > 1 {
		return t.json.spans[len(t.json.spans)-1].text
	}
	return t.Text
}

// Parts are all texts of the turn.
func (t *Turn) Parts() [][]byte {
	if t.json == nil || len(t.json.spans) < 2 {
		if t.Null {
			return nil
		}
		return [][]byte{t.Text}
	}
	parts := make([][]byte, len(t.json.spans))
	for i, s := range t.json.spans {
		parts[i] = s.text
	}
	return parts
}

// Single says whether the turn's text is in one piece: all of it, or the only text part.
func (t *Turn) Single() bool {
	if t.json == nil || len(t.json.spans) < 2 {
		return !t.Null
	}
	return false
}

// Writable says whether text can be put into the turn: not where content is a list without text, or missing.
func (t *Turn) Writable() bool { return t.json == nil || len(t.json.spans) > 0 }

// Put returns the edit that deletes n bytes at byte at of the turn's head (or of its tail) and puts s there. Where the
// content is null, at and n are 0 and s becomes the content.
func (t *Turn) Put(row int, tail bool, at, n int, s string) Edit {
	e := Edit{Row: int32(row), Slot: t.Slot, Turn: t.Index, Op: Splice, Prompt: -1}
	switch {
	case t.json == nil && t.Null:
		e.Null, e.New = true, s
	case t.json == nil:
		e.At, e.Old, e.New = int32(at), string(t.Text[at:at+n]), s
	case t.Null:
		span := t.json.spans[0]
		e.At, e.Old, e.New = int32(span.from), "null", string(jsontext.AppendQuoted(nil, s))
	default:
		span := t.json.spans[0]
		if tail {
			span = t.json.spans[len(t.json.spans)-1]
		}
		inside := t.json.raw[span.from:span.to]
		from, to := jsontext.RawOffset(inside, at), jsontext.RawOffset(inside, at+n)
		e.At, e.Old, e.New = int32(span.from+from), string(inside[from:to]), string(jsontext.AppendInside(nil, s))
	}
	return e
}

// Delete returns the edit that takes the turn out of its list; false where it holds more than a role and a text, which
// would be lost.
func (v *View) Delete(row int, t Turn) (Edit, bool) {
	slot, sv := &v.layout.Slots[t.Slot], &v.slots[t.Slot]
	e := Edit{Row: int32(row), Slot: t.Slot, Turn: t.Index, Op: DeleteTurn, Prompt: -1}
	switch slot.Kind {
	case ListSlot:
		if t.Null || !sv.onlyRoleAndText(v.Elem(row, t), slot) {
			return Edit{}, false
		}
		e.Role, e.Old = string(sv.role.at(v.Elem(row, t))), string(t.Text)
		return e, true
	case JSONSlot:
		members := 0
		_, err := jsontext.Object(t.json.raw, 0, func(jsontext.Member) error { members++; return nil })
		if err != nil || members != 2 || len(t.json.spans) != 1 || t.Null {
			return Edit{}, false
		}
		e.Old = string(t.json.raw)
		return e, true
	}
	return Edit{}, false
}

func (sv *slotView) onlyRoleAndText(elem int, slot *Slot) bool {
	for i := range sv.others {
		if sv.others[i].at(elem) {
			return false
		}
	}
	return true
}

// InsertSystem returns the edit that puts a system turn with text s before the first turn of the layout's first list.
func (l *Layout) InsertSystem(row int, s string) Edit {
	k := l.FirstList()
	e := Edit{Row: int32(row), Slot: int32(k), Op: InsertTurn, Role: "system", New: s, Prompt: -1}
	if slot := &l.Slots[k]; slot.Kind == JSONSlot {
		b := append([]byte(nil), '{')
		b = jsontext.AppendQuoted(b, slot.RoleKey)
		b = append(b, `: "system", `...)
		b = jsontext.AppendQuoted(b, slot.TextKey)
		b = append(b, ": "...)
		b = jsontext.AppendQuoted(b, s)
		e.Role, e.New = "", string(append(b, '}'))
	}
	return e
}

// JSON returns the turn's JSON text, nil where turns are not JSON.
func (t *Turn) JSON() []byte {
	if t.json == nil {
		return nil
	}
	return t.json.raw
}
