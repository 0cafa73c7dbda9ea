package schemas

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// findShareGPT finds a list of {from, value} in a column "conversations" or "conversation", with an optional column
// "system" beside it.
func findShareGPT(s *arrow.Schema, spec Spec) (*Layout, error) {
	names := []string{"conversations", "conversation"}
	if spec.Column != "" {
		names = []string{spec.Column}
	}
	from, value := []string{"from"}, []string{"value"}
	if spec.Role != "" {
		from = []string{spec.Role}
	}
	if spec.Text != "" {
		value = []string{spec.Text}
	}
	for _, n := range names {
		list := listSlot(s, n, from, value)
		if list == nil {
			continue
		}
		l := &Layout{Name: "sharegpt", roles: sharegptRole, Why: fmt.Sprintf("column %q is a list of {%s, %s}", n, list.RoleKey, list.TextKey)}
		system := spec.System
		if system == "" {
			system = "system"
		}
		if t := textSlot(s, RoleSystem, system); t != nil {
			l.Slots = append(l.Slots, *t)
			l.Why += fmt.Sprintf(", column %q the system prompt", t.Name)
		} else if spec.System != "" {
			return nil, &LayoutError{Msg: fmt.Sprintf("layout sharegpt: no text column %q for the system prompt", spec.System)}
		}
		l.Slots = append(l.Slots, *list)
		return l, nil
	}
	return nil, nil
}
