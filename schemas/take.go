package schemas

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Take copies the elements of an array that runs name; a run with Start -1 stands for nulls. The caller releases it.
func Take(mem memory.Allocator, d arrow.ArrayData, runs []Run) (arrow.ArrayData, error) {
	k := &Kernel{mem: mem, limit: maxSmall}
	out := make([]Run, 0, len(runs))
	n := 0
	for _, r := range runs {
		if n += r.N; r.Start >= 0 {
			out = append(out, r)
			continue
		}
		for range r.N {
			out = append(out, Run{N: 1, turn: &newTurn{}})
		}
	}
	return k.gather(d, out, n, nil)
}
