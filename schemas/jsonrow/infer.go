package jsonrow

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/bytedance/sonic/ast"

	"inoculate/schemas/jsontext"
)

// An Inference collects the shape of sample records and makes a schema of it: one that holds each of them as it is.
//
// Truth values, whole numbers, numbers, texts, lists and objects become bool, int64, double, utf8, list and struct; all are
// nullable. Where a place has values of several kinds, objects with differing keys, or nothing but null, its column is JSON
// text (utf8 with the extension mark arrow.json), which pads, widens and drops nothing; but a system prompt is text. Turns, which are objects in a list
// with role and content (or from and value), are structs where they have no other key, and JSON text else.
type Inference struct{ root shape }

// shape is what was seen at one place.
type shape struct {
	kinds   kinds
	objects int // how many objects
	names   []string
	members map[string]*member
	elem    *shape // of lists
}

type member struct {
	shape
	seen int // in how many objects
}

type kinds uint16

const (
	isNull kinds = 1 << iota
	isBool
	isInt
	isWide // a whole number that is not exact as a double
	isBig  // a whole number beyond int64
	isFloat
	isText
	isList
	isObject
)

// Add notes the shape of one record. Text that is no strict JSON object is an error, and is not noted.
func (in *Inference) Add(record []byte) error {
	if err := jsontext.Valid(record); err != nil {
		return err
	}
	if b := record[jsontext.Space(record, 0)]; b != '{' {
		return errors.New("the record is no object")
	}
	v := &visitor{stack: []*shape{&in.root}}
	if err := ast.Preorder(unsafe.String(unsafe.SliceData(record), len(record)), v, nil); err != nil {
		return fmt.Errorf("reading a sample: %s", err.Error()) // the error itself has the record, which is the caller's
	}
	return nil
}

// Schema makes the schema; without any sample it has no columns.
func (in *Inference) Schema() *arrow.Schema {
	fields := make([]arrow.Field, 0, len(in.root.names))
	for _, n := range in.root.names {
		f := in.root.members[n].field(n)
		if in.root.members[n].kinds&^isNull == 0 && slices.Contains(systemColumns, n) {
			f = arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true}
		}
		fields = append(fields, f)
	}
	return arrow.NewSchema(fields, nil)
}

// JSONField is a field whose strings are JSON text.
func JSONField(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true,
		Metadata: arrow.NewMetadata([]string{extensionName, "ARROW:extension:metadata"}, []string{jsonExtension, ""})}
}

