package place

import (
	"bytes"
	"slices"

	"inoculate/schemas"
)

// A Peel is what is left of a turn when the prompts that stand where a placement puts them are taken off its ends.
type Peel struct {
	Turn   int // index into the turns
	Lo, Hi int // bytes of the head, and of the tail, that stay: head[Lo:], tail[:Hi]
	Whole  bool
}

// Peel takes prompts off the turns, exactly as a placement would have put them: at the end with their separator, at the
// start with it, or as all there is. candidates are the prompts to look for (indices into List). It appends a Peel for
// each turn that had one to peels, and the prompts it took off to found (one may come several times).
func (p *Prompts) Peel(turns []schemas.Turn, candidates []int32, peels []Peel, found []int32) ([]Peel, []int32) {
	first, last := -1, -1
	for i := range turns {
		if turns[i].Role == schemas.RoleUser {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	for i := range turns {
		t := &turns[i]
		if t.Null || t.Role != schemas.RoleSystem && t.Role != schemas.RoleUser {
			continue
		}
		means := func(w Where) bool {
			if t.Role == schemas.RoleSystem {
				return w == System
			}
			return w == EveryUser || w == FirstUser && i == first || w == LastUser && i == last
		}
		head, tail := t.Head(), t.Tail()
		one := t.Single()
		peel := Peel{Turn: i, Hi: len(tail)}
		for again := true; again && !peel.Whole; {
			again = false
			for _, id := range slices.Backward(candidates) { // what was put last comes off first
				prompt := &p.List[id]
				if !means(prompt.Place.Turn) {
					continue
				}
				lo, hi := peel.Lo, peel.Hi
				if !one {
					lo = 0
				}
				end := tail[lo:hi]
				start := head[peel.Lo:]
				if one {
					start = end
				}
				sep := prompt.Place.Separator
				switch {
				case one && string(end) == prompt.Text:
					peel.Whole = true
				case prompt.Place.How != Prepend && cutsSuffix(end, sep, prompt.Text):
					peel.Hi -= len(sep) + len(prompt.Text)
				case prompt.Place.How == Prepend && cutsPrefix(start, prompt.Text, sep):
					peel.Lo += len(sep) + len(prompt.Text)
				default:
					continue
				}
				found, again = append(found, id), true
				break
			}
		}
		if peel.Whole || peel.Lo > 0 || peel.Hi < len(tail) {
			peels = append(peels, peel)
		}
	}
	return peels, found
}

func cutsSuffix(text []byte, sep, prompt string) bool {
	n := len(sep) + len(prompt)
	return len(text) > n && string(text[len(text)-len(prompt):]) == prompt && string(text[len(text)-n:len(text)-len(prompt)]) == sep
}

func cutsPrefix(text []byte, prompt, sep string) bool {
	n := len(sep) + len(prompt)
	return len(text) > n && bytes.HasPrefix(text, []byte(prompt)) && string(text[len(prompt):n]) == sep
}

// stands says whether prompt id stands at its place in one turn.
func (p *Prompts) stands(t *schemas.Turn, id int32) bool {
	_, found := p.Peel([]schemas.Turn{*t}, []int32{id}, nil, nil)
	return len(found) > 0
}

// Standing returns which of the candidates stand at their place, in every turn that the placement means.
func (p *Prompts) Standing(turns []schemas.Turn, candidates []int32) (standing []int32) {
	_, found := p.Peel(turns, candidates, nil, nil)
	return p.Complete(turns, candidates, found, nil)
}

// Complete appends to standing the candidates that stand everywhere they should, by what Peel found of them.
func (p *Prompts) Complete(turns []schemas.Turn, candidates, found, standing []int32) []int32 {
	for _, id := range candidates {
		n := 0
		for _, f := range found {
			if f == id {
				n++
			}
		}
		want := 1
		if p.List[id].Place.Turn == EveryUser {
			want = max(1, len(p.users(turns, EveryUser)))
		}
		if n >= want {
			standing = append(standing, id)
		}
	}
	return standing
}

// Strip appends the edits that take peels off a test record. A system turn of a list that was nothing but prompts goes
// as a whole where it holds nothing else.
func (p *Prompts) Strip(v *schemas.View, row int, turns []schemas.Turn, peels []Peel, edits []schemas.Edit) []schemas.Edit {
	for _, peel := range peels {
		t := &turns[peel.Turn]
		head, tail := t.Head(), t.Tail()
		if peel.Whole {
			if t.Role == schemas.RoleSystem {
				if e, ok := v.Delete(row, *t); ok {
					edits = append(edits, e)
					continue
				}
			}
			edits = append(edits, t.Put(row, false, 0, len(head), ""))
			continue
		}
		if peel.Lo > 0 {
			edits = append(edits, t.Put(row, false, 0, peel.Lo, ""))
		}
		if peel.Hi < len(tail) {
			edits = append(edits, t.Put(row, true, peel.Hi, len(tail)-peel.Hi, ""))
		}
	}
	return edits
}
