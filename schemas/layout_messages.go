package schemas

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// findMessages finds the chat format of OpenAI, TRL and most trainers: a list of {role, content, …}, whatever the column
// is called. The parts of a prompt-completion pair or of a preference are not taken for one.
func findMessages(s *arrow.Schema, spec Spec) (*Layout, error) {
	roles, texts := []string{"role"}, []string{"content"}
	if spec.Role != "" {
		roles = []string{spec.Role}
	}
	if spec.Text != "" {
		texts = []string{spec.Text}
	}
	var found []*Slot
	for i, f := range s.Fields() {
		if spec.Column != "" && f.Name != spec.Column || spec.Column == "" && pairColumn(s, f.Name) {
			continue
		}
		slot := listSlot(s, f.Name, roles, texts)
		if slot == nil || slot.Kind == JSONSlot && spec.Column == "" && f.Name != "messages" {
			continue
		}
		slot.Column = i
		found = append(found, slot)
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &Layout{Name: "messages", Slots: []Slot{*found[0]}, roles: chatRole,
			Why: fmt.Sprintf("column %q is a list of {%s, %s}", found[0].Name, found[0].RoleKey, found[0].TextKey)}, nil
	}
	return nil, &LayoutError{Msg: fmt.Sprintf("columns %q and %q both hold messages", found[0].Name, found[1].Name),
		Hint: fmt.Sprintf("choose one: layout: {type: messages, column: %s}", found[0].Name)}
}

// pairColumn tells whether a column is one part of a pair, of prompt and completion or of prompt, chosen and rejected.
func pairColumn(s *arrow.Schema, name string) bool {
	switch name {
	case "prompt":
		return s.HasField("completion") || preferenceColumns(s)
	case "completion":
		return s.HasField("prompt")
	case "chosen", "rejected":
		return preferenceColumns(s)
	}
	return false
}

func preferenceColumns(s *arrow.Schema) bool { return s.HasField("chosen") && s.HasField("rejected") }
