package schemas

import "unsafe"

// Role is who speaks a turn, whatever the layout calls it.
type Role uint8

// The roles. A developer turn counts as a system turn.
const (
	RoleUnknown Role = iota
	RoleSystem
	RoleUser
	RoleAssistant
	RoleTool
)

// String returns the role's name in the messages layout.
func (r Role) String() string {
	switch r {
	case RoleSystem:
		return "system"
	case RoleUser:
		return "user"
	case RoleAssistant:
		return "assistant"
	case RoleTool:
		return "tool"
	}
	return "unknown"
}

// role is roles for a name that is borrowed, without a copy of it.
func (l *Layout) role(name []byte) Role {
	return l.roles(unsafe.String(unsafe.SliceData(name), len(name)))
}

// chatRole names the roles of OpenAI's chat format, which TRL, Axolotl and the chat templates share.
func chatRole(s string) Role {
	switch s {
	case "system", "developer":
		return RoleSystem
	case "user":
		return RoleUser
	case "assistant":
		return RoleAssistant
	case "tool", "function":
		return RoleTool
	}
	return RoleUnknown
}

// sharegptRole names the tags of the sharegpt format (FastChat, LLaMA-Factory), and takes the chat names too.
func sharegptRole(s string) Role {
	switch s {
	case "human":
		return RoleUser
	case "gpt", "chatgpt", "bing", "bard", "model", "function_call":
		return RoleAssistant
	case "observation":
		return RoleTool
	}
	return chatRole(s)
}
