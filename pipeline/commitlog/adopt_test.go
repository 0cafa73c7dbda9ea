package commitlog_test

import (
	"context"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// TestAdopt: a partition that comes up after the start gets a chain of its own, which every process sees and seals.
func TestAdopt(t *testing.T) {
	ctx := context.Background()
	disk := commitlogtest.NewDisk()
	run := commitlog.Run{ID: "r1", Plan: []pipeline.Partition{{ID: "t00-p0000", Source: "chats/0", First: 40, End: -1}}}
	start := func() *commitlog.Log {
		t.Helper()
		l, err := commitlog.Start(ctx, disk, run)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := start(), start()
	grown := pipeline.Partition{ID: "t00-p0001", Source: "chats/1", First: 0, End: -1}
	if _, err := a.Chain(ctx, grown); !isA[*commitlog.MismatchError](err) {
		t.Fatalf("a partition that nobody adopted: %v", err)
	}
	for _, l := range []*commitlog.Log{a, b, a} {
		if err := l.Adopt(ctx, grown); err != nil {
			t.Fatal(err)
		}
	}
	other := grown
	other.Source = "chats/2"
	if err := a.Adopt(ctx, other); !isA[*commitlog.MismatchError](err) {
		t.Errorf("another one under the same id: %v", err)
	}
	if err := start().Adopt(ctx, other); !isA[*commitlog.DamagedError](err) {
		t.Errorf("another one under the same id, by another process: %v", err)
	}
	if err := a.Adopt(ctx, pipeline.Partition{ID: "p9", End: 10}); err == nil {
		t.Error("adopted a partition with an end")
	}
	c, err := a.Chain(ctx, grown)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(ctx, commitlog.Commit{First: 0, Next: 7, Counts: map[string]int64{"in": 7}}); err != nil {
		t.Fatal(err)
	}

	l := start() // knows the plan alone
	parts, err := l.Partitions(ctx)
	if err != nil || len(parts) != 2 || parts[1] != grown {
		t.Fatalf("%+v %v", parts, err)
	}
	next := map[string]int64{}
	if err := l.Settle(ctx, func(p pipeline.Partition, r commitlog.Record) error { next[p.ID] = r.Next; return nil }); err != nil || next["t00-p0001"] != 7 {
		t.Fatalf("%v %v", next, err)
	}
	progress, err := l.Progress(ctx)
	if err != nil || len(progress) != 2 || progress[0].Next != 40 || progress[1].Next != 7 || progress[1].Done {
		t.Fatalf("%+v %v", progress, err)
	}

	if err := disk.Remove("_commits/r1/t00-p0001/start.json"); err != nil {
		t.Fatal(err)
	}
	if err := start().Settle(ctx, nil); !isA[*commitlog.DamagedError](err) {
		t.Errorf("sealed without the records of a chain whose start is gone: %v", err)
	}
}
