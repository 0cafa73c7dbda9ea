package kafka

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"inoculate/pipeline"
)

// TestObserveFetches: every answer is told of, also that for which the broker waited, and also where a group shares the partitions.
func TestObserveFetches(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 10)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Stop: Never()})
	var told, longest atomic.Int64
	pipeline.Source(s.Shared("g")).(pipeline.Timed).ObserveFetches(func(took time.Duration) {
		told.Add(1)
		longest.Store(max(longest.Load(), int64(took)))
	})
	plan, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if told.Load() != 0 {
		t.Errorf("%d fetches, and nothing was read", told.Load())
	}
	if g := read(t, s, plan[0], 0); len(g.rows) != 10 {
		t.Fatalf("%d rows: %v", len(g.rows), g.err)
	}
	if n, most := told.Load(), time.Duration(longest.Load()); n < 2 || most < 50*time.Millisecond || most > time.Minute {
		t.Errorf("%d fetches of %s at most; the last one waits for records", n, most)
	}
}
