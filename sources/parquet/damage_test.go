package parquet

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// withChecksums says which fixtures have one on every page.
func withChecksums(f string) bool { return filepath.Base(f)[:3] != "075" }

// readDamaged reads the file and fails the test if that is not done in good time, or ends in an error of another kind.
func readDamaged(t *testing.T, path string) ([]string, error) {
	t.Helper()
	start := time.Now()
	rows, err := readWith(Config{Paths: []string{path}, Mem: memory.DefaultAllocator})
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("%v, %v", d, err)
	}
	if _, ok := errors.AsType[*pipeline.InputError](err); err != nil && !ok {
		t.Errorf("an error without its place: %v", err)
	}
	return rows, err
}

// TestByteFlips changes single bytes. Nothing panics or hangs; in the pages of a file with checksums, a change is found or
// makes no difference.
func TestByteFlips(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	rng, flips := rand.New(rand.NewPCG(1, 2)), 400
	if testing.Short() { // the race detector makes each ten times as slow
		flips = 40
	}
	for _, f := range fixtures(t) {
		whole, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want := expected(t, f)
		dataEnd := len(whole) - 8 - int(whole[len(whole)-8]) - int(whole[len(whole)-7])<<8
		found, same, wrong := 0, 0, 0
		for i := range flips {
			b := slices.Clone(whole)
			at := 4 + rng.IntN(dataEnd-4)
			if i%4 == 0 {
				at = dataEnd + rng.IntN(len(b)-dataEnd)
			}
			b[at] ^= byte(1 + rng.IntN(255))
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			rows, err := readDamaged(t, path)
			switch {
			case err != nil:
				found++
			case slices.Equal(rows, want):
				same++
			default:
				wrong++
				if at < dataEnd && withChecksums(f) {
					t.Errorf("%s: byte %d flipped gives other rows", f, at)
				}
			}
		}
		t.Logf("%s: %d errors, %d the same, %d other rows", filepath.Base(f), found, same, wrong)
	}
}

func TestTruncation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	for _, f := range fixtures(t) {
		whole, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			n := len(whole) * i / 60
			if i < 20 {
				n = i
			}
			if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			if rows, err := readDamaged(t, path); err == nil {
				t.Errorf("%s cut to %d of %d bytes: %d rows", f, n, len(whole), len(rows))
			}
		}
	}
}
