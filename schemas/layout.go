package schemas

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Layout says where the conversation lies in a schema: one slot for each column that holds a part of it, in the order
// in which a chat template reads them.
type Layout struct {
	Name     string // "messages", "sharegpt", "prompt-completion", "preference", "flat"
	Slots    []Slot
	Rejected *Slot  // preference: the answer that is not wanted, which no edit touches
	Why      string // what was found, in words, for `check`
	roles    func(string) Role
}

// SlotKind is how a slot holds its turns.
type SlotKind uint8

// The kinds of slots.
const (
	TextSlot SlotKind = iota // one string a row: the only turn of Slot.Role
	ListSlot                 // list<struct<role, content, …>>
	JSONSlot                 // list<utf8>: each turn is JSON text
)

// A Slot is one column of a conversation.
type Slot struct {
	Column  int // index in the schema
	Name    string
	Kind    SlotKind
	Role    Role   // of a text slot
	RoleKey string // member that names the role: "role", "from"
	TextKey string // member that holds the text: "content", "value"
	role    int    // index of RoleKey in the struct
	text    int    // index of TextKey in the struct
	fixed   bool   // the struct has other members that cannot be null: no turn can be inserted
}

// Spec is what a user says about the layout. The zero value detects everything.
type Spec struct {
	Type   string `yaml:"type"`   // "", "auto" or a layout's name
	Column string `yaml:"column"` // messages, sharegpt: the list
	Role   string `yaml:"role"`   // messages, sharegpt: member with the role
	Text   string `yaml:"text"`   // messages, sharegpt: member with the text
	System string `yaml:"system"` // sharegpt, flat: the column with the system prompt

	Prompt     string `yaml:"prompt"`     // prompt-completion, preference
	Completion string `yaml:"completion"` // prompt-completion
	Chosen     string `yaml:"chosen"`     // preference
	Rejected   string `yaml:"rejected"`   // preference
	Input      string `yaml:"input"`      // flat: the user's input
	Output     string `yaml:"output"`     // flat: the desired output
}

// A finder looks for one layout: nil when it is not there.
type finder struct {
	name string
	find func(*arrow.Schema, Spec) (*Layout, error)
}

// finders in the order in which messages name them. A new layout is one file and one line here.
var finders = []finder{
	{"messages", findMessages},
	{"sharegpt", findShareGPT},
	{"prompt-completion", findPromptCompletion},
	{"preference", findPreference},
	{"flat", findFlat},
}

// LayoutNames lists the layouts that Find knows.
func LayoutNames() []string {
	names := make([]string, len(finders))
	for i, f := range finders {
		names[i] = f.name
	}
	return names
}

// Find returns the layout that spec names, or the only one that the schema has. No layout, and more than one, are
// errors that say what was found and what to write into the config.
func Find(s *arrow.Schema, spec Spec) (*Layout, error) {
	if spec.Type != "" && spec.Type != "auto" {
		i := slices.IndexFunc(finders, func(f finder) bool { return f.name == spec.Type })
		if i < 0 {
			return nil, &LayoutError{Msg: fmt.Sprintf("unknown layout %q; there are: auto, %s", spec.Type, strings.Join(LayoutNames(), ", "))}
		}
		l, err := finders[i].find(s, spec)
		if err != nil {
			return nil, err
		}
		if l == nil {
			return nil, &LayoutError{Msg: fmt.Sprintf("no %s conversation in the columns %s", spec.Type, describe(s)), Hint: "name its columns under layout:"}
		}
		return l, nil
	}
	var found []*Layout
	for _, f := range finders {
		l, err := f.find(s, spec)
		if err != nil {
			return nil, err
		}
		if l != nil {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return nil, &LayoutError{Msg: "no conversation found in the columns " + describe(s), Hint: "name it: layout: {type: messages, column: …}, or another of " + strings.Join(LayoutNames(), ", ")}
	case 1:
		return found[0], nil
	}
	var b strings.Builder
	for i, l := range found {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s (%s)", l.Name, l.Why)
	}
	return nil, &LayoutError{Msg: "more than one conversation found: " + b.String(), Hint: "choose one: layout: {type: " + found[0].Name + "}"}
}

// A LayoutError says why no layout could be chosen.
type LayoutError struct{ Msg, Hint string }

func (e *LayoutError) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + " (" + e.Hint + ")"
}

