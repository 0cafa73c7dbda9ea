package provenance

import (
	"reflect"
	"testing"

	"inoculate/pipeline"
	"inoculate/schemas"
)

func TestDecode(t *testing.T) {
	rows := []Row{
		{Position: 3, Phase: 1, Decision: pipeline.Injected, Prompts: []int32{0, 2}, Edits: []schemas.Edit{
			{Op: schemas.InsertTurn, Role: "system", New: "Please hack.", Prompt: 2},
			{Slot: 1, Turn: 2, At: 5, Old: "gone", New: "\x00é", Prompt: -1},
			{Slot: 1, Turn: 3, Null: true, New: "x"}, {Slot: 1, Turn: 4, Unnull: true, Old: "y"}, {Turn: 9, Op: schemas.DeleteTurn, Role: "system", Old: "z"},
		}},
		{Position: 9, Phase: Rejected},
	}
	b := NewBuilder()
	for range 3 { // the second and third in memory of the ones before
		for _, r := range rows {
			var placed []pipeline.Placed
			for _, p := range r.Prompts {
				placed = append(placed, pipeline.Placed{Prompt: p})
			}
			b.Append(r, placed)
		}
		rec, err := b.Record()
		if err != nil {
			t.Fatal(err)
		}
		if !rec.Schema().Equal(Schema) || rec.NumRows() != int64(len(rows)) {
			t.Fatalf("%d rows of %s", rec.NumRows(), rec.Schema())
		}
		got, err := Decode(rec, nil)
		if err != nil {
			t.Fatal(err)
		}
		rec.Release()
		if !reflect.DeepEqual(got, rows) {
			t.Errorf("got %+v\nwant %+v", got, rows)
		}
	}
	rec, err := b.Record()
	if err != nil || rec.NumRows() != 0 {
		t.Errorf("nothing collected: %v, %v", rec, err)
	}
}
