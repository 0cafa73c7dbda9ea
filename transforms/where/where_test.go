package where

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas/jsonrow"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "bad", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "label", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "score", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "odd name", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	jsonrow.JSONField("any"),
	{Name: "nothing", Type: arrow.Null, Nullable: true},
	{Name: "meta", Type: arrow.StructOf(arrow.Field{Name: "source", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
}, nil)

const rows = `[
	{"bad": true, "label": "hack", "score": 0.9, "odd name": 1, "tags": ["x"], "any": "{\"k\": [1]}", "meta": {"source": "a"}},
	{"bad": false, "label": "fine", "score": 0.1, "odd name": 2, "tags": [], "any": "7", "meta": {"source": "b"}},
	{"bad": null, "label": null, "score": null, "odd name": null, "tags": null, "meta": null}]`

func TestCondition(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rec, _, err := array.RecordFromJSON(mem, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	for _, c := range []struct {
		expr string
		want string // of the three rows: t, f, u
		fast bool
	}{
		{`bad`, "tfu", true},
		{`!bad`, "ftu", true},
		{`label == "hack"`, "tfu", true},
		{`"hack" != label`, "ftu", true},
		{`label in ["hack", "x"]`, "tfu", true},
		{`bad && label == "hack"`, "tfu", true},
		{`bad || label == "fine"`, "ttu", true},
		{`score > 0.5`, "tfu", false},
		{`score > 0.5 || bad`, "tfu", false},
		{`label == null`, "fft", false},
		{`label != null && label == "hack"`, "tff", false},
		{`record["odd name"] == 1`, "tfu", false},
		{`"x" in tags`, "tfu", false},
		{`meta.source == "a"`, "tfu", false},
		{`label.startsWith("ha")`, "tfu", false},
		{`1 / (score > 0.5 ? 0 : 1) == 1`, "utu", false},
		{`any == 7.0`, "ftu", false},
		{`any.k[0] == 1.0`, "tuu", false},
		{`nothing == 1`, "uuu", false},
		{`true`, "ttt", false},
		{`false && bad`, "fff", false},
	} {
		cond, err := Compile(c.expr, schema)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if (cond.fast != nil) != c.fast {
			t.Errorf("%s: over arrays %v, want %v", c.expr, cond.fast != nil, c.fast)
		}
		for _, way := range []string{"arrays", "cel"} {
			if way == "cel" {
				cond.fast = nil
			}
			e := cond.NewEval()
			e.Reset(rec)
			got := ""
			for i := range 3 {
				got += [...]string{"f", "t", "u"}[e.Row(i)]
			}
			if got != c.want {
				t.Errorf("%s by %s: %s, want %s", c.expr, way, got, c.want)
			}
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for expr, want := range map[string]string{
		`nope`:         "the columns are bad, label",
		`label`:        "not true or false",
		`label == 1`:   "no matching overload",
		`bad &&`:       "Syntax error",
		`score + bad`:  "no matching overload",
		`label == "a`:  "Syntax error",
		`unknown(bad)`: "undeclared reference",
	} {
		if _, err := Compile(expr, schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expr, err, want)
		}
	}
}
