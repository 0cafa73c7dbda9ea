package parquet

import (
	"context"
	"fmt"

	"inoculate/pipeline"
	"inoculate/sources/files"
)

// partitionBytes is the size of partitions where the config gives none, in uncompressed bytes. It does not follow the input, since
// what a segment needs of memory follows it.
const partitionBytes = 64 << 20

// Plan groups row groups into partitions in the order of the input. A partition lies in one file; its positions are row
// numbers of that file, from 0. A file without rows has none.
func (s *Source) Plan(ctx context.Context) ([]pipeline.Partition, error) {
	target := s.cfg.PartitionBytes
	if target == 0 {
		target = partitionBytes
	}
	var out []pipeline.Partition
	for _, in := range s.inputs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		print, err := files.Fingerprint(in.path)
		if err != nil {
			return nil, &pipeline.InputError{Source: in.path, Position: -1, Err: err}
		}
		for _, r := range ranges(in.groups, target) {
			out = append(out, pipeline.Partition{
				Source: fmt.Sprintf("%s rows %d-%d", in.path, r.first, r.first+r.rows-1),
				First:  r.first, End: r.first + r.rows, Bytes: r.bytes, Fingerprint: print, Path: in.path,
			})
		}
	}
	pipeline.Number(out)
	return out, nil
}

// ranges joins neighbouring row groups while they stay within target bytes.
func ranges(groups []span, target int64) (out []span) {
	for _, g := range groups {
		if g.rows == 0 {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].bytes+g.bytes <= target {
			out[k].rows += g.rows
			out[k].bytes += g.bytes
			continue
		}
		out = append(out, g)
	}
	return out
}