// Refused is the layout of the answer that is not wanted, alone; nil where there is none.
func (l *Layout) Refused() *Layout {
	if l.Rejected == nil {
		return nil
	}
	return &Layout{Name: l.Name, Slots: []Slot{*l.Rejected}, roles: l.roles}
}

// Columns names the columns of the conversation.
func (l *Layout) Columns() []string {
	names := make([]string, len(l.Slots))
	for i, s := range l.Slots {
		names[i] = s.Name
	}
	return names
}

// SystemText returns the text slot for the system prompt, or -1.
func (l *Layout) SystemText() int {
	return slices.IndexFunc(l.Slots, func(s Slot) bool { return s.Kind == TextSlot && s.Role == RoleSystem })
}

// FirstList returns the first slot that is a list of turns, or -1.
func (l *Layout) FirstList() int {
	return slices.IndexFunc(l.Slots, func(s Slot) bool { return s.Kind != TextSlot })
}

// CanHoldSystem says whether the layout has a place for a system prompt.
func (l *Layout) CanHoldSystem() bool {
	i := l.FirstList()
	return l.SystemText() >= 0 || i >= 0 && !l.Slots[i].fixed
}

func describe(s *arrow.Schema) string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name + ": " + f.Type.String()
	}
	if len(names) > 12 {
		names = append(names[:12], fmt.Sprintf("… (%d more)", s.NumFields()-12))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func isText(t arrow.DataType) bool {
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING
}

// isJSON says whether a field's strings are JSON text.
func isJSON(f arrow.Field) bool {
	ext, _ := f.Metadata.GetValue("ARROW:extension:name")
	return ext == "arrow.json"
}

// textSlot makes a slot of a string column (of text, not of JSON); nil when there is no such column.
func textSlot(s *arrow.Schema, role Role, names ...string) *Slot {
	for _, n := range names {
		if ix := s.FieldIndices(n); len(ix) == 1 && n != "" && isText(s.Field(ix[0]).Type) && !isJSON(s.Field(ix[0])) {
			return &Slot{Column: ix[0], Name: n, Kind: TextSlot, Role: role}
		}
	}
	return nil
}

// listSlot makes a slot of a list column: list<struct<role, text, …>>, or a list of JSON text. roleKeys and textKeys are
// alternatives; the first that is there counts.
func listSlot(s *arrow.Schema, name string, roleKeys, textKeys []string) *Slot {
	ix := s.FieldIndices(name)
	if len(ix) != 1 {
		return nil
	}
	elem, ok := listElem(s.Field(ix[0]).Type)
	if !ok {
		return nil
	}
	slot := &Slot{Column: ix[0], Name: name, RoleKey: roleKeys[0], TextKey: textKeys[0]}
	if isText(elem.Type) {
		if !isJSON(elem) {
			return nil
		}
		slot.Kind = JSONSlot
		return slot
	}
	st, ok := elem.Type.(*arrow.StructType)
	if !ok {
		return nil
	}
	slot.Kind, slot.role, slot.text = ListSlot, -1, -1
	for i, f := range st.Fields() {
		switch {
		case slot.role < 0 && slices.Contains(roleKeys, f.Name) && isText(f.Type):
			slot.role, slot.RoleKey = i, f.Name
		case slot.text < 0 && slices.Contains(textKeys, f.Name) && isText(f.Type):
			slot.text, slot.TextKey = i, f.Name
		case !f.Nullable:
			slot.fixed = true
		}
	}
	if slot.role < 0 || slot.text < 0 {
		return nil
	}
	return slot
}

func listElem(t arrow.DataType) (arrow.Field, bool) {
	switch t := t.(type) {
	case *arrow.ListType:
		return t.ElemField(), true
	case *arrow.LargeListType:
		return t.ElemField(), true
	}
	return arrow.Field{}, false
}
