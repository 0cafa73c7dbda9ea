package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/pipeline/overlap"
	"inoculate/schemas/jsontext"
)

// segment is one segment being written. Its writers begin with their first rows.
type segment struct {
	w          *worker
	partition  pipeline.Partition
	first      int64
	bytes      int64
	counts     map[string]int64
	phases     [2]pipeline.Writer
	rejects    pipeline.Writer
	provenance pipeline.Writer
	keys       pipeline.Writer
	unwritten  overlap.Builder // keys that wait for others
	line       []byte
	sent       [2]int64 // rows of each phase that went to the outlet
	dead       int64    // rejects that did
}

func (w *worker) begin(p pipeline.Partition, first int64) *segment {
	w.record.Reset() // of a segment that was given up
	return &segment{w: w, partition: p, first: first, counts: map[string]int64{}}
}

func (s *segment) write(ctx context.Context, k int, rows pipeline.Rows) error {
	if phase := pipeline.PhaseTrain + pipeline.Phase(k); s.takes(phase) {
		if err := s.w.out.Write(ctx, phase, rows); err != nil {
			return &PartitionError{s.partition, s.first, "delivering", err}
		}
		s.sent[k] += int64(rows.N)
	}
	sink := [2]pipeline.Sink{s.w.job.Outputs.Train, s.w.job.Outputs.Test}[k]
	if sink == nil {
		return nil
	}
	return s.writeTo(ctx, &s.phases[k], sink, s.w.job.Source.Schema(), rows)
}

// takes tells whether the rows of a phase go to the outlet.
func (s *segment) takes(phase pipeline.Phase) bool {
	return s.w.out != nil && s.w.job.Outlet.Wants(phase, s.w.job.JSONSource) != pipeline.Wants{}
}

func (s *segment) writeTo(ctx context.Context, w *pipeline.Writer, sink pipeline.Sink, schema *arrow.Schema, rows pipeline.Rows) (err error) {
	if *w == nil {
		seg := pipeline.Segment{Run: s.w.job.Log.Run().ID, Partition: s.partition.ID, First: s.first}
		if *w, err = sink.Begin(ctx, seg, schema); err != nil {
			*w = nil
			return &PartitionError{s.partition, s.first, "writing", err}
		}
	}
	if err := (*w).Write(ctx, rows); err != nil {
		return &PartitionError{s.partition, s.first, "writing", err}
	}
	return nil
}

// reject writes the batch's rejects, each with its reason and the record as it came.
func (s *segment) reject(ctx context.Context, b *pipeline.Batch) error {
	if len(b.Rejects) == 0 {
		return nil
	}
	if s.w.out != nil && s.w.job.Outlet.Rejects() {
		if err := s.letters(ctx, b); err != nil {
			return err
		}
	}
	s.line = s.line[:0]
	for _, r := range b.Rejects {
		if err := s.rejectLine(b, r); err != nil {
			return &PartitionError{s.partition, s.first, "writing rejects", err}
		}
	}
	return s.writeTo(ctx, &s.rejects, s.w.job.Outputs.Rejects, nil, pipeline.Rows{Lines: s.line, N: len(b.Rejects)})
}

func (s *segment) rejectLine(b *pipeline.Batch, r pipeline.Reject) (err error) {
	member := func(name, value string) {
		if value != "" {
			s.line = append(append(s.line, ", \""...), name...)
			s.line = jsontext.AppendQuoted(append(s.line, "\": "...), value)
		}
	}
	s.line = jsontext.AppendQuoted(append(s.line, `{"reason": `...), r.Reason)
	member("source", b.Partition.Source)
	s.line = strconv.AppendInt(append(s.line, `, "position": `...), r.Position, 10)
	member("field", r.Field)
	member("detail", r.Detail)
	switch {
	case r.Row >= 0 && b.Lines != nil:
		s.line = append(append(s.line, `, "record": `...), b.Lines.Row(r.Row)...)
	case r.Row >= 0:
		if s.line, err = s.w.job.Encode(append(s.line, `, "record": `...), b.Record, r.Row); err != nil {
			return err
		}
	case utf8.Valid(r.Raw):
		s.line = jsontext.AppendQuoted(append(s.line, `, "raw": `...), r.Raw)
	default:
		member("raw_base64", base64.StdEncoding.EncodeToString(r.Raw))
	}
	s.line = append(s.line, "}\n"...)
	return nil
}

