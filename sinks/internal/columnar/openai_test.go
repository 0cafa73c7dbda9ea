package columnar

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/schemas"
)

// TestCheckOpenAI: turns with members that the format would leave out are refused; nothing is dropped without a word.
func TestCheckOpenAI(t *testing.T) {
	text := arrow.BinaryTypes.String
	member := func(name string) arrow.Field { return arrow.Field{Name: name, Type: text, Nullable: true} }
	for want, members := range map[string][]arrow.Field{"": {member("role"), member("content")}, `the member "tool_calls"`: {member("role"), member("content"), member("tool_calls")}} {
		schema := arrow.NewSchema([]arrow.Field{{Name: "messages", Type: arrow.ListOf(arrow.StructOf(members...)), Nullable: true}}, nil)
		l, err := schemas.Find(schema, schemas.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		err = CheckOpenAI(l, schema)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
