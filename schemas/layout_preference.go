package schemas

import (
	"cmp"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// findPreference finds TRL's preference with an explicit prompt: columns prompt, chosen and rejected, each a string or a list
// of messages. The conversation is the prompt and the chosen answer; the rejected one stays as it is.
func findPreference(s *arrow.Schema, spec Spec) (*Layout, error) {
	prompt, chosen, rejected := cmp.Or(spec.Prompt, "prompt"), cmp.Or(spec.Chosen, "chosen"), cmp.Or(spec.Rejected, "rejected")
	c, r := side(s, chosen, RoleAssistant), side(s, rejected, RoleAssistant)
	if c == nil || r == nil {
		return nil, nil
	}
	p := side(s, prompt, RoleUser)
	if p == nil {
		return nil, &LayoutError{Msg: fmt.Sprintf("columns %q and %q hold a preference whose prompt stands in both: there is no column %q", chosen, rejected, prompt),
			Hint: "make it a column of its own, as TRL's extract_prompt does, or name it: layout: {type: preference, prompt: …}"}
	}
	return &Layout{Name: "preference", Slots: []Slot{*p, *c}, Rejected: r, roles: chatRole,
		Why: fmt.Sprintf("columns %q (%s), %q and %q (%s)", p.Name, s.Field(p.Column).Type, c.Name, r.Name, s.Field(c.Column).Type)}, nil
}
