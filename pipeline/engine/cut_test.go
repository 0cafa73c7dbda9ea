package engine

import (
	"context"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// periods is numbers in periods of 25 rows.
type periods struct{ numbers }

func (s *periods) Open(_ context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	return &periodReader{numberReader: numberReader{&s.numbers, p, from}}, nil
}

type periodReader struct {
	numberReader
	fresh bool
	room  int64
}

func (r *periodReader) Cut(fresh bool, rows int64) { r.fresh, r.room = fresh, rows }

func (r *periodReader) Next(ctx context.Context) (pipeline.Batch, error) {
	if r.at%25 == 0 && !r.fresh {
		return pipeline.Batch{}, pipeline.ErrCut
	}
	end := r.p.End
	r.p.End = min(end, (r.at/25+1)*25)
	if r.room > 0 {
		r.p.End = min(r.p.End, r.at+r.room)
	}
	b, err := r.numberReader.Next(ctx)
	r.p.End = end
	b.Partition = r.p
	return b, err
}

// TestCuts: segments end where the reader's periods do, and have no more rows than they may.
func TestCuts(t *testing.T) {
	for rows, want := range map[int64]string{0: "p0 100 in 4; ", 7: "p0 100 in 16; ", 25: "p0 100 in 4; ", 1: "p0 100 in 100; "} {
		src := &periods{numbers{mem: memory.DefaultAllocator, parts: 1, rows: 100}}
		j := job(t, commitlogtest.NewDisk(), &src.numbers)
		j.Source, j.SegmentRows, j.SegmentBytes = src, rows, 1<<30
		if err := j.Run(context.Background(), context.Background(), &Stats{}); err != nil {
			t.Fatal(err)
		}
		if got := progress(t, j); got != want {
			t.Errorf("%d rows: %s, want %s", rows, got, want)
		}
	}
}
