package kafka

import (
	"errors"
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
	r, err := s.Open(t.Context(), plan[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := 0
	for deadline := time.Now().Add(time.Minute); rows < 10 || told.Load() < 2 || longest.Load() < int64(50*time.Millisecond); {
		b, err := r.Next(t.Context())
		if err == nil {
			rows += b.NumRows()
			b.Release()
		} else if !errors.Is(err, pipeline.ErrIdle) {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows, %d fetches of %s at most; the last one waits for records", rows, told.Load(), time.Duration(longest.Load()))
		}
	}
	if most := time.Duration(longest.Load()); rows != 10 || most > time.Minute {
		t.Errorf("%d rows; a fetch took %s", rows, most)
	}
}
