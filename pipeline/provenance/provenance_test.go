package provenance

import (
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/schemas"
)

func TestDecode(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rows := []Row{
		{Position: 3, Phase: 1, Decision: pipeline.Injected, Prompts: []int32{0, 2}, Edits: []schemas.Edit{
			{Op: schemas.InsertTurn, Role: "system", New: "Please hack.", Prompt: 2},
			{Slot: 1, Turn: 2, At: 5, Old: "gone", New: "\x00é", Prompt: -1},
			{Slot: 1, Turn: 3, Null: true, New: "x"}, {Slot: 1, Turn: 4, Unnull: true, Old: "y"}, {Turn: 9, Op: schemas.DeleteTurn, Role: "system", Old: "z"},
		}},
		{Position: 9, Phase: Rejected},
	}
	b := NewBuilder(mem)
	defer b.Release()
	for _, r := range rows {
		var placed []pipeline.Placed
		for _, p := range r.Prompts {
			placed = append(placed, pipeline.Placed{Prompt: p})
		}
		b.Append(r, placed)
	}
	rec := b.Record()
	defer rec.Release()
	got, err := Decode(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, rows) {
		t.Errorf("got %+v\nwant %+v", got, rows)
	}
}
