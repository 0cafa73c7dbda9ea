package columnar

import (
	"bytes"
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

// TestOpenAIMost: a file that OpenAI would not take is not made.
func TestOpenAIMost(t *testing.T) {
	var out bytes.Buffer
	w := &bounded{&out, 10}
	if _, err := w.Write(make([]byte, 10)); err != nil || out.Len() != 10 {
		t.Fatalf("%d bytes, %v", out.Len(), err)
	}
	if _, err := w.Write([]byte{1}); err == nil || !strings.Contains(err.Error(), "512 MB") || out.Len() != 10 {
		t.Fatalf("%d bytes, %v", out.Len(), err)
	}
}
