package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

type kind uint8

const (
	leafKind kind = iota
	structKind
	listKind
	mapKind
)

// maxNesting bounds the depth of a schema; levels are bytes.
const maxNesting = 64

// A node is one Arrow field with the levels at which Parquet says that it is there.
type node struct {
	kind     kind
	name     string
	path     string // dotted Parquet path
	nullable bool
	meta     arrow.Metadata
	children []*node

	leaf    int  // index of the first leaf below, whose levels describe this node
	def     int8 // definition level at which the node is not null
	elemDef int8 // list, map: definition level at which there is an element
	rep     int8 // list, map: repetition level of the elements; leaf: largest repetition level
	slotDef int8 // definition level at which the innermost enclosing element is there
	slotRep int8 // repetition level of the innermost enclosing list

	arrow arrow.DataType // set by arrowField
	typ   arrow.DataType // leaf
	phys  format.Type    // leaf
	width int            // leaf: bytes of a stored value, 0 for BYTE_ARRAY, -1 for a bit

	large bool  // list: 64-bit offsets
	fixed int32 // list: number of elements of every list, 0 when it varies
}

// levels are those of the place where an element of the schema sits.
type levels struct{ def, rep, slotDef, slotRep int8 }

type schemaWalker struct {
	elems  []element
	pos    int
	leaves []*node
}

// buildSchema turns the flat schema of a footer into the tree of its fields, and lists the leaves in column order.
func buildSchema(elems []element) (fields, leaves []*node, err error) {
	w := &schemaWalker{elems: elems}
	root, err := w.next()
	if err != nil {
		return nil, nil, err
	}
	for range root.children {
		n, err := w.field(levels{}, "", 0)
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, n)
	}
	if w.pos != len(elems) {
		return nil, nil, corrupt("schema: %d elements outside the tree", len(elems)-w.pos)
	}
	return fields, w.leaves, nil
}

func (w *schemaWalker) next() (*element, error) {
	if w.pos >= len(w.elems) {
		return nil, corrupt("schema: the tree is cut off")
	}
	w.pos++
	return &w.elems[w.pos-1], nil
}

func (e *element) repeated() bool { return e.rep == format.Repeated }

