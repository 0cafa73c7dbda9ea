package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// topics is an outlet in memory: what is written becomes visible with a commit, together with the position.
type topics struct {
	mu    sync.Mutex
	exact bool
	epoch map[string]int // by partition: of who has opened it last
	at    map[string]commitlogPosition
	rows  map[string][]string // by phase, visible
	fail  func(step string) error
}

type commitlogPosition struct {
	next  int64
	token string
}

func newTopics() *topics {
	return &topics{exact: true, epoch: map[string]int{}, at: map[string]commitlogPosition{}, rows: map[string][]string{}, fail: func(string) error { return nil }}
}

func (o *topics) Wants(pipeline.Phase, bool) pipeline.Wants {
	return pipeline.Wants{Record: true, Positions: true}
}
func (o *topics) Rejects() bool { return true }
func (o *topics) Exact() bool   { return o.exact }

func (o *topics) Open(_ context.Context, _ string, p pipeline.Partition) (pipeline.Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fail("open"); err != nil {
		return nil, err
	}
	o.epoch[p.ID]++
	return &topicsDelivery{o: o, p: p, epoch: o.epoch[p.ID], rows: map[string][]string{}}, nil
}

type topicsDelivery struct {
	o     *topics
	p     pipeline.Partition
	epoch int
	rows  map[string][]string
}

func (d *topicsDelivery) Position() (int64, string, bool) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	at, ok := d.o.at[d.p.ID]
	return at.next, at.token, ok && d.o.exact
}

func (d *topicsDelivery) check(step string) error {
	if d.o.exact && d.o.epoch[d.p.ID] != d.epoch {
		return fmt.Errorf("%s: %w", step, pipeline.ErrTaken)
	}
	return d.o.fail(step)
}

func (d *topicsDelivery) Write(_ context.Context, phase pipeline.Phase, rows pipeline.Rows) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	for i := range rows.N {
		if at := fmt.Sprint(rows.Positions[i]); !strings.HasSuffix(rows.Record.Column(0).ValueStr(i), at) {
			return fmt.Errorf("row %s at position %s", rows.Record.Column(0).ValueStr(i), at)
		}
		d.rows[phase.String()] = append(d.rows[phase.String()], d.p.ID+" "+rows.Record.Column(0).ValueStr(i))
	}
	return d.check("write")
}

func (d *topicsDelivery) Reject(_ context.Context, l *pipeline.DeadLetter) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	d.rows["dead"] = append(d.rows["dead"], fmt.Sprintf("%s %d %s %s", d.p.ID, l.Reject.Position, l.Reject.Reason, l.Origin.Value))
	return d.check("reject")
}

func (d *topicsDelivery) Commit(_ context.Context, next int64, token string) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if err := d.check("commit"); err != nil {
		return err
	}
	d.o.at[d.p.ID] = commitlogPosition{next, token}
	for phase, rows := range d.rows {
		d.o.rows[phase] = append(d.o.rows[phase], rows...)
	}
	d.rows = map[string][]string{}
	return d.check("committed")
}

func (d *topicsDelivery) Close(context.Context) error { return nil }

// delivered checks that each row is visible once, in the order of its partition.
func (o *topics) delivered(t *testing.T, parts, rows int) {
	t.Helper()
	want := map[string][]string{}
	for p := range parts {
		for n := range rows {
			row := fmt.Sprintf("p%d %d", p, n)
			switch {
			case n%7 == 3:
				want["dead"] = append(want["dead"], fmt.Sprintf("%s seven %q", row, fmt.Sprint(n)))
			case n%11 == 5:
			case n%5 == 1:
				want["test"] = append(want["test"], row)
			default:
				want["train"] = append(want["train"], fmt.Sprintf("p%d edited %d", p, n))
			}
		}
	}
	for phase := range want {
		got := slices.Clone(o.rows[phase])
		slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:2], b[:2]) })
		if !slices.Equal(got, want[phase]) {
			t.Errorf("%s: %d rows, want %d\n%v", phase, len(got), len(want[phase]), got)
		}
	}
}

func outletJob(t *testing.T, disk *commitlogtest.Disk, o *topics) *Job {
	t.Helper()
	j := job(t, disk, &numbers{mem: memory.DefaultAllocator, parts: 2, rows: 100})
	j.Outlet, j.Outputs.Train, j.Outputs.Test = o, nil, nil
	return j
}

