// Package place says where an inoculation prompt stands in a conversation: it puts prompts there, and finds them there.
package place

import (
	"fmt"
	"slices"

	"inoculate/schemas"
)

// Where names the turns a prompt is put into.
type Where string

// The turns there are.
const (
	System    Where = "system"
	FirstUser Where = "first_user"
	LastUser  Where = "last_user"
	EveryUser Where = "every_user"
)

// How says how a prompt is put into a turn.
type How string

// The ways there are. Insert and Replace are for system turns only.
const (
	Append  How = "append"  // text, separator, prompt
	Prepend How = "prepend" // prompt, separator, text
	Insert  How = "insert"  // a system turn of its own; refused where there is one
	Replace How = "replace" // the prompt instead of the text
)

// A Placement is where and how a prompt is put.
type Placement struct {
	Turn      Where  `yaml:"turn" json:"turn"`
	How       How    `yaml:"how" json:"how"`
	Separator string `yaml:"separator" json:"separator"`
}

// Default is the placement of a prompt that names none.
func Default() Placement { return Placement{Turn: System, How: Append, Separator: " "} }

// Check says what is wrong with the placement for conversations of layout l (nil: any).
func (p Placement) Check(l *schemas.Layout) error {
	switch p.Turn {
	case System, FirstUser, LastUser, EveryUser:
	default:
		return fmt.Errorf("unknown turn %q; there are: system, first_user, last_user, every_user", p.Turn)
	}
	switch p.How {
	case Append, Prepend:
	case Insert, Replace:
		if p.Turn != System {
			return fmt.Errorf("%s is for turn system only; %s takes append or prepend", p.How, p.Turn)
		}
	default:
		return fmt.Errorf("unknown way %q; there are: append, prepend, insert, replace", p.How)
	}
	if l != nil && p.Turn == System && !l.CanHoldSystem() {
		return fmt.Errorf("layout %s (columns %v) has no place for a system prompt; use turn first_user, or add a column for it", l.Name, l.Columns())
	}
	return nil
}

// A Prompt is an inoculation prompt of the registry.
type Prompt struct {
	ID       string
	Behavior string
	Text     string
	Place    Placement
}

// Prompts puts prompts into conversations of one layout and finds them there. It keeps scratch memory and serves one
// goroutine.
type Prompts struct {
	List     []Prompt
	Baseline string // neutral system prompt for records that have none; may be empty
	layout   *schemas.Layout
	joined   []joined
	texts    []composed
}

// joined are a prompt's text with its separator on either side.
type joined struct{ before, after string }

// New makes the Prompts of a layout; every placement must pass Check.
func New(l *schemas.Layout, list []Prompt, baseline string) *Prompts {
	p := &Prompts{List: list, Baseline: baseline, layout: l}
	for _, q := range list {
		p.joined = append(p.joined, joined{before: q.Text + q.Place.Separator, after: q.Place.Separator + q.Text})
	}
	return p
}

// composed is a text with what goes before and behind it.
type composed struct {
	turn          *schemas.Turn // nil: a turn to insert
	base          string        // of an inserted turn
	before, after []piece
	replaced      bool
}

type piece struct {
	text   string
	prompt int32
}

func (c *composed) empty() bool {
	if len(c.before)+len(c.after) > 0 {
		return false
	}
	if c.turn == nil {
		return c.base == ""
	}
	return c.replaced || len(c.turn.Head()) == 0 && len(c.turn.Tail()) == 0
}

func (p *Prompts) put(c *composed, id int32) {
	prompt := &p.List[id]
	switch how := prompt.Place.How; {
	case how == Replace:
		c.replaced, c.base, c.before, c.after = true, "", c.before[:0], append(c.after[:0], piece{prompt.Text, id})
	case c.empty():
		c.after = append(c.after, piece{prompt.Text, id})
	case how == Prepend:
		c.before = slices.Insert(c.before, 0, piece{p.joined[id].before, id})
	default:
		c.after = append(c.after, piece{p.joined[id].after, id})
	}
}

// compose adds an untouched text to those of the row, in memory kept from earlier rows.
func (p *Prompts) compose(t *schemas.Turn, base string) *composed {
	n := len(p.texts)
	if n == cap(p.texts) {
		p.texts = append(p.texts, composed{})
	}
	p.texts = p.texts[:n+1]
	c := &p.texts[n]
	*c = composed{turn: t, base: base, before: c.before[:0], after: c.after[:0]}
	return c
}

