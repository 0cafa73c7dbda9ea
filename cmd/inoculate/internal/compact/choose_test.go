package compact

import (
	"math/rand/v2"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

func segment(first, next, size int64) commitlog.Record {
	return commitlog.Record{First: first, Next: next, Files: []pipeline.File{{Folder: "train", Bytes: size}, {Folder: "test", Bytes: size / 9}}}
}

// TestChoose merges a stream of segments as they come, in one go or a few: the files that are left are few, each byte is written
// again a few times, no merge is longer than it may be or larger than the target, and neighbours stay neighbours.
func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name             string
		job              Job
		size             int64 // of a segment, about
		each             int   // segments between two looks
		merges           int   // at a look
		left, again, big int   // at most: records, times that a byte is written again, segments in a merge
	}{
		{"often", Job{Target: 1 << 20}, 1000, 8, 100, 45, 8, many},
		{"rarely", Job{Target: 1 << 20}, 1000, 200, 100, 45, 4, many},
		{"no time", Job{Target: 1 << 20}, 1000, 20, 1, 45, 8, many},
		{"large", Job{Target: 1 << 20}, 1_200_000, 20, 100, 5000, 0, 0},
		{"all", Job{Target: 1 << 20, All: true}, 1000, 5000, 100, 7, 1, 5000},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var records []commitlog.Record
			next, total, written := int64(0), int64(0), int64(0)
			for i := range 5000 {
				n := c.size/2 + rng.Int64N(c.size)
				records = append(records, segment(next, next+1, n))
				next, total = next+1, total+n
				if (i+1)%c.each > 0 {
					continue
				}
				for range c.merges {
					from, to := c.job.choose(records)
					if from == to {
						break
					}
					sum := int64(0)
					for k := from; k <= to; k++ {
						sum += size(&records[k])
					}
					if to-from+1 > c.big || sum > c.job.Target {
						t.Fatalf("%d segments of %d bytes are merged", to-from+1, sum)
					}
					written += sum
					one := segment(records[from].First, records[to].Next, sum)
					records = append(append(records[:from:from], one), records[to+1:]...)
				}
			}
			at := int64(0)
			for _, r := range records {
				if r.First != at {
					t.Fatalf("a gap at %d", at)
				}
				at = r.Next
			}
			if len(records) > c.left || written > total*int64(c.again) {
				t.Errorf("%d records are left, each byte was written again %.1f times", len(records), float64(written)/float64(total))
			}
		})
	}
}
