// Package where decides by a CEL expression over a record's columns which rows a prompt goes to.
package where

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/schemas/jsonrow"
)

// Truth is what a condition says of a row.
type Truth uint8

// Unknown is the answer where a column that decides is null, or the evaluation fails.
const (
	False Truth = iota
	True
	Unknown
)

// A Condition is a compiled expression for one schema. It is immutable; Eval makes what one goroutine uses.
type Condition struct {
	program cel.Program
	columns map[string]int
	nulls   bool // the expression itself asks for null: columns show theirs
	fast    node // the same condition over arrays, where it is plain enough
}

var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`) })

// Compile checks an expression against the columns of a schema. Columns whose names are no identifiers are reached as
// record["name"]. The expression must be a truth value.
func Compile(expression string, in *arrow.Schema) (*Condition, error) {
	c := &Condition{columns: map[string]int{}}
	opts := []cel.EnvOption{cel.Variable("record", cel.MapType(cel.StringType, cel.DynType))}
	for i, f := range in.Fields() {
		if identifier().MatchString(f.Name) && f.Name != "record" {
			opts = append(opts, cel.Variable(f.Name, nullable(celType(f))))
		}
		c.columns[f.Name] = i
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("compiling %q: %w", expression, err)
	}
	checked, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, &Error{Expression: expression, Message: message(issues, in)}
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(nullable(cel.BoolType)) && t != cel.DynType {
		return nil, &Error{Expression: expression, Message: fmt.Sprintf("the condition is %s, not true or false", strings.TrimSuffix(strings.TrimPrefix(t.String(), "wrapper("), ")"))}
	}
	root := checked.NativeRep().Expr()
	c.nulls = mentionsNull(root)
	if !c.nulls {
		c.fast = plain(root, in)
	}
	if c.program, err = env.Program(checked, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil, fmt.Errorf("compiling %q: %w", expression, err)
	}
	return c, nil
}

// An Error says what is wrong with an expression.
type Error struct{ Expression, Message string }

func (e *Error) Error() string { return fmt.Sprintf("where %q: %s", e.Expression, e.Message) }

func message(issues *cel.Issues, in *arrow.Schema) string {
	var parts []string
	for _, e := range issues.Errors() {
		parts = append(parts, fmt.Sprintf("column %d: %s", e.Location.Column()+1, e.Message))
	}
	msg := strings.Join(parts, "; ")
	if strings.Contains(msg, "undeclared reference") {
		names := make([]string, in.NumFields())
		for i, f := range in.Fields() {
			names[i] = f.Name
		}
		msg += "; the columns are " + strings.Join(names, ", ")
	}
	return msg
}

func celType(f arrow.Field) *cel.Type {
	if jsonrow.IsJSON(&f) {
		return cel.DynType
	}
	switch f.Type.ID() {
	case arrow.BOOL:
		return cel.BoolType
	case arrow.STRING, arrow.LARGE_STRING:
		return cel.StringType
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return cel.IntType
	case arrow.UINT64:
		return cel.UintType
	case arrow.FLOAT32, arrow.FLOAT64, arrow.FLOAT16:
		return cel.DoubleType
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64:
		return cel.TimestampType
	}
	return cel.DynType
}

// nullable lets an expression compare a column with null.
func nullable(t *cel.Type) *cel.Type {
	if t == cel.DynType || t == cel.TimestampType {
		return t
	}
	return cel.NullableType(t)
}

func mentionsNull(e ast.Expr) (found bool) {
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue {
			found = true
		}
	}))
	return found
}

// Eval answers for the rows of one record at a time. It serves one goroutine.
type Eval struct {
	c   *Condition
	rec arrow.Record
	row int
}

// NewEval makes an Eval.
func (c *Condition) NewEval() *Eval { return &Eval{c: c} }

// Reset points it at a record of the schema that the condition was compiled for.
func (e *Eval) Reset(rec arrow.Record) { e.rec = rec }

// Row answers for one row.
func (e *Eval) Row(row int) Truth {
	if e.c.fast != nil {
		return e.c.fast(e.rec, row)
	}
	e.row = row
	out, _, err := e.c.program.Eval(e)
	if err != nil || out == nil {
		return Unknown
	}
	switch out.Value() {
	case true:
		return True
	case false:
		return False
	}
	return Unknown
}

// ResolveName gives the program the value of a column in the current row.
func (e *Eval) ResolveName(name string) (any, bool) {
	if name == "record" {
		m := make(map[string]any, len(e.c.columns))
		for n, i := range e.c.columns {
			if v := e.column(i); v != nil || e.c.nulls {
				m[n] = v
			}
		}
		return m, true
	}
	i, ok := e.c.columns[name]
	if !ok {
		return nil, false
	}
	v := e.column(i)
	if v == nil {
		if e.c.nulls {
			return types.NullValue, true
		}
		return types.NewErr("column %q is null", name), true
	}
	return v, true
}

// column is the value of column i in the current row; JSON text counts as what it says.
func (e *Eval) column(i int) any {
	v := value(e.rec.Column(i), e.row)
	f := e.rec.Schema().Field(i)
	text, ok := v.(string)
	if !ok || !jsonrow.IsJSON(&f) {
		return v
	}
	var decoded any
	if json.Unmarshal([]byte(text), &decoded) != nil {
		return nil
	}
	return decoded
}

// Parent makes Eval an Activation without an outer one.
func (e *Eval) Parent() cel.Activation { return nil }

// operator names of the expressions that plain understands.
const (
	opNot = operators.LogicalNot
	opAnd = operators.LogicalAnd
	opOr  = operators.LogicalOr
	opEq  = operators.Equals
	opNe  = operators.NotEquals
	opIn  = operators.In
)
