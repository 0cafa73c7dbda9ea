package columnar

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsonrow"
	"inoculate/schemas/jsontext"
)

// openAIKeys are the keys of a message that OpenAI's fine-tuning API takes.
var openAIKeys = []string{"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "weight", "refusal"}

// openAIColumns are the columns beside the conversation that it takes.
var openAIColumns = []string{"tools", "functions", "parallel_tool_calls"}

// openAIMost is how many bytes a file for it may have.
const openAIMost = 512_000_000

// bounded is a file that may have so many more bytes.
type bounded struct {
	w    io.Writer
	room int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.room -= int64(len(p)); b.room < 0 {
		return 0, fmt.Errorf("a file of the format openai would have more than the %d MB that it may have; smaller segments (sink.segment) make smaller files, and a longer record fits in none", openAIMost/1_000_000)
	}
	return b.w.Write(p)
}

// openAIFile is JSON lines with a record's conversation as OpenAI's fine-tuning API takes it, and nothing else of the record:
// {messages, tools, …}, and of a preference {input: {messages, tools, …}, preferred_output, non_preferred_output}.
type openAIFile struct {
	lineWriter
	view    *schemas.View
	refused *schemas.View  // of a preference
	columns []openAIColumn // of openAIColumns that the schema has
	turns   []schemas.Turn
}

// openAIColumn is a column that is written beside the conversation.
type openAIColumn struct {
	index  int
	schema *arrow.Schema // of it alone
	enc    *jsonrow.Encoder
	rec    arrow.Record // of the rows at hand
}

// CheckOpenAI says why conversations of a layout cannot be written as OpenAI's lines.
func CheckOpenAI(l *schemas.Layout, s *arrow.Schema) error { return plainTurns(OpenAI, l, s) }

// plainTurns refuses turns with members that a format has no place for; those that are JSON text are not looked into.
func plainTurns(format string, l *schemas.Layout, s *arrow.Schema) error {
	slots := l.Slots
	if l.Rejected != nil && format == OpenAI {
		slots = append(slots[:len(slots):len(slots)], *l.Rejected)
	}
	for _, slot := range slots {
		if slot.Kind != schemas.ListSlot {
			continue
		}
		list, ok := s.Field(slot.Column).Type.(arrow.ListLikeType)
		if !ok {
			return fmt.Errorf("column %q is no list", slot.Name)
		}
		turn, ok := list.Elem().(*arrow.StructType)
		if !ok {
			return fmt.Errorf("column %q is no list of turns", slot.Name)
		}
		for _, f := range turn.Fields() {
			if f.Name != slot.RoleKey && f.Name != slot.TextKey {
				return fmt.Errorf("turns of column %q have the member %q, which the format %s would leave out; JSON lines keep it", slot.Name, f.Name, format)
			}
		}
	}
	return nil
}

func newOpenAI(w io.Writer, schema *arrow.Schema, l *schemas.Layout) (encoder, error) {
	if l == nil {
		return nil, fmt.Errorf("the format openai needs a layout")
	}
	if err := CheckOpenAI(l, schema); err != nil {
		return nil, err
	}
	f := &openAIFile{lineWriter: lineWriter{w: &bounded{w, openAIMost}}, view: schemas.NewView(l)}
	if r := l.Refused(); r != nil {
		f.refused = schemas.NewView(r)
	}
	for i, field := range schema.Fields() {
		if !slices.Contains(openAIColumns, field.Name) {
			continue
		}
		c := openAIColumn{index: i, schema: arrow.NewSchema([]arrow.Field{field}, nil)}
		var err error
		if c.enc, err = jsonrow.NewEncoder(c.schema); err != nil {
			return nil, err
		}
		f.columns = append(f.columns, c)
	}
	return f, nil
}

func (f *openAIFile) write(rows pipeline.Rows) error {
	f.view.Reset(rows.Record)
	if f.refused != nil {
		f.refused.Reset(rows.Record)
	}
	for i := range f.columns {
		c := &f.columns[i]
		c.rec = array.NewRecord(c.schema, rows.Record.Columns()[c.index:c.index+1], rows.Record.NumRows())
		defer c.rec.Release()
	}
	return f.each(rows.N, f.row)
}

func (f *openAIFile) row(row int) (err error) {
	var fault *schemas.Fault
	if f.turns, fault = f.view.Conversation(row, f.turns[:0]); fault != nil && !fault.NoTurn() {
		return fmt.Errorf("field %s: %s", fault.Field, fault.Detail)
	}
	if f.refused == nil {
		f.buf = append(f.buf, '{')
		err = errors.Join(f.messages("messages", f.view, f.turns), f.beside(row))
		f.buf = append(f.buf, '}', '\n')
		return err
	}
	prompt := 0
	for prompt < len(f.turns) && f.turns[prompt].Slot == 0 {
		prompt++
	}
	f.buf = append(f.buf, `{"input": {`...)
	err = errors.Join(f.messages("messages", f.view, f.turns[:prompt]), f.beside(row))
	f.buf = append(f.buf, "}, "...)
	err = errors.Join(err, f.messages("preferred_output", f.view, f.turns[prompt:]))
	f.turns, _ = f.refused.Conversation(row, f.turns[:0]) // without an answer the list is empty; who wants no such records says so in check.for
	f.buf = append(f.buf, ", "...)
	err = errors.Join(err, f.messages("non_preferred_output", f.refused, f.turns))
	f.buf = append(f.buf, '}', '\n')
	return err
}

// messages appends a member with a list of messages.
func (f *openAIFile) messages(name string, v *schemas.View, turns []schemas.Turn) error {
	f.buf = append(append(append(f.buf, '"'), name...), `": [`...)
	first := true
	for i := range turns {
		t := &turns[i]
		if t.Null && t.Role == schemas.RoleSystem && t.JSON() == nil { // a column without a system prompt
			continue
		}
		if !first {
			f.buf = append(f.buf, ", "...)
		}
		first = false
		if err := f.turn(v, t); err != nil {
			return err
		}
	}
	f.buf = append(f.buf, ']')
	return nil
}

// beside appends what the API takes beside the messages.
func (f *openAIFile) beside(row int) (err error) {
	for i := range f.columns {
		c := &f.columns[i]
		if !c.rec.Column(0).IsValid(row) {
			continue
		}
		f.buf = append(f.buf, ", "...)
		at := len(f.buf)
		if f.buf, err = c.enc.Append(f.buf, c.rec, row); err != nil {
			return err
		}
		f.buf = append(f.buf[:at], f.buf[at+1:len(f.buf)-1]...) // without its braces
	}
	return nil
}

// turn appends a message. Of one that is JSON text, the members that the API takes stay as they are.
func (f *openAIFile) turn(v *schemas.View, t *schemas.Turn) error {
	f.buf = append(append(append(f.buf, `{"role": "`...), t.Role.String()...), '"')
	raw := t.JSON()
	if raw == nil {
		f.buf = append(f.buf, `, "content": `...)
		if t.Null {
			f.buf = append(f.buf, "null"...)
		} else {
			f.buf = jsontext.AppendQuoted(f.buf, t.Text)
		}
		f.buf = append(f.buf, '}')
		return nil
	}
	text := v.TextKey(t)
	_, err := jsontext.Object(raw, 0, func(m jsontext.Member) error {
		key := string(raw[m.Key+1 : m.KeyEnd-1])
		switch key {
		case text:
			key = "content"
		case "content": // another member by that name
			return nil
		}
		if key == "role" || !slices.Contains(openAIKeys, key) || key != "content" && raw[m.From] == 'n' {
			return nil
		}
		f.buf = append(append(append(f.buf, `, "`...), key...), `": `...)
		f.buf = append(f.buf, raw[m.From:m.To]...)
		return nil
	})
	f.buf = append(f.buf, '}')
	return err
}

// PreferenceSchema is that of lines in the preference form: each message and what stands beside them as JSON text.
func PreferenceSchema() *arrow.Schema {
	messages := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: arrow.ListOfField(jsonrow.JSONField("item")), Nullable: true}
	}
	input := []arrow.Field{messages("messages")}
	for _, name := range openAIColumns {
		input = append(input, jsonrow.JSONField(name))
	}
	return arrow.NewSchema([]arrow.Field{
		{Name: "input", Type: arrow.StructOf(input...), Nullable: true}, messages("preferred_output"), messages("non_preferred_output"),
	}, nil)
}
