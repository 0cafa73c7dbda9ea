package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// stream is numbers without an end: a partition has ten rows more with every tick, and may have neighbours that come up.
type stream struct {
	numbers
	mu    sync.Mutex
	grown []pipeline.Partition
	acks  map[string]int64
	every time.Duration
	start time.Time
}

func newStream(parts int) *stream {
	return &stream{numbers: numbers{mem: memory.DefaultAllocator, parts: parts, rows: -1}, acks: map[string]int64{}, every: time.Second, start: time.Now()}
}

func (s *stream) Open(_ context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	return &streamReader{numberReader{&s.numbers, p, from}, s}, nil
}

func (s *stream) Ack(_ context.Context, p pipeline.Partition, next int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks[p.ID] = next
	return errors.New("the group is gone") // a hint that fails is no failure
}

func (s *stream) Grown(_ context.Context, known []pipeline.Partition) (out []pipeline.Partition, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.grown {
		if !strings.Contains(fmt.Sprint(known), p.ID) {
			out = append(out, p)
		}
	}
	return out, nil
}

type streamReader struct {
	numberReader
	stream *stream
}

func (r *streamReader) Next(ctx context.Context) (pipeline.Batch, error) {
	there := 10 * int64(time.Since(r.stream.start)/r.stream.every)
	if r.at >= there {
		time.Sleep(100 * time.Millisecond)
		return pipeline.Batch{}, pipeline.ErrIdle
	}
	p := r.p
	r.p.End = there
	b, err := r.numberReader.Next(ctx)
	r.p, b.Partition = p, p
	return b, err
}

func streamJob(t *testing.T, disk *commitlogtest.Disk, src *stream) *Job {
	t.Helper()
	j := job(t, disk, &src.numbers)
	j.Source, j.Every, j.SegmentBytes = src, 3*time.Second, 1<<30
	return j
}

// progress is how far each partition is committed, and in how many records.
func progress(t *testing.T, j *Job) string {
	t.Helper()
	all, err := j.Log.Progress(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, "%s %d in %d; ", p.Partition.ID, p.Next, p.Records)
	}
	return b.String()
}

// TestStream: segments are cut when their first record is old enough; drain commits what is in hand; the next start goes on.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := commitlogtest.NewDisk()
		src := newStream(2)
		for round, want := range []string{"p0 90 in 3; p1 90 in 3; ", "p0 190 in 7; p1 190 in 7; "} {
			j := streamJob(t, disk, src)
			drain, stop := context.WithTimeout(context.Background(), 9*time.Second+500*time.Millisecond+time.Duration(round)*500*time.Millisecond)
			if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
				t.Fatal(err)
			}
			stop()
			if got := progress(t, j); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if src.acks["p0"] != 190 || src.acks["p1"] != 190 {
			t.Errorf("acknowledged %v", src.acks)
		}
		want := 0
		for n := range 190 {
			if n%7 == 3 {
				want++
			}
		}
		if got := strings.Count(rows(disk, "rejects"), "\n"); got != 2*want {
			t.Errorf("%d rejects, want %d", got, 2*want)
		}
	})
}

// TestStreamGrows: a partition that comes up is adopted and worked on, by whoever owns it; seals happen meanwhile.
func TestStreamGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := commitlogtest.NewDisk()
		src := newStream(1)
		j := streamJob(t, disk, src)
		seals := 0
		j.SealEvery, j.Seal = 10*time.Second, func(ctx context.Context) error { seals++; return j.Log.Settle(ctx, nil) }
		idle := streamJob(t, disk, src) // owns nothing, and learns of everything
		idle.Owns = func(pipeline.Partition) bool { return false }
		drain, stop := context.WithTimeout(context.Background(), 60*time.Second+500*time.Millisecond)
		defer stop()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := idle.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
				t.Error(err)
			}
		})
		time.AfterFunc(15*time.Second, func() {
			src.mu.Lock()
			src.grown = []pipeline.Partition{{ID: "p7", Source: "part 7", End: -1}}
			src.mu.Unlock()
		})
		if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
			t.Fatal(err)
		}
		wg.Wait()
		if got := progress(t, j); !strings.HasPrefix(got, "p0 6") || !strings.Contains(got, "p7 6") || seals < 4 {
			t.Errorf("%s, %d seals", got, seals)
		}
	})
}

// TestStreamSealsSlowly: where a seal takes longer than the time between two, half of the time is left without one.
func TestStreamSealsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := streamJob(t, commitlogtest.NewDisk(), newStream(1))
		began := time.Now()
		var at []time.Duration
		j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error {
			at = append(at, time.Since(began))
			if len(at) == 1 {
				time.Sleep(10 * time.Second)
			}
			return nil
		}
		drain, stop := context.WithTimeout(context.Background(), 2*time.Minute)
		defer stop()
		if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
			t.Fatal(err)
		}
		if len(at) < 3 || at[0] != 5*time.Second || at[1] != 25*time.Second || at[2] != 30*time.Second {
			t.Errorf("sealed at %v", at)
		}
	})
}

