package parquetfile

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

type kind uint8

const (
	leafKind kind = iota
	structKind
	listKind // lists and maps
	fixedListKind
)

// maxNesting bounds the depth of a schema; levels are bytes.
const maxNesting = 64

// A node is one Arrow field with the levels at which Parquet says that it is there.
type node struct {
	kind     kind
	name     string // dotted path, for errors
	typ      arrow.DataType
	nullable bool
	def      byte // definition level at which the field is not null
	rep      byte // list: repetition level of its elements
	children []*node

	large bool // list: 64-bit offsets
	fixed int  // fixed-size list: elements of each
	leaf  int  // leaf: its number
}

// A leafInfo is what is known of a column before its first value.
type leafInfo struct {
	storage
	name           string
	path           []string
	maxDef, maxRep byte
}

type builder struct {
	elems  []format.SchemaElement
	leaves []leafInfo
}

// place is where in the tree a field stands.
type place struct {
	def, rep byte
	name     string // of the parent, for errors
	path     []string
	depth    int
}

func (p place) under(name string) []string {
	return append(p.path[:len(p.path):len(p.path)], name)
}

// buildSchema turns an Arrow schema into a tree of nodes, the columns and the elements of a Parquet schema.
func buildSchema(s *arrow.Schema) (fields []*node, b *builder, err error) {
	if s.NumFields() == 0 {
		return nil, nil, fmt.Errorf("a schema without columns cannot be Parquet")
	}
	b = &builder{}
	b.elems = append(b.elems, format.SchemaElement{Name: "schema", NumChildren: thrift.New(int32(s.NumFields())),
		RepetitionType: thrift.New(format.Required)})
	for _, f := range s.Fields() {
		n, err := b.field(f, f.Name, place{})
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, n)
	}
	return fields, b, nil
}

// field adds f, which Parquet is to call pname.
func (b *builder) field(f arrow.Field, pname string, p place) (*node, error) {
	n := &node{name: f.Name, typ: storageType(f.Type), nullable: f.Nullable, def: p.def}
	if p.name != "" {
		n.name = p.name + "." + f.Name
	}
	if p.depth > maxNesting {
		return nil, fmt.Errorf("column %s: nesting deeper than %d", n.name, maxNesting)
	}
	el := format.SchemaElement{Name: pname, RepetitionType: thrift.New(format.Required)}
	if f.Nullable {
		n.def++
		el.RepetitionType = thrift.New(format.Optional)
	}
	in := place{def: n.def, rep: p.rep, name: n.name, path: p.under(pname), depth: p.depth + 1}
	switch t := n.typ.(type) {
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return nil, fmt.Errorf("column %s: Parquet has no struct without fields", n.name)
		}
		n.kind = structKind
		el.NumChildren = thrift.New(int32(t.NumFields()))
		b.elems = append(b.elems, el)
		return n, b.members(n, t.Fields(), in)
	case *arrow.MapType:
		key, item := t.KeyField(), t.ItemField()
		key.Name, key.Nullable, item.Name = "key", false, "value"
		n.kind = listKind
		in = b.repeated(n, el, &format.MapType{}, deprecated.Map, "key_value", 2, in)
		kv := &node{kind: structKind, name: n.name, typ: t.Elem(), def: in.def}
		n.children = []*node{kv}
		return n, b.members(kv, []arrow.Field{key, item}, in)
	case *arrow.ListType:
		n.kind = listKind
		return n, b.list(n, el, t.ElemField(), in)
	case *arrow.LargeListType:
		n.kind, n.large = listKind, true
		return n, b.list(n, el, t.ElemField(), in)
	case *arrow.FixedSizeListType:
		n.kind, n.fixed = fixedListKind, int(t.Len())
		return n, b.list(n, el, t.ElemField(), in)
	}
	st, err := leafStorage(n.typ, &el)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", n.name, err)
	}
	n.leaf = len(b.leaves)
	b.elems = append(b.elems, el)
	b.leaves = append(b.leaves, leafInfo{storage: st, name: n.name, path: in.path, maxDef: n.def, maxRep: p.rep})
	return n, nil
}

// storageType is the type below any extension types.
func storageType(t arrow.DataType) arrow.DataType {
	for {
		e, ok := t.(arrow.ExtensionType)
		if !ok {
			return t
		}
		t = e.StorageType()
	}
}

func (b *builder) members(n *node, fields []arrow.Field, in place) error {
	for _, f := range fields {
		c, err := b.field(f, f.Name, in)
		if err != nil {
			return err
		}
		n.children = append(n.children, c)
	}
	return nil
}

func (b *builder) list(n *node, el format.SchemaElement, elem arrow.Field, in place) error {
	elem.Name = "element"
	return b.members(n, []arrow.Field{elem}, b.repeated(n, el, &format.ListType{}, deprecated.List, "list", 1, in))
}

// repeated adds the group of a list or map and the repeated group inside it.
func (b *builder) repeated(n *node, el format.SchemaElement, logical format.LogicalTypeValue, conv deprecated.ConvertedType, name string, children int32, in place) place {
	el.NumChildren = thrift.New(int32(1))
	el.LogicalType.Value = logical
	el.ConvertedType = thrift.New(conv)
	b.elems = append(b.elems, el, format.SchemaElement{Name: name, NumChildren: thrift.New(children), RepetitionType: thrift.New(format.Repeated)})
	in.def++
	in.rep++
	in.path = in.under(name)
	n.rep = in.rep
	return in
}

// fits says whether an array of type t can be written as n: names, metadata and nullability count for nothing.
func (n *node) fits(t arrow.DataType) bool {
	t = storageType(t)
	if t.ID() != n.typ.ID() {
		return false
	}
	switch t := t.(type) {
	case *arrow.StructType:
		if t.NumFields() != len(n.children) {
			return false
		}
		for i, c := range n.children {
			if !c.fits(t.Field(i).Type) {
				return false
			}
		}
		return true
	case *arrow.FixedSizeListType:
		return int(t.Len()) == n.fixed && n.children[0].fits(t.Elem())
	case arrow.ListLikeType:
		return n.children[0].fits(t.Elem())
	}
	return arrow.TypeEqual(t, n.typ)
}