// TestOutletOnly: with nothing but an outlet for rows, each of them is there once, whichever step fails, and however often.
func TestOutletOnly(t *testing.T) {
	for _, step := range []string{"none", "open", "write", "reject", "commit", "committed"} {
		for at := 1; at < 12; at++ {
			disk, o := commitlogtest.NewDisk(), newTopics()
			n := 0
			o.fail = func(s string) error {
				if s == step {
					if n++; n%at == 0 && n < 40 {
						return errors.New("broken")
					}
				}
				return nil
			}
			runs := 0
			for runs = 1; ; runs++ {
				err := outletJob(t, disk, o).Run(context.Background(), context.Background(), &Stats{})
				if err == nil {
					break
				}
				if runs > 80 || !strings.Contains(err.Error(), "broken") {
					t.Fatalf("%s: %v", step, err)
				}
			}
			o.delivered(t, 2, 100)
			if t.Failed() {
				t.Fatalf("failing at %q, every %d, %d runs", step, at, runs)
			}
		}
	}
}

// TestOutletForgets: an outlet that lost its positions, or whose positions were set back, stops the run where it matters.
func TestOutletForgets(t *testing.T) {
	disk, o := commitlogtest.NewDisk(), newTopics()
	n := 0
	o.fail = func(s string) error {
		if n++; s == "commit" && n > 60 {
			return errors.New("broken")
		}
		return nil
	}
	if err := outletJob(t, disk, o).Run(context.Background(), context.Background(), &Stats{}); err == nil {
		t.Fatal("it did not break")
	}
	o.fail = func(string) error { return nil }
	before := map[string]commitlogPosition{}
	for id, at := range o.at {
		before[id] = at
	}
	clear(o.at)
	if err := outletJob(t, disk, o).Run(context.Background(), context.Background(), &Stats{}); err == nil || !strings.Contains(err.Error(), "the outlet has forgotten whether it was") {
		t.Errorf("positions are gone: %v", err)
	}
	for id := range before {
		o.at[id] = commitlogPosition{0, ""}
	}
	if err := outletJob(t, disk, o).Run(context.Background(), context.Background(), &Stats{}); err == nil || !strings.Contains(err.Error(), "were set back") {
		t.Errorf("positions were set back: %v", err)
	}
}

// TestOutletTaken: of two processes on one partition, the one that came later goes on; the other waits until it stands still,
// and takes over.
func TestOutletTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, o := commitlogtest.NewDisk(), newTopics()
		src := newStream(1)
		drainA, stopA := context.WithTimeout(context.Background(), 60*time.Second)
		defer stopA()
		drainB, stopB := context.WithTimeout(context.Background(), 20*time.Second)
		defer stopB()
		run := func(drain context.Context) error {
			j := streamJob(t, disk, src)
			j.Outlet = o
			return j.Run(context.Background(), drain, &Stats{})
		}
		var wg sync.WaitGroup
		var errA, errB error
		wg.Go(func() { errA = run(drainA) })
		time.Sleep(5 * time.Second)
		wg.Go(func() { errB = run(drainB) })
		wg.Wait()
		if !errors.Is(errA, ErrDrained) || !errors.Is(errB, ErrDrained) {
			t.Fatal(errA, errB)
		}
		if n := o.epoch["p0"]; n != 3 {
			t.Errorf("opened %d times", n)
		}
		o.delivered(t, 1, int(o.at["p0"].next))
		if o.at["p0"].next < 550 {
			t.Errorf("only up to %d", o.at["p0"].next)
		}
		log, err := commitlog.Open(context.Background(), disk)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := log.Chain(context.Background(), log.Run().Plan[0])
		if err != nil || chain.Next != o.at["p0"].next {
			t.Error(chain.Next, o.at["p0"].next, err)
		}
	})
}

// TestOutletBeside: an outlet that keeps no positions gets what was committed once, and what was cut off twice; files hold it
// once in any case.
func TestOutletBeside(t *testing.T) {
	disk, o := commitlogtest.NewDisk(), newTopics()
	o.exact = false
	n := 0
	o.fail = func(s string) error {
		if s == "committed" {
			if n++; n == 3 {
				return errors.New("broken")
			}
		}
		return nil
	}
	work := func() error {
		j := job(t, disk, &numbers{mem: memory.DefaultAllocator, parts: 2, rows: 100})
		j.Outlet = o
		return j.Run(context.Background(), context.Background(), &Stats{})
	}
	for work() != nil {
	}
	if got := len(strings.Fields(strings.ReplaceAll(rows(disk, "train"), "edited ", ""))); got >= len(o.rows["train"]) {
		t.Errorf("%d rows in files, %d delivered", got, len(o.rows["train"]))
	}
}
