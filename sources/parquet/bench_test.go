package parquet

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline/pipelinetest/require"
)

// BenchmarkRead reads the file that INOCULATE_BENCH_PARQUET names, on one thread. MB/s are of Arrow buffers.
func BenchmarkRead(b *testing.B) {
	path := os.Getenv("INOCULATE_BENCH_PARQUET")
	if path == "" {
		require.Skip(b, "corpus", "INOCULATE_BENCH_PARQUET names no file")
	}
	ctx := context.Background()
	s, err := New(ctx, Config{Paths: []string{path}})
	if err != nil {
		b.Fatal(err)
	}
	parts, err := s.Plan(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		size := int64(0)
		for _, p := range parts {
			r, err := s.Open(ctx, p, p.First)
			if err != nil {
				b.Fatal(err)
			}
			for {
				batch, err := r.Next(ctx)
				if err == io.EOF {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
				for _, c := range batch.Record.Columns() {
					size += bytesOf(c.Data())
				}
				batch.Release()
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
	}
}

func bytesOf(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += bytesOf(c)
	}
	return n
}
