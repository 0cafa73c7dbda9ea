package jsonl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"inoculate/pipeline"
	"inoculate/sources/files"
)

// expansion is about how much longer text is than its compressed form; for progress only.
const expansion = 4

// Plan cuts plain files into ranges of whole lines; a compressed file is one partition. Positions are bytes of the (plain)
// text, where lines begin.
func (s *Source) Plan(ctx context.Context) ([]pipeline.Partition, error) {
	total := int64(0)
	for _, in := range s.inputs {
		if !in.compressed {
			total += in.size
		}
	}
	target := s.cfg.PartitionBytes
	if target <= 0 {
		target = min(max(total/8, minPartition), maxPartition)
	}
	var plan []pipeline.Partition
	for _, in := range s.inputs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		mark, err := files.Fingerprint(in.path)
		if err != nil {
			return nil, inputError(in.name, err)
		}
		if in.size == 0 {
			continue
		}
		cuts := []int64{0, math.MaxInt64}
		if !in.compressed {
			if cuts, err = lineCuts(in.path, in.size, target); err != nil {
				return nil, inputError(in.name, err)
			}
		}
		for i := range len(cuts) - 1 {
			p := pipeline.Partition{Source: in.name, First: cuts[i], End: cuts[i+1], Bytes: cuts[i+1] - cuts[i], Fingerprint: mark, Path: in.name}
			if in.compressed {
				p.Bytes = in.size * expansion
			} else if len(cuts) > 2 {
				p.Source = fmt.Sprintf("%s bytes %d-%d", in.name, cuts[i], cuts[i+1])
			}
			plan = append(plan, p)
		}
	}
	pipeline.Number(plan)
	return plan, nil
}

// lineCuts cuts a file of size bytes into ranges of about target bytes that begin and end with lines.
func lineCuts(path string, size, target int64) ([]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cuts := []int64{0}
	for at := target; at < size; at = cuts[len(cuts)-1] + target {
		next, err := afterLine(f, at)
		if err != nil {
			return nil, err
		}
		if next >= size {
			break
		}
		cuts = append(cuts, next)
	}
	return append(cuts, size), nil
}

// afterLine is where the line behind the first newline at or after at begins; the end of the file where there is none.
func afterLine(f *os.File, at int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(buf, at)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		if at += int64(n); errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
