// Package jsonedit applies edits to a record's JSON text: nothing else in it changes, not a space.
package jsonedit

import (
	"fmt"

	"inoculate/schemas"
	"inoculate/schemas/jsontext"
)

// An Editor edits records of one layout. It keeps scratch memory and serves one goroutine.
type Editor struct {
	layout *schemas.Layout
	pieces []piece
	elems  []int        // where the turns of a list begin: all of them, or as many as are needed
	made   schemas.Edit // the turn made last, and its text
	text   []byte
	spare  []byte // where the texts of the pieces are made
}

// piece replaces bytes [from, to) of the record.
type piece struct {
	from, to int
	text     []byte
}

// New makes an Editor.
func New(l *schemas.Layout) *Editor { return &Editor{layout: l} }

// Append appends the record raw with the edits of its row applied, which are ordered by schemas.CompareEdits. raw is a JSON
// object that was read before, so its syntax is known to be good.
func (e *Editor) Append(dst, raw []byte, edits []schemas.Edit) ([]byte, error) {
	err := e.Parts(raw, edits, func(from, to int, text []byte) { dst = append(append(dst, raw[from:to]...), text...) })
	return dst, err
}

// Parts calls f with the parts of what Append would append, in order: the bytes of raw from one place to another, and a text that comes
// behind them, valid during the call.
func (e *Editor) Parts(raw []byte, edits []schemas.Edit, f func(from, to int, text []byte)) error {
	e.pieces, e.spare = e.pieces[:0], e.spare[:0]
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].Slot == edits[0].Slot {
			n++
		}
		if err := e.slot(raw, edits[:n]); err != nil {
			return err
		}
		edits = edits[n:]
	}
	at := 0
	for k := range e.pieces { // by slot; slots may stand in any order in the text
		p := e.next(at)
		if p < 0 {
			return fmt.Errorf("edit %d overlaps another", k)
		}
		f(at, e.pieces[p].from, e.pieces[p].text)
		at = e.pieces[p].to
		e.pieces[p].from = -1
	}
	f(at, len(raw), nil)
	return nil
}

// next is the first piece at or after a place; of several at one place, the one that was added first.
func (e *Editor) next(at int) int {
	best := -1
	for i := range e.pieces {
		if f := e.pieces[i].from; f >= at && (best < 0 || f < e.pieces[best].from) {
			best = i
		}
	}
	return best
}

func (e *Editor) add(from, to int, text []byte) { e.pieces = append(e.pieces, piece{from, to, text}) }

// since is what was appended to e.spare since it had n bytes; good until the next record.
func (e *Editor) since(n int) []byte { return e.spare[n:len(e.spare):len(e.spare)] }

// slot adds the pieces of the edits of one slot.
func (e *Editor) slot(raw []byte, edits []schemas.Edit) error {
	s := &e.layout.Slots[edits[0].Slot]
	from, end, err := jsontext.Find(raw, 0, s.Name)
	switch {
	case err != nil:
		return err
	case s.Kind == schemas.TextSlot && from < 0:
		return e.newMember(raw, end, s.Name, edits)
	case s.Kind == schemas.TextSlot:
		return e.texts(raw, from, edits)
	case from < 0 || raw[from] != '[':
		return fmt.Errorf("%s is no list", s.Name)
	}
	need := 0 // turns to look for; all where one goes
	for _, ed := range edits {
		if need = max(need, int(ed.Turn)+1); ed.Op == schemas.DeleteTurn {
			need = -1
			break
		}
	}
	if e.elems, err = jsontext.Elements(raw, from, need, e.elems[:0]); err != nil {
		return err
	}
	return e.turns(raw, from, s, edits)
}

// newMember puts a text where the record does not have the key at all.
func (e *Editor) newMember(raw []byte, end int, name string, edits []schemas.Edit) error {
	if !edits[0].Null || len(edits) > 1 {
		return &schemas.MisfitError{Edit: edits[0]}
	}
	text := []byte(", ")
	if last := lastByte(raw[:end-1]); last == '{' {
		text = nil
	}
	text = append(jsontext.AppendQuoted(text, name), ": "...)
	e.add(end-1, end-1, jsontext.AppendQuoted(text, edits[0].New))
	return nil
}

