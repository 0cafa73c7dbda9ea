package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
)

// liftLines reads lines with the members of a column as columns, and gives them as JSON text.
func liftLines(t *testing.T, lines, column string) (rows []string, err error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	name := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := OpenSource(t.Context(), "jsonl", []string{name}, 0, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	l, err := lift(src, column)
	if err != nil {
		return nil, err
	}
	enc, err := jsonrow.NewEncoder(l.Schema())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := l.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan {
		err := pipeline.EachBatch(t.Context(), l, p, func(b *pipeline.Batch) error {
			for row := range b.NumRows() {
				line, err := enc.Append(nil, b.Record, row)
				if err != nil {
					return err
				}
				rows = append(rows, string(line))
			}
			return nil
		})
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func TestLift(t *testing.T) {
	rows, err := liftLines(t, `{"a":1,"input":{"m":["x"],"n":null},"b":2}
{"a":null,"input":{"m":[],"n":"y"},"b":3}
`, "input")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows, "\n"), `{"a": 1, "m": ["x"], "n": null, "b": 2}
{"a": null, "m": [], "n": "y", "b": 3}`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestLiftRefuses: null in the place of the object has no columns, and dropping it would lose a record.
func TestLiftRefuses(t *testing.T) {
	_, err := liftLines(t, `{"input":{"m":"x"}}
{"input":null}
`, "input")
	if in, ok := errors.AsType[*pipeline.InputError](err); !ok || !strings.HasSuffix(in.Source, "in.jsonl") || !strings.Contains(in.Error(), "null in the place of input") {
		t.Errorf("%v", err)
	}
	for column, want := range map[string]string{"other": `no column "other"`, "a": `column "a" is no object`} {
		if _, err := liftLines(t, `{"a":1,"input":{"m":"x"}}`+"\n", column); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