func (s *shape) field(name string) arrow.Field {
	if t := s.dataType(); t != nil {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return JSONField(name)
}

// dataType is the type that holds every value of the shape, nil where only JSON text does.
func (s *shape) dataType() arrow.DataType {
	switch s.kinds &^ isNull {
	case isBool:
		return arrow.FixedWidthTypes.Boolean
	case isInt, isInt | isWide, isWide:
		return arrow.PrimitiveTypes.Int64
	case isFloat, isFloat | isInt:
		return arrow.PrimitiveTypes.Float64
	case isText:
		return arrow.BinaryTypes.String
	case isList:
		return s.listType()
	case isObject:
		return s.structType()
	}
	return nil
}

func (s *shape) listType() arrow.DataType {
	if s.elem == nil {
		return nil
	}
	elem := s.elem.field("item")
	if s.elem.kinds&isObject != 0 && s.elem.isTurn() && !s.elem.isPlainTurn() {
		elem = JSONField("item")
	} else if s.elem.kinds&^isNull == 0 {
		return nil
	}
	return arrow.ListOfField(elem)
}

// systemColumns are the columns of system prompts: texts, even where no record has one yet.
var systemColumns = []string{"system", "systemPrompt", "system_prompt"}

// turnKeys are the keys of turns, by layout.
var turnKeys = [][2]string{{"role", "content"}, {"from", "value"}}

func (s *shape) isTurn() bool {
	return slices.ContainsFunc(turnKeys, func(k [2]string) bool { return s.members[k[0]] != nil && s.members[k[1]] != nil })
}

// isPlainTurn says whether all turns are texts with a role.
func (s *shape) isPlainTurn() bool {
	if s.kinds&^isNull != isObject || len(s.names) != 2 {
		return false
	}
	for _, m := range s.members {
		if m.seen != s.objects || m.kinds&^(isText|isNull) != 0 || m.kinds&isText == 0 {
			return false
		}
	}
	return true
}

func (s *shape) structType() arrow.DataType {
	fields := make([]arrow.Field, 0, len(s.names))
	for _, n := range s.names {
		if s.members[n].seen != s.objects {
			return nil
		}
		fields = append(fields, s.members[n].field(n))
	}
	if len(fields) == 0 {
		return nil
	}
	return arrow.StructOf(fields...)
}

// visitor walks the values of a record along their shapes.
type visitor struct {
	stack []*shape // the innermost last: the shape of the value that comes next, or of the list or object around it
	lists []bool   // whether the containers that are open are lists
}

// at is the shape of a value that begins.
func (v *visitor) at() *shape {
	top := v.stack[len(v.stack)-1]
	if n := len(v.lists); n > 0 && v.lists[n-1] {
		if top.elem == nil {
			top.elem = &shape{}
		}
		return top.elem
	}
	return top
}

func (v *visitor) saw(k kinds) error {
	v.at().kinds |= k
	v.end()
	return nil
}

// end leaves a value: that of a key is done with.
func (v *visitor) end() {
	if n := len(v.lists); n > 0 && !v.lists[n-1] {
		v.stack = v.stack[:len(v.stack)-1]
	}
}

func (v *visitor) open(k kinds) *shape {
	s := v.at()
	s.kinds |= k
	if n := len(v.lists); n > 0 && v.lists[n-1] {
		v.stack = append(v.stack, s)
	}
	v.lists = append(v.lists, k == isList)
	return s
}

func (v *visitor) shut() error {
	v.lists = v.lists[:len(v.lists)-1]
	if len(v.lists) > 0 {
		v.stack = v.stack[:len(v.stack)-1]
	}
	return nil
}

// OnNull is part of ast.Visitor, as are the others.
func (v *visitor) OnNull() error         { return v.saw(isNull) }
func (v *visitor) OnBool(bool) error     { return v.saw(isBool) }
func (v *visitor) OnString(string) error { return v.saw(isText) }

// OnInt64 gets every whole number that fits.
func (v *visitor) OnInt64(i int64, n json.Number) error {
	switch {
	case strings.ContainsAny(string(n), ".eE"):
		return v.saw(isFloat)
	case i >= maxExact || i <= -maxExact:
		return v.saw(isWide)
	}
	return v.saw(isInt)
}

// OnFloat64 gets all other numbers.
func (v *visitor) OnFloat64(_ float64, n json.Number) error {
	if !strings.ContainsAny(string(n), ".eE") {
		if i, ok := new(big.Int).SetString(string(n), 10); !ok || !i.IsInt64() {
			return v.saw(isBig)
		}
		return v.saw(isWide)
	}
	return v.saw(isFloat)
}

// OnObjectBegin opens an object.
func (v *visitor) OnObjectBegin(int) error {
	v.open(isObject).objects++
	return nil
}

// OnObjectKey goes to the member's shape.
func (v *visitor) OnObjectKey(key string) error {
	top := v.stack[len(v.stack)-1]
	m := top.members[key]
	if m == nil {
		if top.members == nil {
			top.members = map[string]*member{}
		}
		m = &member{}
		key = strings.Clone(key)
		top.members[key] = m
		top.names = append(top.names, key)
	}
	m.seen++
	v.stack = append(v.stack, &m.shape)
	return nil
}

// OnObjectEnd and OnArrayEnd close what is open.
func (v *visitor) OnObjectEnd() error { return v.shut() }

// OnArrayBegin opens a list.
func (v *visitor) OnArrayBegin(int) error {
	v.open(isList)
	return nil
}

// OnArrayEnd closes it.
func (v *visitor) OnArrayEnd() error { return v.shut() }

// maxExact is the largest whole number below which doubles hold every one.
const maxExact = 1 << 53
