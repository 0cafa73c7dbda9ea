// Package compact merges the small files of a folder into larger ones, the same rows in the same order, and folds the commit log of
// a stream.
package compact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/sinks/dataset"
)

// A Job merges small files of consecutive segments.
type Job struct {
	Log      *commitlog.Log
	Folder   string        // of the output
	Target   int64         // bytes of a merged file, about
	RowGroup int64         // Parquet: uncompressed bytes of a row group
	Apart    *Apart        // from what else folds in this process; nil: nothing does
	Within   time.Duration // no merge begins later; 0: whenever there is something to merge
	All      bool          // merge whatever is small; else only what has come to several files, so that little is written again and again
	Mem      memory.Allocator
	Logger   *slog.Logger

	schema *arrow.Schema
}

// several is how many small segments are merged at a time at least when not all are, and many how many at most: while a merge is
// made, there is no seal.
const several, many = 8, 32

// Run merges what is to be merged in each partition, and returns how many segments have become fewer, and whether it ended
// since the time was over. A stream's partition is folded before each of its merges. Another process may do the same at once:
// one of them gives way.
func (c *Job) Run(ctx context.Context) (merged int, more bool, err error) {
	if c.schema, err = dataset.DecodeSchema(c.Log.Run().ArrowSchema); err != nil {
		return 0, false, err
	}
	parts, err := c.Log.Partitions(ctx)
	if err != nil {
		return 0, false, err
	}
	began := time.Now()
	// One merge of each partition at a time, from any of them on: where time is short, none is always the last.
	for at, idle := rand.IntN(max(len(parts), 1)), 0; idle < len(parts); at++ {
		if c.Within > 0 && time.Since(began) > c.Within {
			return merged, true, nil
		}
		n, err := c.foldAndMerge(ctx, parts[at%len(parts)])
		if merged += n; err != nil {
			return merged, false, err
		}
		if idle++; n > 0 {
			idle = 0
		}
	}
	return merged, false, nil
}

func (c *Job) foldAndMerge(ctx context.Context, p pipeline.Partition) (fewer int, err error) {
	if c.Apart != nil {
		mu := c.Apart.of(p)
		mu.Lock()
		defer mu.Unlock()
	}
	if err := fold(ctx, c.Log, p); err != nil {
		return 0, err
	}
	return c.next(ctx, p)
}

// next does one merge of a partition, and returns how many segments have become fewer; 0 where there is none to do.
func (c *Job) next(ctx context.Context, p pipeline.Partition) (fewer int, err error) {
	for {
		g, err := c.Log.Merging(ctx, p)
		if err != nil {
			return 0, err
		}
		from, to := c.choose(g.Records)
		if from == to {
			return 0, nil
		}
		files, err := c.merge(ctx, g, from, to)
		if err == nil {
			err = g.Put(ctx, from, to, files)
		}
		if errors.Is(err, commitlog.ErrFenced) || err != nil && g.Passed() { // what it read is gone, or was half of it
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("merging files of %s: %w", p.Source, err)
		}
		c.Logger.Debug("merged", "partition", p.Source, "first", g.Records[from].First, "next", g.Records[to].Next, "segments", to-from+1)
		return to - from, nil
	}
}

func size(r *commitlog.Record) int64 {
	by := map[string]int64{}
	most := int64(0)
	for _, f := range r.Files {
		by[f.Folder] += f.Bytes
		most = max(most, by[f.Folder])
	}
	return most
}

// choose picks consecutive records whose files are merged, both ends included; the same one twice where there is nothing to
// do. A merged file grows by doubling at least, so that each row is written a few times however many segments come.
func (c *Job) choose(records []commitlog.Record) (from, to int) {
	for i := 0; i < len(records); i++ {
		sum, j := int64(0), i
		for j < len(records) && size(&records[j]) < c.Target/2 && (j == i || sum+size(&records[j]) <= c.Target) {
			sum += size(&records[j])
			j++
		}
		full := j < len(records) && size(&records[j]) < c.Target/2 // the next one did not fit
		for at := i; at < j-1; at++ {
			if c.All || full {
				return at, j - 1
			}
			end, sum := min(at+many, j), int64(0)
			for k := at; k < end; k++ {
				sum += size(&records[k])
			}
			if end-at >= several && 2*size(&records[at]) <= sum {
				return at, end - 1
			}
		}
		i = max(i, j-1)
	}
	return 0, 0
}

// merge writes one file in the place of those that records name for each folder and format. What it cannot read it leaves.
func (c *Job) merge(ctx context.Context, g *commitlog.Merging, from, to int) (out []pipeline.File, err error) {
	type key struct{ folder, format string }
	groups := map[key][]pipeline.File{}
	var order []key
	for _, r := range g.Records[from : to+1] {
		for _, f := range r.Files {
			k := key{f.Folder, f.Format}
			if groups[k] == nil {
				order = append(order, k)
			}
			groups[k] = append(groups[k], f)
		}
	}
	seg := pipeline.Segment{Run: g.Records[from].Run, Partition: g.Partition.ID, First: g.Records[from].First}
	for _, k := range order {
		files := groups[k]
		if len(files) == 1 {
			out = append(out, files[0])
			continue
		}
		rows, mem := int64(0), int64(0)
		for _, f := range files {
			if err := c.whole(f); err != nil {
				return nil, err
			}
			rows, mem = rows+f.Rows, mem+f.Memory
		}
		var one pipeline.File
		switch {
		case dataset.Lines(k.format):
			one, err = c.lines(ctx, g.Staging(), seg, files)
		case k.format == "parquet", k.format == "arrow":
			one, err = c.columns(ctx, g.Staging(), seg, files)
		default:
			out = append(out, files...)
			continue
		}
		if err == nil && one.Rows != rows {
			err = fmt.Errorf("%s has %d rows, the files before it %d", one.Name, one.Rows, rows)
		}
		if err != nil {
			return nil, err
		}
		one.Memory = mem
		out = append(out, one)
	}
	return out, nil
}

func (c *Job) path(f pipeline.File) string {
	return filepath.Join(c.Folder, filepath.FromSlash(f.Folder), f.Name)
}

// whole makes sure that a file is what was written: what is merged is deleted afterwards.
func (c *Job) whole(f pipeline.File) error {
	file, err := os.Open(c.path(f))
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, file, make([]byte, 1<<20))
	if err != nil {
		return err
	}
	if n != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return &commitlog.DamagedError{File: c.path(f), Cause: "not what its commit record says; it is not merged"}
	}
	return nil
}

// lines joins files of lines.
func (c *Job) lines(ctx context.Context, staging *commitlog.Staging, seg pipeline.Segment, files []pipeline.File) (one pipeline.File, err error) {
	one = files[0]
	_, ext, _ := strings.Cut(one.Name, ".")
	temp, err := staging.Create(seg, one.Folder, ext)
	if err != nil {
		return one, err
	}
	one.Rows = 0
	for _, f := range files {
		in, err := os.Open(c.path(f))
		if err == nil {
			_, err = io.CopyBuffer(struct{ io.Writer }{temp}, struct{ io.Reader }{in}, make([]byte, 1<<20))
			err = errors.Join(err, in.Close())
		}
		if err != nil {
			return one, errors.Join(err, temp.Abort())
		}
		one.Rows += f.Rows
	}
	one.Name, one.SHA256, one.Bytes, err = temp.Publish(ctx)
	return one, err
}