// texts adds the pieces of splices of the string, or null, at raw[from].
func (e *Editor) texts(raw []byte, from int, edits []schemas.Edit) error {
	to, err := jsontext.Value(raw, from)
	if err != nil {
		return err
	}
	for _, ed := range edits {
		switch {
		case ed.Op != schemas.Splice:
			return fmt.Errorf("a turn cannot come into or out of a text")
		case ed.Null && raw[from] == 'n':
			n := len(e.spare)
			e.spare = jsontext.AppendQuoted(e.spare, ed.New)
			e.add(from, to, e.since(n))
		case ed.Null || raw[from] != '"':
			return &schemas.MisfitError{Edit: ed}
		case ed.Unnull:
			if string(jsontext.AppendUnquoted(nil, raw[from+1:to-1])) != ed.Old {
				return &schemas.MisfitError{Edit: ed}
			}
			e.add(from, to, []byte("null"))
		default:
			inside := raw[from+1 : to-1]
			lo := jsontext.RawOffset(inside, int(ed.At))
			hi := lo + jsontext.RawOffset(inside[lo:], len(ed.Old))
			n := len(e.spare)
			if e.spare = jsontext.AppendUnquoted(e.spare, inside[lo:hi]); string(e.since(n)) != ed.Old {
				return &schemas.MisfitError{Edit: ed}
			}
			n = len(e.spare)
			e.spare = jsontext.AppendInside(e.spare, ed.New)
			e.add(from+1+lo, from+1+hi, e.since(n))
		}
	}
	return nil
}

// turns adds the pieces of the edits of a list that starts at raw[open].
func (e *Editor) turns(raw []byte, open int, s *schemas.Slot, edits []schemas.Edit) error {
	last, err := e.lastKept(edits)
	if err != nil {
		return err
	}
	if last < 0 {
		return e.rewrite(raw, open, s, edits)
	}
	for i := 0; i < len(edits); {
		ed, turn := edits[i], int(edits[i].Turn)
		n := i + 1
		switch {
		case ed.Op == schemas.InsertTurn && turn <= last:
			n := len(e.spare)
			e.spare = append(append(e.spare, e.turnText(s, ed)...), ", "...)
			e.add(e.elems[turn], e.elems[turn], e.since(n))
		case ed.Op == schemas.InsertTurn:
			end, err := jsontext.Value(raw, e.elems[last])
			if err != nil {
				return err
			}
			n := len(e.spare)
			e.spare = append(append(e.spare, ", "...), e.turnText(s, ed)...)
			e.add(end, end, e.since(n))
		case ed.Op == schemas.DeleteTurn:
			if !isTurn(raw, e.elems[turn], s, ed) {
				return &schemas.MisfitError{Edit: ed}
			}
			if turn < last { // with the comma and the spaces that part it from the next one
				e.add(e.elems[turn], e.elems[turn+1], nil)
			}
		default:
			for n < len(edits) && edits[n].Op == schemas.Splice && int(edits[n].Turn) == turn {
				n++
			}
			if err := e.turn(raw, s, e.elems[turn], edits[i:n]); err != nil {
				return err
			}
		}
		i = n
	}
	if last < len(e.elems)-1 {
		return e.dropTail(raw, last)
	}
	return nil
}

// dropTail takes out the turns behind the last one that stays.
func (e *Editor) dropTail(raw []byte, last int) error {
	from, err := jsontext.Value(raw, e.elems[last])
	if err != nil {
		return err
	}
	to, err := jsontext.Value(raw, e.elems[len(e.elems)-1])
	if err != nil {
		return err
	}
	e.add(from, to, nil)
	return nil
}

// lastKept is the last turn that stays, -1 where none does.
func (e *Editor) lastKept(edits []schemas.Edit) (int, error) {
	last := len(e.elems) - 1
	for i := len(edits) - 1; i >= 0; i-- {
		turn := int(edits[i].Turn)
		if turn > len(e.elems) || turn == len(e.elems) && edits[i].Op != schemas.InsertTurn {
			return 0, fmt.Errorf("edit of turn %d in a conversation of %d", turn, len(e.elems))
		}
		if edits[i].Op == schemas.DeleteTurn && turn == last {
			last--
		}
	}
	return last, nil
}

