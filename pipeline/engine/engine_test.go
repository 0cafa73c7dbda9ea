package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
	"inoculate/schemas"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "userInput", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "desiredOutput", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// numbers is a source of rows "0", "1", …, ten a batch; it breaks at row bad, if there is one.
type numbers struct {
	mem   memory.Allocator
	parts int
	rows  int64 // of each partition
	bad   int64
}

func (s *numbers) Schema() *arrow.Schema { return schema }
func (s *numbers) Close() error          { return nil }

func (s *numbers) Plan(context.Context) ([]pipeline.Partition, error) {
	var plan []pipeline.Partition
	for i := range s.parts {
		plan = append(plan, pipeline.Partition{ID: fmt.Sprintf("p%d", i), Source: fmt.Sprintf("part %d", i), End: s.rows, Bytes: s.rows})
	}
	return plan, nil
}

func (s *numbers) Open(_ context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	return &numberReader{s, p, from}, nil
}

type numberReader struct {
	s  *numbers
	p  pipeline.Partition
	at int64
}

func (r *numberReader) Close() error { return nil }

func (r *numberReader) Next(context.Context) (pipeline.Batch, error) {
	if r.at >= r.p.End {
		return pipeline.Batch{}, io.EOF
	}
	if r.s.bad > 0 && r.at >= r.s.bad {
		return pipeline.Batch{}, &pipeline.InputError{Source: r.p.Source, Position: r.at, Err: errors.New("broken")}
	}
	n := min(10, r.p.End-r.at)
	b := array.NewRecordBuilder(r.s.mem, schema)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(r.at + i))
		b.Field(1).(*array.StringBuilder).Append("out")
	}
	r.at += n
	return pipeline.Batch{Record: b.NewRecord(), Partition: r.p, First: r.at - n, Next: r.at, Bytes: n}, nil
}

// split sends rows to phases by their number: every fifth is a test row, every seventh a reject, every eleventh filtered.
type split struct{}

func (split) Bind(*arrow.Schema) (pipeline.Applier, error) { return split{}, nil }

func (split) Apply(_ context.Context, b *pipeline.Batch) error {
	for i := range b.Phases {
		switch n := b.Position(i); {
		case n%7 == 3:
			b.Reject(i, "seven", "", "")
		case n%11 == 5:
			b.Phases[i] = pipeline.PhaseFiltered
		case n%5 == 1:
			b.Phases[i] = pipeline.PhaseTest
		default:
			b.Phases[i] = pipeline.PhaseTrain
			b.Edits = append(b.Edits, schemas.Edit{Row: int32(i), New: "edited "})
		}
	}
	return nil
}

// text is a sink whose files hold the rows as text. lose makes it drop a row.
type text struct {
	staging *commitlog.Staging
	folder  string
	lose    bool
}

func (s *text) Wants(bool) pipeline.Wants { return pipeline.Wants{Record: true} }

func (s *text) Begin(_ context.Context, seg pipeline.Segment, _ *arrow.Schema) (pipeline.Writer, error) {
	t, err := s.staging.Create(seg, s.folder, "txt")
	return &textWriter{s: s, t: t}, err
}

type textWriter struct {
	s    *text
	t    *commitlog.Temp
	rows int64
}

func (w *textWriter) Write(_ context.Context, rows pipeline.Rows) error {
	out := string(rows.Lines)
	if rows.Record != nil {
		for i := range rows.N {
			out += rows.Record.Column(0).ValueStr(i) + "\n"
		}
	}
	if w.rows += int64(rows.N); w.s.lose {
		w.rows--
	}
	_, err := w.t.Write([]byte(out))
	return err
}

func (w *textWriter) Close(ctx context.Context) ([]pipeline.File, error) {
	name, sum, n, err := w.t.Publish(ctx)
	return []pipeline.File{{Folder: w.s.folder, Name: name, Rows: w.rows, Bytes: n, SHA256: sum}}, err
}

func (w *textWriter) Abort() error { return w.t.Abort() }

