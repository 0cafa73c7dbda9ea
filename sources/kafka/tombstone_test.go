package kafka

import (
	"errors"
	"io"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestTombstones: null values are rejects, or left out and counted; empty ones are rejects always. A partition of tombstones
// alone moves on, too.
func TestTombstones(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(2, "a"))
	client := producer(t, cluster.ListenAddrs())
	send(t, client, "a", 0, append(objects(0, 2), nil, []byte{}, nil)...)
	send(t, client, "a", 1, nil, nil, nil)
	for _, c := range []struct {
		policy            string
		rejects, filtered [2]int64
	}{{"", [2]int64{3, 3}, [2]int64{}}, {Reject, [2]int64{3, 3}, [2]int64{}}, {Skip, [2]int64{1, 0}, [2]int64{2, 3}}} {
		s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Tombstones: c.policy})
		for i, p := range plan(t, s) {
			r, err := s.Open(t.Context(), p, p.First)
			if err != nil {
				t.Fatal(err)
			}
			cut := r.(*Reader)
			var rows, rejects, filtered, next int64
			for {
				cut.Cut(false, 2)
				b, err := r.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				n := int64(b.NumRows()+len(b.Rejects)) + b.LeftOut()
				if n == 0 || n > 2 || b.First != next {
					t.Errorf("%s: a batch of %d records from %d, %d is next", p.Source, n, b.First, next)
				}
				rows, rejects, filtered, next = rows+int64(b.NumRows()), rejects+int64(len(b.Rejects)), filtered+b.Filtered["tombstone"], b.Next
				b.Release()
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if rows != []int64{2, 0}[i] || rejects != c.rejects[i] || filtered != c.filtered[i] || next != p.End {
				t.Errorf("%q, %s: %d rows, %d rejects, %d left out, up to %d", c.policy, p.Source, rows, rejects, filtered, next)
			}
		}
	}
	if _, err := New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Tombstones: "drop"}); err == nil {
		t.Error("a policy that is none")
	}
}
