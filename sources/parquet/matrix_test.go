package parquet

import (
	"os/exec"
	"path/filepath"
	"testing"

	"inoculate/pipeline/pipelinetest/require"
)

// TestMatrix reads what pyarrow writes over all types, encodings, codecs and page layouts, and compares every value with
// what pyarrow reads back.
func TestMatrix(t *testing.T) {
	dir := t.TempDir()
	if b, err := exec.Command(require.Python(t, pyarrow), "testdata/matrix.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("matrix.py: %v\n%s", err, b)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) < 90 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	if testing.Short() { // the race detector makes each ten times as slow; all are read without it
		var some []string
		for i := 0; i < len(files); i += 15 {
			some = append(some, files[i])
		}
		files = some
	}
	out := expectations(t, files)
	for i, f := range files {
		name := filepath.Base(f)
		t.Run(name, func(t *testing.T) {
			want, _, err := readStream(filepath.Join(out, name+".arrow"))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readFile(t, f, []int{2048, 64, 1, 333}[i%4])
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, name, rows, want)
		})
	}
}