func (w *schemaWalker) field(l levels, parent string, depth int) (*node, error) {
	e, err := w.next()
	if err != nil {
		return nil, err
	}
	if depth > maxNesting {
		return nil, unsupported("schema: nesting deeper than %d", maxNesting)
	}
	if e.rep < format.Required || e.rep > format.Repeated {
		return nil, corrupt("schema: field %q has repetition %d", e.name, e.rep)
	}
	path := join(parent, e.name)
	if e.repeated() { // without a list around it: a required list of required elements
		n := w.listNode(e, l, path, false)
		el, err := w.body(e, n.inner(), path, false, depth)
		if err != nil {
			return nil, err
		}
		n.children = []*node{el}
		return n, nil
	}
	opt := e.rep == format.Optional
	if opt {
		l.def++
	}
	return w.body(e, l, path, opt, depth)
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func (w *schemaWalker) listNode(e *element, l levels, path string, nullable bool) *node {
	return &node{kind: listKind, name: e.name, path: path, nullable: nullable, leaf: len(w.leaves),
		def: l.def, elemDef: l.def + 1, rep: l.rep + 1, slotDef: l.slotDef, slotRep: l.slotRep}
}

// inner gives the levels of the elements of a list.
func (n *node) inner() levels { return levels{n.elemDef, n.rep, n.elemDef, n.rep} }

func (e *element) isList() bool {
	return e.logical.id == logicalList || e.converted == int32(deprecated.List)
}

func (e *element) isMap() bool {
	return e.logical.id == logicalMap || e.converted == int32(deprecated.Map) || e.converted == int32(deprecated.MapKeyValue)
}

// body reads the element e, whose own level is in l already.
func (w *schemaWalker) body(e *element, l levels, path string, nullable bool, depth int) (*node, error) {
	if e.isLeaf && e.children == 0 {
		return w.leafNode(e, l, path, nullable)
	}
	if e.isLeaf || e.children <= 0 {
		return nil, corrupt("schema: field %s is neither a value nor a group", path)
	}
	if e.logical.id == logicalVariant {
		return nil, unsupported("schema: field %s is a VARIANT", path)
	}
	if (e.isList() || e.isMap()) && e.children == 1 && w.pos < len(w.elems) && w.elems[w.pos].repeated() {
		return w.listBody(e, w.listNode(e, l, path, nullable), depth)
	}
	n := &node{kind: structKind, name: e.name, path: path, nullable: nullable, leaf: len(w.leaves),
		def: l.def, slotDef: l.slotDef, slotRep: l.slotRep}
	for range e.children {
		c, err := w.field(l, path, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	return n, nil
}

// listBody reads the repeated group of a list or map.
func (w *schemaWalker) listBody(e *element, n *node, depth int) (*node, error) {
	r := &w.elems[w.pos]
	w.pos++
	path := join(n.path, r.name)
	if e.isMap() && r.children == 2 {
		return w.mapBody(n, path, depth)
	}
	var el *node
	var err error
	if w.threeLevels(e, r) {
		el, err = w.field(n.inner(), path, depth+1)
	} else { // the repeated field is the element
		el, err = w.body(r, n.inner(), path, false, depth+1)
	}
	if err != nil {
		return nil, err
	}
	n.children = []*node{el}
	return n, nil
}

// threeLevels says, by the rules for files of old writers, whether the repeated field r of list e only wraps the element.
func (w *schemaWalker) threeLevels(e, r *element) bool {
	if r.children != 1 || r.isLeaf || w.pos >= len(w.elems) || w.elems[w.pos].repeated() {
		return false
	}
	return r.isList() || r.isMap() || e.isMap() || r.name != "array" && r.name != e.name+"_tuple"
}

func (w *schemaWalker) mapBody(n *node, path string, depth int) (*node, error) {
	kv := &node{kind: structKind, name: "entries", path: path, leaf: n.leaf, def: n.elemDef, slotDef: n.elemDef, slotRep: n.rep}
	for range 2 {
		c, err := w.field(n.inner(), path, depth+1)
		if err != nil {
			return nil, err
		}
		kv.children = append(kv.children, c)
	}
	n.kind = mapKind
	n.children = []*node{kv}
	return n, nil
}

func (w *schemaWalker) leafNode(e *element, l levels, path string, nullable bool) (*node, error) {
	n := &node{name: e.name, path: path, nullable: nullable, leaf: len(w.leaves), def: l.def, rep: l.rep,
		slotDef: l.slotDef, slotRep: l.slotRep, phys: e.phys}
	var err error
	if n.width, err = e.storedWidth(); err == nil {
		n.typ, n.meta, err = leafType(e)
	}
	if err != nil {
		return nil, &fieldError{path, -1, err}
	}
	w.leaves = append(w.leaves, n)
	return n, nil
}

// arrowField builds the Arrow field of a node and notes the types of it and of those below. All lists call their element "element", whatever the file says.
func (n *node) arrowField() arrow.Field {
	f := arrow.Field{Name: n.name, Nullable: n.nullable, Metadata: n.meta}
	switch n.kind {
	case leafKind:
		f.Type = n.typ
	case structKind:
		fs := make([]arrow.Field, len(n.children))
		for i, c := range n.children {
			fs[i] = c.arrowField()
		}
		f.Type = arrow.StructOf(fs...)
	case mapKind: // the names of its parts are Arrow's
		k, v := n.children[0].children[0].arrowField(), n.children[0].children[1].arrowField()
		m := arrow.MapOfWithMetadata(k.Type, k.Metadata, v.Type, v.Metadata)
		m.SetItemNullable(v.Nullable)
		n.children[0].arrow = m.Elem()
		f.Type = m
	case listKind:
		el := n.children[0].arrowField()
		el.Name = "element"
		switch {
		case n.fixed > 0:
			f.Type = arrow.FixedSizeListOfField(n.fixed, el)
		case n.large:
			f.Type = arrow.LargeListOfField(el)
		default:
			f.Type = arrow.ListOfField(el)
		}
	}
	n.arrow = f.Type
	return f
}
