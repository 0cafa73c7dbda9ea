package parquet

import (
	"fmt"
	"maps"

	"github.com/apache/arrow/go/v17/arrow"
)

// difference describes the first field in which two schemas differ, with its path; "" for none.
func difference(a, b []*node) (path, what string) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i].path, "is missing here"
		case i >= len(b):
			return a[i].path, "is missing there"
		}
		if path, what := a[i].difference(b[i]); what != "" {
			return path, what
		}
	}
	return "", ""
}

func (n *node) difference(o *node) (path, what string) {
	switch {
	case n.name != o.name:
		return n.path, fmt.Sprintf("stands where the other has %s", o.path)
	case n.kind != o.kind || n.kind == leafKind && !arrow.TypeEqual(n.typ, o.typ) || n.large != o.large || n.fixed != o.fixed:
		return n.path, fmt.Sprintf("is %s here and %s there", n.arrowField().Type, o.arrowField().Type)
	case n.nullable != o.nullable:
		return n.path, fmt.Sprintf("is nullable: %t here and %t there", n.nullable, o.nullable)
	case !maps.Equal(n.meta.ToMap(), o.meta.ToMap()):
		return n.path, fmt.Sprintf("has the metadata %v here and %v there", n.meta, o.meta)
	}
	switch n.kind {
	case listKind:
		return n.children[0].elementDifference(o.children[0])
	case mapKind:
		for i, c := range n.children[0].children {
			if path, what := c.elementDifference(o.children[0].children[i]); what != "" {
				return path, what
			}
		}
		return "", ""
	}
	return difference(n.children, o.children)
}

// elementDifference compares elements of lists, keys or values of maps, whose names count for nothing.
func (n *node) elementDifference(o *node) (path, what string) {
	same := *o
	same.name = n.name
	return n.difference(&same)
}