// TestStreamMerges: merges come before each seal, and their time does not put the next one off; where more is to be merged, that
// goes on at once.
func TestStreamMerges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := streamJob(t, commitlogtest.NewDisk(), newStream(1))
		began, merged := time.Now(), 0
		var at []time.Duration
		j.Merge = func(context.Context) (bool, error) {
			if merged++; merged != len(at)+1 {
				t.Errorf("merge %d after %d seals", merged, len(at))
			}
			time.Sleep(3 * time.Second)
			return merged == 2, nil
		}
		j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error {
			at = append(at, time.Since(began))
			return nil
		}
		drain, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
			t.Fatal(err)
		}
		if len(at) < 4 || at[0] != 8*time.Second || at[1] != 16*time.Second || at[2] != 19*time.Second || at[3] != 27*time.Second {
			t.Errorf("sealed at %v", at)
		}
	})
}

// TestStreamFolds: the commit log is kept short while seals and merges take long, and not where nothing was committed.
func TestStreamFolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newStream(1)
		j := streamJob(t, commitlogtest.NewDisk(), src)
		began := time.Now()
		var folds, seals []time.Duration
		j.Fold = func(context.Context) error {
			folds = append(folds, time.Since(began))
			return nil
		}
		j.Merge = func(context.Context) (bool, error) {
			time.Sleep(10 * time.Second)
			return false, nil
		}
		j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error {
			seals = append(seals, time.Since(began))
			time.Sleep(10 * time.Second)
			return nil
		}
		drain, stop := context.WithTimeout(context.Background(), 50*time.Second)
		defer stop()
		if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
			t.Fatal(err)
		}
		if got := fmt.Sprint(folds); !strings.HasPrefix(got, "[5s 10s 15s 20s 25s 30s 35s 40s 45s") {
			t.Errorf("folded at %s", got)
		}
		if len(seals) != 2 || seals[0] != 15*time.Second || seals[1] != 45*time.Second {
			t.Errorf("sealed at %v", seals)
		}
	})
}

// TestStreamStops: what goes wrong in one partition, or in a seal, stops the run.
func TestStreamStops(t *testing.T) {
	broken := errors.New("no space left")
	for name, change := range map[string]func(*Job){
		"input": func(j *Job) { j.Source.(*stream).bad = 50 },
		"seal": func(j *Job) {
			j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error { return broken }
		},
		"fold": func(j *Job) {
			j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error { return nil }
			j.Fold = func(context.Context) error { return broken }
		},
		"merge": func(j *Job) {
			j.SealEvery, j.Seal = 5*time.Second, func(context.Context) error { return nil }
			j.Merge = func(context.Context) (bool, error) { return false, broken }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := streamJob(t, commitlogtest.NewDisk(), newStream(3))
				change(j)
				drain, stop := context.WithTimeout(context.Background(), time.Minute)
				defer stop()
				err := j.Run(context.Background(), drain, &Stats{})
				if _, input := errors.AsType[*pipeline.InputError](err); !input && !errors.Is(err, broken) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// assigned is a source that gives its partitions away and gets them back.
type assigned struct{ *stream }

func (a assigned) Assign(ctx context.Context, plan []pipeline.Partition, serve func(context.Context, []pipeline.Partition) error) error {
	for _, mine := range [][]pipeline.Partition{plan[:1], plan[1:], plan} {
		mineCtx, stop := context.WithTimeout(ctx, 10*time.Second)
		err := serve(mineCtx, mine)
		done := mineCtx.Err() != nil
		if stop(); !done || err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestAssigned: a hand-over commits what is in hand, and each partition goes on from the commit log.
func TestAssigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := commitlogtest.NewDisk()
		src := newStream(3)
		j := streamJob(t, disk, src)
		j.Source = assigned{src}
		var mu sync.Mutex
		commits, sequences := map[string]int64{}, map[string]int{}
		j.Committed = func(p pipeline.Partition, c commitlog.Commit, sequence int) {
			mu.Lock()
			defer mu.Unlock()
			if commits[p.ID] != c.First {
				t.Errorf("%s: [%d,%d) after %d", p.ID, c.First, c.Next, commits[p.ID])
			}
			if sequence != sequences[p.ID]+1 {
				t.Errorf("%s: commit %d after %d", p.ID, sequence, sequences[p.ID])
			}
			commits[p.ID], sequences[p.ID] = c.Next, sequence
		}
		drain, stop := context.WithTimeout(context.Background(), 35*time.Second)
		defer stop()
		if err := j.Run(context.Background(), drain, &Stats{}); !errors.Is(err, ErrDrained) {
			t.Fatal(err)
		}
		if commits["p0"] < 290 || commits["p1"] < 290 || commits["p2"] < 290 {
			t.Errorf("%v", commits)
		}
	})
}

// TestAssignedEnds: where the partitions have ends, a process waits for those that others work on, and is done with them.
func TestAssignedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := commitlogtest.NewDisk()
		src := newStream(2)
		src.rows = 95
		j := streamJob(t, disk, src)
		j.Source = halfAssigned{&src.numbers}
		other := streamJob(t, disk, src)
		other.Source, other.Owns = &src.numbers, func(p pipeline.Partition) bool { return p.ID == "p1" }
		time.AfterFunc(5*time.Second, func() {
			if err := other.Run(context.Background(), context.Background(), &Stats{}); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		if err := j.Run(context.Background(), context.Background(), &Stats{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 5*time.Second || progress(t, j) != "p0 95 in 1; p1 95 in 1; " {
			t.Errorf("%s after %s", progress(t, j), took)
		}
	})
}

type halfAssigned struct{ *numbers }

func (h halfAssigned) Assign(ctx context.Context, plan []pipeline.Partition, serve func(context.Context, []pipeline.Partition) error) error {
	return serve(ctx, plan[:1])
}