// rewrite handles a list of which no turn stays: its inside becomes what is put in.
func (e *Editor) rewrite(raw []byte, open int, s *schemas.Slot, edits []schemas.Edit) error {
	var text []byte
	for _, ed := range edits {
		switch {
		case ed.Op == schemas.DeleteTurn && !isTurn(raw, e.elems[ed.Turn], s, ed):
			return &schemas.MisfitError{Edit: ed}
		case ed.Op == schemas.InsertTurn && text != nil:
			text = append(append(text, ", "...), e.turnText(s, ed)...)
		case ed.Op == schemas.InsertTurn:
			text = append(text, e.turnText(s, ed)...)
		}
	}
	lo, hi := open+1, open+1
	if n := len(e.elems); n > 0 {
		var err error
		lo = e.elems[0]
		if hi, err = jsontext.Value(raw, e.elems[n-1]); err != nil {
			return err
		}
	}
	e.add(lo, hi, text)
	return nil
}

// turnText is the JSON of a turn to put in. Many records get the same one.
func (e *Editor) turnText(s *schemas.Slot, ed schemas.Edit) []byte {
	if s.Kind == schemas.JSONSlot {
		return []byte(ed.New)
	}
	if e.text == nil || e.made.Role != ed.Role || e.made.New != ed.New || e.made.Slot != ed.Slot {
		b := jsontext.AppendQuoted([]byte{'{'}, s.RoleKey)
		b = jsontext.AppendQuoted(append(b, ": "...), ed.Role)
		b = jsontext.AppendQuoted(append(b, ", "...), s.TextKey)
		b = jsontext.AppendQuoted(append(b, ": "...), ed.New)
		e.made, e.text = ed, append(b, '}')
	}
	return e.text[:len(e.text):len(e.text)]
}

// isTurn says whether the turn at raw[at] is exactly the role and the text that an edit takes out.
func isTurn(raw []byte, at int, s *schemas.Slot, ed schemas.Edit) bool {
	end, err := jsontext.Value(raw, at)
	if err != nil {
		return false
	}
	turn := raw[at:end]
	if s.Kind == schemas.JSONSlot {
		return string(turn) == ed.Old
	}
	ok := true
	_, err = jsontext.Object(turn, 0, func(m jsontext.Member) error {
		var want string
		switch string(jsontext.AppendUnquoted(nil, turn[m.Key+1:m.KeyEnd-1])) {
		case s.RoleKey:
			want = ed.Role
		case s.TextKey:
			want = ed.Old
		default:
			ok = ok && turn[m.From] == 'n' // null is all that may go with it
			return nil
		}
		ok = ok && turn[m.From] == '"' && string(jsontext.AppendUnquoted(nil, turn[m.From+1:m.To-1])) == want
		return nil
	})
	return err == nil && ok
}

// turn adds the pieces of the splices of the turn at raw[at].
func (e *Editor) turn(raw []byte, s *schemas.Slot, at int, edits []schemas.Edit) error {
	if s.Kind == schemas.JSONSlot {
		end, err := jsontext.Value(raw, at)
		if err != nil {
			return err
		}
		text := raw[at:end]
		for _, ed := range edits {
			lo, hi := int(ed.At), int(ed.At)+len(ed.Old)
			if lo < 0 || hi > len(text) || string(text[lo:hi]) != ed.Old {
				return &schemas.MisfitError{Edit: ed}
			}
			e.add(at+lo, at+hi, []byte(ed.New))
		}
		return nil
	}
	from, end, err := jsontext.Find(raw, at, s.TextKey)
	if err != nil {
		return err
	}
	if from < 0 {
		return e.newMember(raw, end, s.TextKey, edits)
	}
	return e.texts(raw, from, edits)
}

func lastByte(b []byte) byte {
	for i := len(b) - 1; i >= 0; i-- {
		switch b[i] {
		case ' ', '\n', '\r', '\t':
		default:
			return b[i]
		}
	}
	return 0
}