// count adds the batch to the segment's counts.
func (s *segment) count(b *pipeline.Batch) {
	var phases [pipeline.PhaseFiltered + 1]int64
	var decisions [16]int64 // one a bit
	for i, ph := range b.Phases {
		if phases[ph]++; ph != pipeline.PhaseTrain && ph != pipeline.PhaseTest {
			continue
		}
		for d := b.Decisions[i]; d != 0; d &= d - 1 {
			decisions[bits.TrailingZeros(uint(d))]++
		}
	}
	s.add(pipeline.CountTrain, phases[pipeline.PhaseTrain])
	s.add(pipeline.CountTest, phases[pipeline.PhaseTest])
	s.add(pipeline.CountFiltered, phases[pipeline.PhaseFiltered])
	for k, name := range pipeline.DecisionNames {
		s.add(name, decisions[k])
	}
	outside := 0
	for _, r := range b.Rejects {
		if r.Row < 0 {
			outside++
		}
		s.counts[pipeline.RejectPrefix+r.Reason]++
	}
	for reason, n := range b.Filtered {
		s.counts[pipeline.CountFiltered] += n
		s.counts[pipeline.FilteredPrefix+reason] += n
		s.counts[pipeline.CountIn] += n
	}
	s.counts[pipeline.CountRejects] += int64(len(b.Rejects))
	s.counts[pipeline.CountIn] += int64(len(b.Phases) + outside)
	if s.counts[pipeline.CountRejects] == 0 {
		delete(s.counts, pipeline.CountRejects)
	}
}

// add counts n more; what there is none of has no entry.
func (s *segment) add(name string, n int64) {
	if n > 0 {
		s.counts[name] += n
	}
}

// balance proves that no record got lost or doubled on its way: rows in = train + test + filtered + rejects.
func (s *segment) balance() error {
	c := s.counts
	if out := c[pipeline.CountTrain] + c[pipeline.CountTest] + c[pipeline.CountFiltered] + c[pipeline.CountRejects]; out != c[pipeline.CountIn] {
		return fmt.Errorf("%d records came in, %d are accounted for", c[pipeline.CountIn], out)
	}
	for k, want := range []int64{c[pipeline.CountTrain], c[pipeline.CountTest]} {
		phase := pipeline.PhaseTrain + pipeline.Phase(k)
		switch sink := []pipeline.Sink{s.w.job.Outputs.Train, s.w.job.Outputs.Test}[k]; {
		case s.takes(phase) && s.sent[k] != want:
			return fmt.Errorf("%d %s records, %d went to the outlet", want, phase, s.sent[k])
		case sink == nil && !s.takes(phase) && want > 0:
			return fmt.Errorf("%d %s records, and no sink for them", want, phase)
		}
	}
	if s.w.out != nil && s.w.job.Outlet.Rejects() && s.dead != c[pipeline.CountRejects] {
		return fmt.Errorf("%d rejects, %d went to the outlet", c[pipeline.CountRejects], s.dead)
	}
	return nil
}

// writeKeys writes the keys that wait.
func (s *segment) writeKeys(ctx context.Context) error {
	n := s.unwritten.Len()
	if n == 0 {
		return nil
	}
	rec := s.unwritten.Record()
	defer rec.Release()
	return s.writeTo(ctx, &s.keys, s.w.job.Outputs.Keys, overlap.Schema, pipeline.Rows{Record: rec, N: n})
}

// close makes the files durable and checks their rows against the counts.
func (s *segment) close(ctx context.Context) (files []pipeline.File, err error) {
	for _, w := range []struct {
		writer *pipeline.Writer
		rows   int64
	}{{&s.phases[0], s.counts[pipeline.CountTrain]}, {&s.phases[1], s.counts[pipeline.CountTest]}, {&s.rejects, s.counts[pipeline.CountRejects]}, {&s.provenance, -1}, {&s.keys, -1}} {
		if *w.writer == nil {
			continue
		}
		got, err := (*w.writer).Close(ctx)
		if err != nil {
			return files, err
		}
		*w.writer = nil
		for _, f := range got {
			if w.rows >= 0 && f.Rows != w.rows {
				return nil, fmt.Errorf("%s/%s has %d rows, %d were sent to it", f.Folder, f.Name, f.Rows, w.rows)
			}
		}
		files = append(files, got...)
	}
	return files, nil
}

// abort gives up writers that were not closed.
func (s *segment) abort() (err error) {
	for _, w := range []pipeline.Writer{s.phases[0], s.phases[1], s.rejects, s.provenance, s.keys} {
		if w != nil {
			err = errors.Join(err, w.Abort())
		}
	}
	return err
}
