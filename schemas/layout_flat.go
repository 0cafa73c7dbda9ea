package schemas

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// findFlat finds one string column each for the system prompt (optional), the user's input and the desired output.
func findFlat(s *arrow.Schema, spec Spec) (*Layout, error) {
	or := func(name string, more ...string) []string {
		if name != "" {
			return []string{name}
		}
		return more
	}
	system := textSlot(s, RoleSystem, or(spec.System, "systemPrompt", "system_prompt")...)
	input := textSlot(s, RoleUser, or(spec.Input, "userInput", "user_input")...)
	output := textSlot(s, RoleAssistant, or(spec.Output, "desiredOutput", "desired_output")...)
	if input == nil || output == nil {
		return nil, nil
	}
	l := &Layout{Name: "flat", roles: chatRole, Why: fmt.Sprintf("columns %q and %q", input.Name, output.Name)}
	if system != nil {
		l.Slots = append(l.Slots, *system)
		l.Why += fmt.Sprintf(", column %q the system prompt", system.Name)
	}
	l.Slots = append(l.Slots, *input, *output)
	return l, nil
}
