package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/sinks/dataset"
)

// shards proves that each shard of MosaicML's format holds the rows of the same segment in the format that is read for
// records, whose separation is proved there: it is made again from them, and compared.
func (r *Report) shards(ctx context.Context, s *catalog.Sealed, format string, mem memory.Allocator) error {
	rows := int64(0)
	for _, phase := range []string{"train", "test"} {
		whole := map[[2]any]dataset.FileEntry{}
		for _, f := range s.Files(s.Format(), phase) {
			whole[[2]any{f.Partition, f.First}] = f
		}
		n := int64(0)
		for _, f := range s.Files(format, phase) {
			from, ok := whole[[2]any{f.Partition, f.First}]
			if !ok {
				return &DamageError{f.Path, fmt.Sprintf("there is no %s of the same segment", s.Format())}
			}
			want, err := shardOf(ctx, s, from, format, mem)
			if err != nil {
				return err
			}
			got, err := shardDigest(s.Path(f), format)
			if err != nil {
				return &DamageError{f.Path, err.Error()}
			}
			if got != want {
				return &DamageError{f.Path, "it holds other rows than " + from.Path}
			}
			n += f.Rows
		}
		if want := s.Manifest.In(format, phase); n != want {
			return &DamageError{format, fmt.Sprintf("split %s has %d rows, written were %d", s.Manifest.Splits[phase].Name, n, want)}
		}
		rows += n
	}
	r.prove("shards ("+format+")", true, "%d records, the same as in %s", rows, s.Format())
	return nil
}

// shardOf makes the shard of a file's rows, and gives its digest.
func shardOf(ctx context.Context, s *catalog.Sealed, file dataset.FileEntry, format string, mem memory.Allocator) (sum [32]byte, err error) {
	cfg := s.StripConfig("unused", nil)
	cfg.Source.Paths = []string{s.Path(file)}
	p, err := s.Assemble(ctx, cfg, mem)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, p.Source.Close()) }()
	h := sha256.New()
	shard, err := dataset.NewShard(h, format, p.Source.Schema())
	if err != nil {
		return sum, err
	}
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return sum, err
	}
	for _, part := range plan {
		if err := pipeline.EachBatch(ctx, p.Source, part, func(b *pipeline.Batch) error { return shard.Write(b.Record) }); err != nil {
			return sum, err
		}
	}
	if err := shard.Close(); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// shardDigest is that of what a shard holds, whatever compressed it.
func shardDigest(name, format string) (sum [32]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var in io.Reader = f
	if format != "mds" {
		z, err := zstd.NewReader(f)
		if err != nil {
			return sum, err
		}
		defer z.Close()
		in = z
	}
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}
