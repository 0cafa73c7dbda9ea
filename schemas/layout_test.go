package schemas

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

func TestFind(t *testing.T) {
	text := arrow.BinaryTypes.String
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	pair := func(a, b string) arrow.DataType { return arrow.ListOf(arrow.StructOf(field(a, text), field(b, text))) }
	jsonTurns := arrow.ListOfField(arrow.Field{Name: "item", Type: text, Nullable: true, Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.json"})})
	parts := arrow.ListOf(arrow.StructOf(field("role", text), field("content", pair("type", "text"))))
	jsonText := arrow.Field{Name: "prompt", Type: text, Nullable: true, Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.json"})}
	messages, chat := field("messages", pair("role", "content")), field("chat", pair("role", "content"))
	for _, c := range []struct {
		name   string
		fields []arrow.Field
		spec   Spec
		want   string // layout and columns, or a part of the error
	}{
		{"messages", []arrow.Field{field("id", text), messages}, Spec{}, "messages [messages]"},
		{"messages by another name", []arrow.Field{chat}, Spec{}, "messages [chat]"},
		{"members the other way round, large", []arrow.Field{field("m", arrow.LargeListOf(arrow.StructOf(field("content", arrow.BinaryTypes.LargeString), field("x", text), field("role", text))))}, Spec{}, "messages [m]"},
		{"two of them", []arrow.Field{messages, chat}, Spec{}, `columns "messages" and "chat" both hold messages (choose one: layout: {type: messages, column: messages})`},
		{"two of them, one named", []arrow.Field{messages, chat}, Spec{Type: "messages", Column: "chat"}, "messages [chat]"},
		{"JSON turns", []arrow.Field{field("messages", jsonTurns)}, Spec{}, "messages [messages]"},
		{"JSON text is no text", []arrow.Field{jsonText, field("completion", text)}, Spec{}, "no conversation found"},
		{"own names", []arrow.Field{field("c", pair("who", "said"))}, Spec{Type: "messages", Column: "c", Role: "who", Text: "said"}, "messages [c]"},
		{"sharegpt", []arrow.Field{field("conversations", pair("from", "value"))}, Spec{}, "sharegpt [conversations]"},
		{"sharegpt with system", []arrow.Field{field("conversations", pair("from", "value")), field("system", text)}, Spec{}, "sharegpt [system conversations]"},
		{"sharegpt without its system", []arrow.Field{field("conversations", pair("from", "value"))}, Spec{Type: "sharegpt", System: "sys"}, `no text column "sys"`},
		{"pair of texts", []arrow.Field{field("prompt", text), field("completion", text)}, Spec{}, "prompt-completion [prompt completion]"},
		{"pair of lists", []arrow.Field{field("prompt", pair("role", "content")), field("completion", pair("role", "content"))}, Spec{}, "prompt-completion [prompt completion]"},
		{"preference of texts", []arrow.Field{field("prompt", text), field("chosen", text), field("rejected", text)}, Spec{}, "preference [prompt chosen]"},
		{"preference of lists", []arrow.Field{field("prompt", pair("role", "content")), field("rejected", pair("role", "content")), field("chosen", pair("role", "content"))}, Spec{}, "preference [prompt chosen]"},
		{"preference by name", []arrow.Field{field("q", text), field("good", text), field("bad", text)}, Spec{Type: "preference", Prompt: "q", Chosen: "good", Rejected: "bad"}, "preference [q good]"},
		{"preference, prompt in both", []arrow.Field{field("rejected", pair("role", "content")), field("chosen", pair("role", "content"))}, Spec{}, "there is no column \"prompt\" (make it a column of its own"},
		{"messages called chosen", []arrow.Field{field("chosen", pair("role", "content"))}, Spec{}, "messages [chosen]"},
		{"flat, camel case", []arrow.Field{field("systemPrompt", text), field("userInput", text), field("desiredOutput", text)}, Spec{}, "flat [systemPrompt userInput desiredOutput]"},
		{"flat, snake case, no system", []arrow.Field{field("desired_output", text), field("user_input", text)}, Spec{}, "flat [user_input desired_output]"},
		{"flat by name", []arrow.Field{field("q", text), field("a", text)}, Spec{Type: "flat", Input: "q", Output: "a"}, "flat [q a]"},
		{"two layouts", []arrow.Field{messages, field("prompt", text), field("completion", text)}, Spec{}, "more than one conversation found: messages (column"},
		{"two layouts, one chosen", []arrow.Field{messages, field("prompt", text), field("completion", text)}, Spec{Type: "prompt-completion"}, "prompt-completion [prompt completion]"},
		{"none", []arrow.Field{field("text", text)}, Spec{}, "no conversation found in the columns [text: utf8]"},
		{"parts as structs", []arrow.Field{field("messages", parts)}, Spec{}, "no conversation found"},
		{"wrong type", []arrow.Field{messages}, Spec{Type: "sharegpt"}, "no sharegpt conversation in the columns"},
		{"unknown type", []arrow.Field{messages}, Spec{Type: "chatml"}, `unknown layout "chatml"; there are: auto, messages, sharegpt, prompt-completion, preference, flat`},
	} {
		l, err := Find(arrow.NewSchema(c.fields, nil), c.spec)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = l.Name + " [" + strings.Join(l.Columns(), " ") + "]"
			if l.Why == "" {
				t.Errorf("%s: the layout does not say why", c.name)
			}
		}
		if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
