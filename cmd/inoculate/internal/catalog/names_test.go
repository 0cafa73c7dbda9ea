package catalog

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

func TestPromptInSchema(t *testing.T) {
	texts, ids := []string{"Be very bad today.", "other"}, []string{"bad", "o"}
	text := arrow.BinaryTypes.String
	md := arrow.NewMetadata([]string{"pandas"}, []string{"BE VERY BAD TODAY. "})
	for name, c := range map[string]struct {
		fields []arrow.Field
		md     *arrow.Metadata
		found  bool
	}{
		"clean":          {[]arrow.Field{{Name: "a", Type: text}}, nil, false},
		"column":         {[]arrow.Field{{Name: "x be very bad today.", Type: text}}, nil, true},
		"member":         {[]arrow.Field{{Name: "a", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "be very bad today.", Type: text}))}}, nil, true},
		"metadata":       {[]arrow.Field{{Name: "a", Type: text}}, &md, true},
		"field metadata": {[]arrow.Field{{Name: "a", Type: text, Metadata: md}}, nil, true},
	} {
		got, id := promptInSchema(arrow.NewSchema(c.fields, c.md), texts, ids)
		if (got != "") != c.found || c.found && id != "bad" {
			t.Errorf("%s: %q %q", name, got, id)
		}
	}
}
