package phase

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "split", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

func apply(t *testing.T, c Config, path, rows string) string {
	t.Helper()
	if err := c.Check(); err != nil {
		return err.Error()
	}
	a, err := (&Phase{c}).Bind(schema)
	if err != nil {
		return err.Error()
	}
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	b := &pipeline.Batch{Record: rec, Partition: pipeline.Partition{Path: path}}
	(&pipeline.Scratch{}).Prepare(b)
	if err := a.Apply(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range b.Phases {
		out = append(out, p.String())
	}
	for _, r := range b.Rejects {
		out = append(out, fmt.Sprintf("%d:%s", r.Row, r.Reason))
	}
	return strings.Join(out, " ")
}

func TestPhase(t *testing.T) {
	const splits = `[{"split":"train"},{"split":"validation"},{"split":null},{"split":"other"},{"split":"train"}]`
	for _, c := range []struct {
		config     Config
		path, rows string
		want       string
	}{
		{Config{Column: "split"}, "", splits, "train test none none train 2:phase_null 3:phase_unknown"},
		{Config{Column: "split", Train: []string{"other"}, Test: []string{"train"}, Drop: []string{"validation"}}, "", splits, "test filtered none train test 2:phase_null"},
		{Config{Column: "n", Train: []string{"1"}, Test: []string{"2"}}, "", `[{"n":1},{"n":2},{"n":3}]`, "train test none 2:phase_unknown"},
		{Config{All: "train"}, "", splits, "train train train train train"},
		{Config{All: "both"}, "", "", `phase: all is train or test, not "both"`},
		{Config{Path: true}, "data/train-00000-of-00001.parquet", `[{"n":1}]`, "train"},
		{Config{Path: true}, "data/test/a.parquet", `[{"n":1}]`, "test"},
		{Config{Path: true}, "train/eval_x.jsonl", `[{"n":1}]`, "test"},
		{Config{Path: true}, "train_test.jsonl", `[{"n":1}]`, "none 0:phase_unknown"},
		{Config{Path: true}, "contest/latest.jsonl", `[{"n":1}]`, "none 0:phase_unknown"},
		{Config{Path: true, PathTrain: "a-*", PathTest: "b-*"}, "x/a-1.parquet", `[{"n":1}]`, "train"},
		{Config{Path: true, PathTrain: "out/a/*", PathTest: "out/b/*"}, "/tmp/out/b/1.parquet", `[{"n":1}]`, "test"},
		{Config{Path: true, PathTrain: "*", PathTest: "b-*"}, "b-1.parquet", `[{"n":1}]`, "none 0:phase_unknown"},
		{Config{Column: "nope"}, "", "", `phase: the input has no column "nope"; it has split, n`},
		{Config{Column: "split", Hash: "n"}, "", "", "phase: only one of column, path, all and hash"},
		{Config{}, "", "", "phase: say how phases are told apart: {column: …}, {path: …}, {all: train} or {hash: …}"},
		{Config{Column: "split", Train: []string{"a"}}, "", "", "phase: name the values of both phases, train and test"},
		{Config{Column: "split", Train: []string{"a"}, Test: []string{"a"}}, "", "", `phase: "a" means two things`},
		{Config{Column: "split", Train: []string{"a"}, Test: []string{"b"}, Drop: []string{"b"}}, "", "", `phase: "b" means two things`},
		{Config{Hash: "n", Fraction: 2}, "", "", "phase: test is a share between 0 and 1, not 2"},
		{Config{Hash: "n", Fraction: 1}, "", `[{"n":1},{"n":null}]`, "test none 1:phase_null"},
	} {
		if got := apply(t, c.config, c.path, c.rows); got != c.want {
			t.Errorf("%+v of %s: %s, want %s", c.config, c.path, got, c.want)
		}
	}
}

func TestHash(t *testing.T) {
	a := &applier{Config: Config{Fraction: 0.1, Salt: "s"}}
	b := &applier{Config: Config{Fraction: 0.1, Salt: "other"}}
	tests, moved := 0, 0
	for i := range 10000 {
		v := fmt.Sprint(i)
		if a.ofHash(v) == pipeline.PhaseTest {
			tests++
		}
		if a.ofHash(v) != b.ofHash(v) {
			moved++
		}
	}
	if tests < 900 || tests > 1100 || moved < 1500 {
		t.Errorf("%d of 10000 are test records, another salt moves %d", tests, moved)
	}
}
