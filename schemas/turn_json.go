package schemas

import (
	"fmt"

	"inoculate/schemas/jsontext"
)

// jsonTurn says where the texts of a turn stand in its JSON.
type jsonTurn struct {
	raw    []byte
	spans  []jsonSpan // the content, or each of its text parts
	isNull bool       // the only span is the literal null, or there is none: no content member
}

// jsonSpan is one string: its inside is raw[from:to].
type jsonSpan struct {
	from, to int
	text     []byte
}

// jsonTurn reads role and content of a turn that is JSON text. Content may be a string, null, absent, or a list of parts
// of which those of type text count.
func (v *View) jsonTurn(t *Turn, raw []byte, slot *Slot) *Fault {
	j := &jsonTurn{raw: raw}
	role, content := []byte(nil), [2]int{-1, -1}
	end, err := jsontext.Object(raw, 0, func(m jsontext.Member) error {
		switch string(raw[m.Key+1 : m.KeyEnd-1]) {
		case slot.RoleKey:
			if raw[m.From] == '"' {
				role = jsontext.AppendUnquoted(nil, raw[m.From+1:m.To-1])
			}
		case slot.TextKey:
			content = [2]int{m.From, m.To}
		}
		return nil
	})
	if err == nil && jsontext.Space(raw, end) != len(raw) {
		err = fmt.Errorf("text after the turn at byte %d", end)
	}
	if err != nil {
		return &Fault{"turn_json", "", err.Error()}
	}
	if role == nil {
		return &Fault{"role_null", slot.RoleKey, "the role is missing or no string"}
	}
	if t.Role = v.layout.role(role); t.Role == RoleUnknown {
		return &Fault{"role_unknown", slot.RoleKey, fmt.Sprintf("unknown role %q", clip(role))}
	}
	t.json = j
	if content[0] < 0 {
		t.Null, j.isNull = true, true
		return nil
	}
	switch raw[content[0]] {
	case '"':
		v.addSpan(j, content[0], content[1])
	case 'n':
		t.Null, j.isNull = true, true
		j.spans = append(j.spans, jsonSpan{from: content[0], to: content[1]})
	case '[':
		_, err = jsontext.Array(raw, content[0], func(from, to int) error { return v.addPart(j, from) })
		if err != nil {
			return &Fault{"content_parts", slot.TextKey, err.Error()}
		}
		if len(j.spans) == 0 {
			t.Null = true
			return nil
		}
	default:
		return &Fault{"content_type", slot.TextKey, "the content is neither text, null nor a list of parts"}
	}
	if len(j.spans) > 0 && !j.isNull {
		t.Text = j.spans[0].text
	}
	return nil
}

func (v *View) addSpan(j *jsonTurn, from, to int) {
	at := len(v.unjson)
	v.unjson = jsontext.AppendUnquoted(v.unjson, j.raw[from+1:to-1])
	j.spans = append(j.spans, jsonSpan{from: from + 1, to: to - 1, text: v.unjson[at:len(v.unjson):len(v.unjson)]})
}

// addPart notes the text of a part {"type": "text", "text": …}; other parts are passed over.
func (v *View) addPart(j *jsonTurn, from int) error {
	if j.raw[from] != '{' {
		return fmt.Errorf("a part of the content is no object")
	}
	kind, text := "", [2]int{}
	_, err := jsontext.Object(j.raw, from, func(m jsontext.Member) error {
		switch string(j.raw[m.Key+1 : m.KeyEnd-1]) {
		case "type":
			kind = string(j.raw[m.From:m.To])
		case "text":
			if j.raw[m.From] == '"' {
				text = [2]int{m.From, m.To}
			}
		}
		return nil
	})
	if err == nil && kind == `"text"` && text[1] > 0 {
		v.addSpan(j, text[0], text[1])
	}
	return err
}

// TextKey is the member that holds the text of a turn that is JSON text.
func (v *View) TextKey(t *Turn) string { return v.layout.Slots[t.Slot].TextKey }
