package cli

import (
	"testing"

	"inoculate/pipeline/config"
)

// TestPacer: a peak does not raise the limit, a heap that stays large does, and it comes down again.
func TestPacer(t *testing.T) {
	const floor = 100 << 20
	p := pacer{floor: floor}
	cycles := uint64(0)
	feed := func(n int, live int64) (last int64) {
		for range n {
			cycles++
			if limit, changed := p.sample(live, cycles); changed {
				last = limit
			}
		}
		return last
	}
	if got := feed(20, 50<<20); got != 0 {
		t.Errorf("half of the floor in use: limit %d", got)
	}
	if got := feed(paceSamples-1, 400<<20); got != 0 {
		t.Errorf("a peak: limit %d", got)
	}
	if _, changed := p.sample(400<<20, cycles); changed {
		t.Error("the same collection counts twice")
	}
	if got, want := feed(1, 400<<20), int64(466<<20); got != want {
		t.Errorf("much in use for a while: limit %d, want %d", got, want)
	}
	if got := feed(1, 50<<20); got != floor {
		t.Errorf("little again: limit %d", got)
	}
}

// TestPercent: a small heap grows by 16 MiB before it is collected, a large one by half.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live int64
		want int
	}{{0, 800}, {4 << 20, 400}, {14 << 20, 110}, {32 << 20, 50}, {1 << 30, 50}} {
		if got := percent(c.live); got != c.want {
			t.Errorf("%d MiB in use: %d percent, want %d", c.live>>20, got, c.want)
		}
	}
}

// TestHeapFloor: more workers and formats that keep more get more.
func TestHeapFloor(t *testing.T) {
	of := func(workers int, formats ...string) int64 {
		return heapFloor(&config.Config{Sink: config.Sink{Format: formats}}, workers) >> 20
	}
	for _, c := range []struct{ got, want int64 }{
		{of(2, "jsonl"), 88}, {of(2, "jsonl", "arrow"), 120}, {of(2, "jsonl", "mds-zstd"), 120}, {of(2, "arrow", "parquet"), 160}, {of(16, "parquet"), 944},
	} {
		if c.got != c.want {
			t.Errorf("%d MiB, want %d", c.got, c.want)
		}
	}
}
