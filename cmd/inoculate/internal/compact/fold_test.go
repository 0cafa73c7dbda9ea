package compact

import (
	"strings"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// TestApart: a partition whose files are being merged is not folded, nor waited for; the others are, and it is as soon as it is free.
func TestApart(t *testing.T) {
	disk := commitlogtest.NewDisk()
	plan := []pipeline.Partition{{ID: "a", Source: "a", First: 0, End: -1}, {ID: "b", Source: "b", First: 0, End: -1}, {ID: "ends", Source: "ends", First: 0, End: 100}}
	log, err := commitlog.Start(t.Context(), disk, commitlog.Run{ID: "r1", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plan {
		c, err := log.Chain(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for at := range int64(foldAt) {
			if err := c.Commit(t.Context(), commitlog.Commit{First: at, Next: at + 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var apart Apart
	fold := func() {
		t.Helper()
		if err := apart.Fold(t.Context(), log); err != nil {
			t.Fatal(err)
		}
	}
	folded := func(id string) bool {
		for name := range disk.Files() {
			if strings.HasPrefix(name, "_commits/r1/"+id+"/fold-") {
				return true
			}
		}
		return false
	}
	merging := apart.of(plan[0])
	merging.Lock()
	fold()
	if folded("a") || !folded("b") || folded("ends") {
		t.Errorf("folded while a is merged: a %v, b %v, the one with an end %v", folded("a"), folded("b"), folded("ends"))
	}
	merging.Unlock()
	fold()
	if !folded("a") {
		t.Error("a is not folded when it is free")
	}
	next, err := log.Chain(t.Context(), plan[0])
	if err != nil || next.Next != foldAt {
		t.Errorf("the chain goes on from %v: %v", next, err)
	}
}
