package parquet

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest/require"
)

const pyarrow = "pyarrow==26.0.1"

// refused are the files of the Parquet project's collection that are not read, with what the error must say.
var refused = map[string]string{
	"datapage_v1-corrupt-checksum.parquet":           "checksum is wrong", // on purpose
	"rle-dict-uncompressed-corrupt-checksum.parquet": "checksum is wrong",
	"int96_from_spark.parquet":                       "nanoseconds since 1970 do not reach", // pyarrow wraps such years around
}

// beyond are files that pyarrow refuses and this package reads, with the number of their rows.
var beyond = map[string]int{
	"incorrect_map_schema.parquet": 1, // the key is optional, but never null
}

// huge has two values of 1 GiB, in one row each; pyarrow cannot put them together.
const huge = "large_string_map.brotli.parquet"

// expectations runs expect.py over files and returns the folder of its results.
func expectations(t *testing.T, files []string) string {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command(require.Python(t, pyarrow), append([]string{"testdata/expect.py", out}, files...)...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("expect.py: %v\n%s", err, b)
	}
	return out
}

// TestConformance reads the Parquet project's own test files: each gives the rows that pyarrow reads, or an error of a
// known reason. Where pyarrow gives an error, so do we.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(require.Shared(t), "data", "parquet-testing", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == huge })
	out := expectations(t, files)
	batches := []int{2048, 7}
	if testing.Short() {
		batches = batches[:1] // each batch is a hundred allocations, whose stacks the checked allocator takes down
	}
	for _, f := range files {
		name := filepath.Base(f)
		t.Run(name, func(t *testing.T) {
			why, isRefused := refused[name]
			for _, batch := range batches {
				rows, err := readFile(t, f, batch)
				if isRefused {
					if ie, ok := errors.AsType[*pipeline.InputError](err); !ok || ie.Source != f || !strings.Contains(err.Error(), why) {
						t.Errorf("%d rows, %v; want an error that says %q", len(rows), err, why)
					}
					continue
				}
				if n, ok := beyond[name]; ok && err == nil {
					if len(rows) != n {
						t.Errorf("%d rows, want %d", len(rows), n)
					}
					continue
				}
				want, _, werr := readStream(filepath.Join(out, name+".arrow"))
				if werr != nil {
					msg, _ := os.ReadFile(filepath.Join(out, name+".err"))
					t.Errorf("pyarrow: %s%v; here %d rows, %v", msg, werr, len(rows), err)
					continue
				}
				if err != nil {
					t.Errorf("%v; pyarrow reads %d rows", err, len(want))
					continue
				}
				sameRows(t, name, rows, want)
			}
		})
	}
}

// TestHugeValues reads two rows whose keys have 1 GiB each. It takes some GiB of memory, and so it has to be asked for.
func TestHugeValues(t *testing.T) {
	if os.Getenv("INOCULATE_HUGE") == "" {
		t.Skip("INOCULATE_HUGE is not set")
	}
	s, err := New(t.Context(), Config{Paths: []string{filepath.Join(require.Shared(t), "data", "parquet-testing", huge)}})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Plan(t.Context())
	if err != nil || len(parts) != 1 {
		t.Fatalf("%d partitions, %v", len(parts), err)
	}
	r, err := s.Open(t.Context(), parts[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		b, err := r.Next(t.Context())
		if err != nil || b.NumRows() != 1 {
			t.Fatalf("%d rows, %v", b.NumRows(), err)
		}
		m := b.Record.Column(0).(*array.Map)
		k := m.Keys().(*array.String).Value(0)
		if m.Keys().Len() != 1 || len(k) != 1<<30 || strings.Count(k, k[:1]) != len(k) || m.Items().ValueStr(0) != "1" {
			t.Errorf("%d keys of %d bytes, value %s", m.Keys().Len(), len(k), m.Items().ValueStr(0))
		}
		b.Release()
	}
	if _, err := r.Next(t.Context()); err != io.EOF {
		t.Errorf("%v", err)
	}
}