// job makes a job on a disk.
func job(t *testing.T, disk *commitlogtest.Disk, src *numbers) *Job {
	t.Helper()
	plan, err := src.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	log, err := commitlog.Start(context.Background(), disk, commitlog.Run{ID: "run", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	l, err := schemas.Find(schema, schemas.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	sink := func(folder string) *text { return &text{staging: log.Staging(), folder: folder} }
	return &Job{Source: src, Log: log, Layout: l, Transforms: []pipeline.Transform{split{}}, Outputs: Outputs{Train: sink("train"), Test: sink("test"), Rejects: sink("rejects")},
		Encode: func(dst []byte, rec arrow.Record, row int) ([]byte, error) {
			return append(dst, fmt.Sprintf("%q", rec.Column(0).ValueStr(row))...), nil
		},
		Mem: src.mem, Logger: slog.New(slog.DiscardHandler), Workers: 2, SegmentBytes: 25, MaxRejects: -1}
}

// rows collects what stands in a folder, in the order of the names.
func rows(disk *commitlogtest.Disk, folder string) string {
	files := disk.Files()
	var names []string
	for n := range files {
		if strings.HasPrefix(n, folder+"/") {
			names = append(names, n)
		}
	}
	out := ""
	for len(names) > 0 {
		least := 0
		for i := range names {
			if names[i] < names[least] {
				least = i
			}
		}
		out += files[names[least]]
		names = append(names[:least], names[least+1:]...)
	}
	return out
}

func TestRun(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	disk := commitlogtest.NewDisk()
	j := job(t, disk, &numbers{mem: mem, parts: 3, rows: 95})
	stats := &Stats{}
	if err := j.Run(context.Background(), context.Background(), stats); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	counts := map[string]int64{}
	for range 3 {
		for n := range 95 {
			counts["in"]++
			switch {
			case n%7 == 3:
				counts["rejects"]++
				counts["reject:seven"]++
			case n%11 == 5:
				counts["filtered"]++
			case n%5 == 1:
				counts["test"]++
				want["test"] += fmt.Sprintln(n)
			default:
				counts["train"]++
				want["train"] += fmt.Sprintln("edited", n)
			}
		}
	}
	for folder, text := range want {
		if got := rows(disk, folder); got != text {
			t.Errorf("%s:\n%s\nwant\n%s", folder, got, text)
		}
	}
	if got := rows(disk, "rejects"); !strings.HasPrefix(got, `{"reason": "seven", "source": "part 0", "position": 3, "record": "3"}`+"\n") || int64(strings.Count(got, "\n")) != counts["rejects"] {
		t.Errorf("rejects:\n%s", got)
	}
	got := map[string]int64{}
	segments := 0
	if err := j.Log.Settle(context.Background(), func(_ pipeline.Partition, r commitlog.Record) error {
		segments++
		for k, n := range r.Counts {
			got[k] += n
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, counts) || segments != 12 || stats.Rows.Load() != 285 || stats.Partitions.Load() != 3 {
		t.Errorf("%d segments, counts %v, want 12 and %v", segments, got, counts)
	}
}

// TestStops: whatever stops a run, what it committed stays, and the next run ends as an undisturbed one does.
func TestStops(t *testing.T) {
	whole := commitlogtest.NewDisk()
	if err := job(t, whole, &numbers{mem: memory.DefaultAllocator, parts: 2, rows: 95}).Run(context.Background(), context.Background(), &Stats{}); err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	var input *pipeline.InputError
	var rejects *RejectsError
	for name, c := range map[string]struct {
		change     func(*Job)
		ctx, drain context.Context
		is         func(error) bool
	}{
		"drained":       {func(*Job) {}, context.Background(), done, func(err error) bool { return errors.Is(err, ErrDrained) }},
		"cancelled":     {func(*Job) {}, done, context.Background(), func(err error) bool { return errors.Is(err, context.Canceled) }},
		"broken input":  {func(j *Job) { j.Source.(*numbers).bad = 60 }, context.Background(), context.Background(), func(err error) bool { return errors.As(err, &input) && input.Position == 60 }},
		"many rejects":  {func(j *Job) { j.MaxRejects = 9 }, context.Background(), context.Background(), func(err error) bool { return errors.As(err, &rejects) && rejects.Allowed == 9 }},
		"a row is lost": {func(j *Job) { j.Outputs.Test.(*text).lose = true }, context.Background(), context.Background(), func(err error) bool { return err != nil && strings.Contains(err.Error(), "were sent to it") }},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			disk := commitlogtest.NewDisk()
			j := job(t, disk, &numbers{mem: mem, parts: 2, rows: 95})
			c.change(j)
			if err := j.Run(c.ctx, c.drain, &Stats{}); !c.is(err) {
				t.Fatalf("%v", err)
			}
			if err := job(t, disk, &numbers{mem: mem, parts: 2, rows: 95}).Run(context.Background(), context.Background(), &Stats{}); err != nil {
				t.Fatal(err)
			}
			for _, folder := range []string{"train", "test", "rejects"} {
				if got, want := rows(disk, folder), rows(whole, folder); got != want {
					t.Errorf("%s:\n%s\nwant\n%s", folder, got, want)
				}
			}
		})
	}
}

func TestHalve(t *testing.T) {
	runs := []schemas.Run{{Start: 0, N: 3}, {Start: 5, N: 1}, {Start: 9, N: 4}}
	for n := range 9 {
		head, tail := halve(runs, n)
		var got []int
		for _, r := range append(head, tail...) {
			for i := range r.N {
				got = append(got, r.Start+i)
			}
		}
		sum := 0
		for _, r := range head {
			sum += r.N
		}
		if !reflect.DeepEqual(got, []int{0, 1, 2, 5, 9, 10, 11, 12}) || sum != n {
			t.Errorf("after %d: %v %v", n, head, tail)
		}
	}
}
