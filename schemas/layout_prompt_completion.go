package schemas

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// findPromptCompletion finds TRL's pair of columns, each a string or a list of messages.
func findPromptCompletion(s *arrow.Schema, spec Spec) (*Layout, error) {
	prompt, completion := spec.Prompt, spec.Completion
	if prompt == "" {
		prompt = "prompt"
	}
	if completion == "" {
		completion = "completion"
	}
	p, c := side(s, prompt, RoleUser), side(s, completion, RoleAssistant)
	if p == nil || c == nil {
		return nil, nil
	}
	return &Layout{Name: "prompt-completion", Slots: []Slot{*p, *c}, roles: chatRole,
		Why: fmt.Sprintf("columns %q (%s) and %q (%s)", p.Name, s.Field(p.Column).Type, c.Name, s.Field(c.Column).Type)}, nil
}

// side is a column that is a text of one role, or a list of messages.
func side(s *arrow.Schema, name string, role Role) *Slot {
	if t := textSlot(s, role, name); t != nil {
		return t
	}
	return listSlot(s, name, []string{"role"}, []string{"content"})
}
