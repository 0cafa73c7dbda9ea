package parquet

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	out := expectations(t, files)
	for _, f := range files {
		name := filepath.Base(f)
		if name == huge {
			continue
		}
		t.Run(name, func(t *testing.T) {
			why, isRefused := refused[name]
			for _, batch := range []int{2048, 7} {
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
