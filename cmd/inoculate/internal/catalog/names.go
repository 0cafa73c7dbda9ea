package catalog

import (
	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/transforms/scan/literal"
)

// promptInSchema finds a prompt in what a schema says beside its types: names of columns and members, and metadata. Records
// are searched one by one; these stand in every file.
func promptInSchema(s *arrow.Schema, texts, ids []string) (name, id string) {
	set := literal.New(texts)
	look := func(text string) {
		set.Scan([]byte(text), func(p, _ int) { name, id = text, ids[p] })
	}
	metadata := func(m arrow.Metadata) {
		for i, k := range m.Keys() {
			look(k)
			look(m.Values()[i])
		}
	}
	var field func(f arrow.Field)
	field = func(f arrow.Field) {
		look(f.Name)
		metadata(f.Metadata)
		if nested, ok := f.Type.(arrow.NestedType); ok {
			for _, g := range nested.Fields() {
				field(g)
			}
		}
	}
	metadata(s.Metadata())
	for _, f := range s.Fields() {
		field(f)
	}
	return name, id
}
