package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline/config"
	"inoculate/pipeline/pool"
)

// heapFloor is the soft limit of the heap in bytes that a run gets along with, as measured with records of 1 to 2 kB. Parquet keeps
// the pages of a row group for each worker, Arrow a batch and its copy; a stream works on all its partitions at once.
func heapFloor(c *config.Config, workers int) int64 {
	each := int64(20 << 20)
	switch {
	case c.Streams():
		return max(192<<20, int64(workers)*(56<<20))
	case slices.Contains(c.Sink.Format, "parquet"):
		each = 56 << 20
	case slices.ContainsFunc(c.Sink.Format, func(f string) bool { return f == "arrow" || strings.HasPrefix(f, "mds") }):
		each = 36 << 20
	}
	return 48<<20 + int64(workers)*each
}

const (
	paceEvery   = 200 * time.Millisecond
	paceSamples = 8
)

// pace collects garbage before the heap outgrows floor, so that memory is the same for a short run and a long one. Where more than
// that is in use for a while (long records, many texts), the limit goes up: collecting all the time would only cost. stop ends it.
func pace(floor int64) (stop func()) {
	debug.SetMemoryLimit(floor)
	space()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(paceEvery)
		defer tick.Stop()
		p := pacer{floor: floor}
		heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			metrics.Read(heap)
			space()
			if limit, ok := p.sample(int64(heap[0].Value.Uint64()), heap[1].Value.Uint64()); ok {
				debug.SetMemoryLimit(limit)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// The heap grows by half before it is collected, since little is garbage: batches are recycled; but by least at the least, since
// what a collection looks at, whatever the heap, takes as long then as all that is allocated in between.
const (
	growth = 50 // percent
	least  = 16 << 20
)

// space sets how much the heap may grow until the next collection, unless GOGC says it.
func space() {
	if os.Getenv("GOGC") != "" {
		return
	}
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	if p := int32(percent(int64(heap[0].Value.Uint64()))); spaced.Swap(p) != p { // setting it stops the world
		debug.SetGCPercent(int(p))
	}
}

// spaced is the percent that was set last.
var spaced atomic.Int32

// percent is by how much a heap with so many bytes in use may grow, in steps of ten, so that it seldom changes.
func percent(live int64) int {
	return max(growth, int(least*100/max(live, 2<<20))/10*10)
}

// pacer finds the limit from what was in use after the last collections.
type pacer struct {
	floor  int64
	cycles uint64
	lives  []int64 // the newest last
	limit  int64   // 0 while it is floor
}

// sample takes what the newest of so many collections left. It gives a limit where that is another one than before.
func (p *pacer) sample(live int64, cycles uint64) (limit int64, changed bool) {
	if cycles == p.cycles {
		return 0, false
	}
	p.cycles = cycles
	if p.lives = append(p.lives, live); len(p.lives) < paceSamples {
		return 0, false
	}
	p.lives = p.lives[len(p.lives)-paceSamples:]
	limit = max(p.floor, slices.Min(p.lives)*9/8+16<<20) // a peak is no reason
	changed = limit != p.limit && (p.limit != 0 || limit != p.floor)
	p.limit = limit
	return limit, changed
}

// makeRoom gives the batches' buffers back: a seal, which comes when no batch is left, compares keys in their place.
func makeRoom(mem memory.Allocator) {
	if p, ok := mem.(*pool.Allocator); ok && p.Trim() >= 1<<20 {
		debug.FreeOSMemory()
		space()
	}
}
