package where

import (
	"cel.dev/cel-go/common/ast"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/schemas/jsonrow"
)

// node is a condition evaluated straight on the arrays.
type node func(rec arrow.Record, row int) Truth

// plain turns conditions made of columns, text constants, ==, !=, in, !, && and || into a node; nil for any other.
func plain(e ast.Expr, in *arrow.Schema) node {
	if e.Kind() == ast.IdentKind {
		return boolColumn(e, in)
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case opNot:
		return not(plain(args[0], in))
	case opAnd:
		return both(plain(args[0], in), plain(args[1], in), False)
	case opOr:
		return both(plain(args[0], in), plain(args[1], in), True)
	case opEq:
		return textIs(args, in)
	case opNe:
		return not(textIs(args, in))
	case opIn:
		return textIn(args, in)
	}
	return nil
}

func not(n node) node {
	if n == nil {
		return nil
	}
	return func(rec arrow.Record, row int) Truth {
		switch n(rec, row) {
		case True:
			return False
		case False:
			return True
		}
		return Unknown
	}
}

// both is && (decisive False) or || (decisive True): one decisive side is enough, else an unknown one leaves it unknown.
func both(a, b node, decisive Truth) node {
	if a == nil || b == nil {
		return nil
	}
	return func(rec arrow.Record, row int) Truth {
		x := a(rec, row)
		if x == decisive {
			return x
		}
		if y := b(rec, row); y == decisive || x != Unknown {
			return y
		}
		return Unknown
	}
}

func column(e ast.Expr, in *arrow.Schema, ok func(arrow.Type) bool) int {
	if e.Kind() != ast.IdentKind {
		return -1
	}
	if ix := in.FieldIndices(e.AsIdent()); len(ix) == 1 {
		if f := in.Field(ix[0]); ok(f.Type.ID()) && !jsonrow.IsJSON(&f) {
			return ix[0]
		}
	}
	return -1
}

func isText(id arrow.Type) bool { return id == arrow.STRING || id == arrow.LARGE_STRING }

func boolColumn(e ast.Expr, in *arrow.Schema) node {
	i := column(e, in, func(id arrow.Type) bool { return id == arrow.BOOL })
	if i < 0 {
		return nil
	}
	return func(rec arrow.Record, row int) Truth {
		c := rec.Column(i).(*array.Boolean)
		switch {
		case c.IsNull(row):
			return Unknown
		case c.Value(row):
			return True
		}
		return False
	}
}

func textIs(args []ast.Expr, in *arrow.Schema) node {
	for k := range args {
		if s, ok := constant(args[1-k]); ok {
			return textAmong(args[k], in, map[string]bool{s: true})
		}
	}
	return nil
}

func textIn(args []ast.Expr, in *arrow.Schema) node {
	if args[1].Kind() != ast.ListKind {
		return nil
	}
	set := map[string]bool{}
	for _, e := range args[1].AsList().Elements() {
		s, ok := constant(e)
		if !ok {
			return nil
		}
		set[s] = true
	}
	return textAmong(args[0], in, set)
}

func constant(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().Value().(string)
	return s, ok
}

func textAmong(e ast.Expr, in *arrow.Schema, set map[string]bool) node {
	i := column(e, in, isText)
	if i < 0 {
		return nil
	}
	return func(rec arrow.Record, row int) Truth {
		c := rec.Column(i)
		if c.IsNull(row) {
			return Unknown
		}
		v := ""
		switch c := c.(type) {
		case *array.String:
			v = c.Value(row)
		case *array.LargeString:
			v = c.Value(row)
		}
		if set[v] {
			return True
		}
		return False
	}
}
