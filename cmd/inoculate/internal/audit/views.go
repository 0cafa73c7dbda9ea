package audit

import (
	"bytes"
	"sort"

	"inoculate/schemas/jsontext"
)

// views are the strings of a record joined by their key: the values of one key, one behind the other in the order of the
// record, each with a line end behind it. So the turns of a conversation are one text, and the parts of a message are; text
// counts as content, since a message may have either.
type views struct {
	index map[string]int
	list  []view
	used  []int // the views that have text, in order
	rest  []byte
	flat  []byte
	stack []frame
	count int // of values so far
	over  bool
}

// frame is the key that strings stand below: its view, or where it stands in rest as long as no string asked for its view.
type frame struct{ view, from, to int }

type view struct {
	text  []byte
	parts []part
}

// part is where a value begins in its view, and which of the record's values it is.
type part struct{ from, value int }

// maxStrings is how many strings of a record are joined, and maxViews below how many keys: with more, nothing is.
const (
	maxStrings = 1 << 20
	maxViews   = 1 << 17
)

// maxKeys is how many keys are remembered from record to record.
const maxKeys = 1024

func (v *views) reset() {
	for _, k := range v.used {
		v.list[k].text, v.list[k].parts = v.list[k].text[:0], v.list[k].parts[:0]
	}
	if len(v.list) > maxKeys || v.index == nil {
		v.index, v.list = map[string]int{}, nil
	}
	v.used, v.rest, v.count, v.over = v.used[:0], v.rest[:0], 0, false
}

// add takes the strings of JSON text, which is valid.
func (v *views) add(raw []byte) {
	v.stack = append(v.stack[:0], frame{view: -1})
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '{', '[':
			v.stack = append(v.stack, v.stack[len(v.stack)-1])
			i++
		case '}', ']':
			v.stack = v.stack[:len(v.stack)-1]
			i++
		case '"':
			end, escaped, err := jsontext.String(raw, i)
			if err != nil {
				return
			}
			inside := raw[i+1 : end-1]
			top := len(v.stack) - 1
			if i = jsontext.Space(raw, end); i < len(raw) && raw[i] == ':' {
				before := len(v.rest)
				v.rest = append(appendText(v.rest, inside, escaped), '\n')
				v.stack[top] = frame{-1, before, len(v.rest) - 1}
				continue
			}
			if v.count == maxStrings || len(v.list) > maxViews {
				v.over = true
				return
			}
			at := &v.stack[top]
			if at.view < 0 {
				at.view = v.view(v.rest[at.from:at.to])
			}
			w := &v.list[at.view]
			if len(w.parts) == 0 {
				v.used = append(v.used, at.view)
			}
			w.parts = append(w.parts, part{len(w.text), v.count})
			w.text = append(appendText(w.text, inside, escaped), '\n')
			v.count++
		default:
			i++
		}
	}
}

func appendText(dst, inside []byte, escaped bool) []byte {
	if escaped {
		return jsontext.AppendUnquoted(dst, inside)
	}
	return append(dst, inside...)
}

// view is the view of a key.
func (v *views) view(key []byte) int {
	if string(key) == "text" {
		key = []byte("content")
	}
	k, ok := v.index[string(key)]
	if !ok {
		k = len(v.list)
		v.list = append(v.list, view{})
		v.index[string(key)] = k
	}
	return k
}

// flatBytes is up to which size the views are looked through as one.
const flatBytes = 64 << 10

// any says whether may says yes to any view, or to the keys. They are one text where they are short, as one call costs less
// than many.
func (v *views) any(may func([]byte) bool) bool {
	n := len(v.rest)
	for _, k := range v.used {
		n += len(v.list[k].text)
	}
	if n <= flatBytes {
		return may(v.all())
	}
	for _, k := range v.used {
		if may(v.list[k].text) {
			return true
		}
	}
	return may(v.rest)
}

// all is every view, and the keys.
func (v *views) all() []byte {
	v.flat = v.flat[:0]
	for _, k := range v.used {
		v.flat = append(v.flat, v.list[k].text...)
	}
	v.flat = append(v.flat, v.rest...)
	return v.flat
}

// at is the part in which byte i of a view stands.
func (w *view) at(i int) int {
	return sort.Search(len(w.parts), func(k int) bool { return w.parts[k].from > i }) - 1
}

// end is where the text of part k ends.
func (w *view) end(k int) int {
	if k+1 < len(w.parts) {
		return w.parts[k+1].from - 1
	}
	return len(bytes.TrimSuffix(w.text, []byte("\n")))
}