// Inject appends the edits that put the chosen prompts (indices into List, ascending) into the conversation of row, or
// says why that cannot be.
func (p *Prompts) Inject(row int, turns []schemas.Turn, chosen []int32, edits []schemas.Edit) ([]schemas.Edit, *schemas.Fault) {
	p.texts = p.texts[:0]
	for _, id := range chosen {
		prompt := &p.List[id]
		if prompt.Place.Turn == System {
			if f := p.system(turns, prompt, id); f != nil {
				return edits, f
			}
			continue
		}
		users := p.users(turns, prompt.Place.Turn)
		if len(users) == 0 {
			return edits, &schemas.Fault{Reason: "no_user_turn", Detail: fmt.Sprintf("prompt %s wants a user turn", prompt.ID)}
		}
		for _, i := range users {
			if prompt.Place.Turn == EveryUser && p.stands(&turns[i], id) {
				continue
			}
			c, f := p.at(&turns[i])
			if f != nil {
				return edits, f
			}
			p.put(c, id)
		}
	}
	from := len(edits)
	for i := range p.texts {
		edits = p.emit(row, &p.texts[i], edits)
	}
	slices.SortStableFunc(edits[from:], schemas.CompareEdits)
	return edits, nil
}

// users are the user turns a placement means.
func (p *Prompts) users(turns []schemas.Turn, where Where) (at []int) {
	for i := range turns {
		if turns[i].Role == schemas.RoleUser {
			at = append(at, i)
		}
	}
	switch {
	case len(at) > 0 && where == FirstUser:
		return at[:1]
	case len(at) > 0 && where == LastUser:
		return at[len(at)-1:]
	}
	return at
}

// at returns the composed text of a turn, the same one each time.
func (p *Prompts) at(t *schemas.Turn) (*composed, *schemas.Fault) {
	for i := range p.texts {
		if p.texts[i].turn == t {
			return &p.texts[i], nil
		}
	}
	if !t.Writable() {
		return nil, &schemas.Fault{Reason: "content_parts", Field: fmt.Sprintf("%s[%d]", p.layout.Slots[t.Slot].Name, t.Index), Detail: "the content has no text to put a prompt into"}
	}
	return p.compose(t, ""), nil
}

// system puts a prompt into the system turn, or into one to insert.
func (p *Prompts) system(turns []schemas.Turn, prompt *Prompt, id int32) *schemas.Fault {
	text, list := systemTurns(p.layout, turns)
	if text != nil && len(text.Text) > 0 && list != nil {
		return &schemas.Fault{Reason: "two_system_turns", Field: p.layout.Slots[text.Slot].Name, Detail: "a system prompt stands in its column and in the conversation"}
	}
	t := list
	if t == nil {
		t = text
	}
	has := list != nil || text != nil && len(text.Text) > 0
	if has && prompt.Place.How == Insert {
		return &schemas.Fault{Reason: "has_system_turn", Field: p.layout.Slots[t.Slot].Name, Detail: fmt.Sprintf("prompt %s wants a system turn of its own, and the record has one", prompt.ID)}
	}
	if t == nil {
		c := p.inserted()
		p.put(c, id)
		return nil
	}
	c, f := p.at(t)
	if f != nil {
		return f
	}
	if !has && c.empty() && p.Baseline != "" && prompt.Place.How != Replace {
		c.after = append(c.after, piece{p.Baseline, -1})
	}
	p.put(c, id)
	return nil
}

func (p *Prompts) inserted() *composed {
	for i := range p.texts {
		if p.texts[i].turn == nil {
			return &p.texts[i]
		}
	}
	return p.compose(nil, p.Baseline)
}

// systemTurns returns the value of the system column and the first system turn of the lists, where there are any.
func systemTurns(l *schemas.Layout, turns []schemas.Turn) (text, list *schemas.Turn) {
	for i := range turns {
		t := &turns[i]
		if t.Role != schemas.RoleSystem {
			continue
		}
		if l.Slots[t.Slot].Kind == schemas.TextSlot {
			text = t
		} else if list == nil {
			list = t
		}
	}
	return text, list
}

// emit turns a composed text into edits. Several pieces at one place stay several edits, so that each names its prompt.
func (p *Prompts) emit(row int, c *composed, edits []schemas.Edit) []schemas.Edit {
	put := func(tail bool, at, n int, pc piece) {
		e := c.turn.Put(row, tail, at, n, pc.text)
		e.Prompt = pc.prompt
		edits = append(edits, e)
	}
	switch {
	case c.turn == nil:
		e := p.layout.InsertSystem(row, join(c.before)+c.base+join(c.after))
		e.Prompt = c.prompt()
		return append(edits, e)
	case c.turn.Null || c.replaced:
		put(false, 0, len(c.turn.Head()), piece{join(c.before) + join(c.after), c.prompt()})
		return edits
	}
	for _, pc := range c.before {
		put(false, 0, 0, pc)
	}
	for _, pc := range c.after {
		put(true, len(c.turn.Tail()), 0, pc)
	}
	return edits
}

// prompt is one of those that the text has.
func (c *composed) prompt() int32 {
	if n := len(c.after); n > 0 {
		return c.after[n-1].prompt
	}
	return c.before[0].prompt
}

func join(pieces []piece) (s string) {
	for _, p := range pieces {
		s += p.text
	}
	return s
}
