package kafka

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline"
)

// TestCut: batches end where the segment has its records, and before the first record of a later period; what is older than
// its segment stays in it.
func TestCut(t *testing.T) {
	cluster := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	put := func(minutes ...int) {
		t.Helper()
		var recs []*kgo.Record
		for _, m := range minutes {
			recs = append(recs, &kgo.Record{Topic: "a", Value: fmt.Appendf(nil, `{"m": %d}`, m), Timestamp: time.Unix(1_000_000*60, 0).Add(time.Duration(m) * time.Minute)})
		}
		if err := client.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	put(0, 3, 9, 10, 2, 19, 25, 25, 25, 25)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Period: 10 * time.Minute, Stop: Never()})
	r, err := s.Open(t.Context(), plan(t, s)[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	step := func(fresh bool, rows, want int64, end error) {
		t.Helper()
		r.(pipeline.Cutter).Cut(fresh, rows)
		b, err := r.Next(t.Context())
		if !errors.Is(err, end) || int64(b.NumRows()) != want {
			t.Fatalf("%d rows, %v; want %d, %v", b.NumRows(), err, want, end)
		}
		b.Release()
	}
	step(true, 0, 3, nil)
	step(false, 0, 0, pipeline.ErrCut)
	step(false, 0, 0, pipeline.ErrCut)
	step(true, 0, 3, nil) // 10, 2, 19
	step(true, 3, 3, nil) // 25 thrice: a segment may have three
	step(true, 3, 1, nil)
	step(false, 2, 0, pipeline.ErrIdle)
	put(40) // after the segment's last batch was handed over
	step(false, 2, 0, pipeline.ErrCut)
	step(true, 3, 1, nil)

	bounded := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Period: 10 * time.Minute})
	p := plan(t, bounded)[0]
	if r, err = bounded.Open(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	next := int64(0)
	for n := 0; ; n++ {
		r.(pipeline.Cutter).Cut(true, 0)
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			if n != 4 || next != p.End {
				t.Errorf("%d periods up to %d", n, next)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		next = b.Next
		b.Release()
	}
}
