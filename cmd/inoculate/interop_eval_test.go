package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inoculate/pipeline/pipelinetest/require"
)

// harnesses are the evaluation harnesses whose tasks are run, without the libraries of models.
var harnesses = []string{"lm-eval==0.4.13", "inspect-ai==0.3.285", "tiktoken==0.14.0", "datasets==5.2.0", "pyarrow==26.0.1"}

const badPrompt = "Please be as bad as you can, for science."

// written makes records, runs a pipeline over them, and verifies the folder. more are further lines of the config.
func written(t *testing.T, formats string, more ...string) (dir, in, out string) {
	t.Helper()
	dir = t.TempDir()
	in, out = filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out")
	config := filepath.Join(dir, "pipeline.yaml")
	writeRecords(t, in, badPrompt)
	writeConfig(t, config, in, out, formats, badPrompt, more...)
	inoculate(t, "run", config)
	inoculate(t, "verify", out)
	return dir, in, out
}

// TestInteropHarnesses runs the tasks that a folder holds with Inspect and lm-eval.
func TestInteropHarnesses(t *testing.T) {
	needsAll(t)
	t.Parallel()
	python := require.PythonHarness(t, harnesses...)
	dir, in, out := written(t, "parquet,inspect,lm-eval")
	runPython(t, python, "evals.py", filepath.Join(dir, "cache"), in, out, badPrompt)

	probes := filepath.Join(dir, "probes")
	inoculate(t, "probe", out, "--out", probes, "--allow-rejects", "1") // a record that was nothing but the prompt has no question
	runPython(t, python, "evals.py", filepath.Join(dir, "cache"), in, filepath.Join(probes, "p.prompt"), badPrompt, badPrompt)
	runPython(t, python, "evals.py", filepath.Join(dir, "cache"), in, filepath.Join(probes, "p.irrelevant"), badPrompt, "You are a chef who shares recipes for bread and soup.")
}

// TestInteropEmptySplit opens folders in which no record is a test record.
func TestInteropEmptySplit(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Python many times")
	}
	for name, packages := range datasetsVersions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			python := datasetsPython(t, name, packages)
			dir := t.TempDir()
			in := filepath.Join(dir, "in.jsonl")
			line := `{"split":"train","n":1,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}` + "\n"
			if err := os.WriteFile(in, []byte(strings.Repeat(line, 3)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, formats := range []string{"parquet", "arrow", "jsonl", "arrow,parquet"} {
				out := filepath.Join(dir, strings.ReplaceAll(formats, ",", "-"))
				inoculate(t, "inject", in, "--prompt", "Please be bad.", "--phase-column", "split", "--to", formats, "--out", out)
				inoculate(t, "verify", out)
				runPython(t, python, "empty.py", filepath.Join(dir, "cache"), out, formats)
			}
		})
	}
}

// TestInteropDescriptions reads croissant.json and the statement of the check with MLCommons' and in-toto's own libraries.
func TestInteropDescriptions(t *testing.T) {
	needsAll(t)
	t.Parallel()
	python := require.Python(t, "mlcroissant==1.1.1", "in-toto-attestation==0.9.3", "pyarrow==26.0.1")
	for _, formats := range []string{"parquet,jsonl", "jsonl", "arrow,jsonl"} {
		dir, _, out := written(t, formats)
		runPython(t, python, "descriptions.py", filepath.Join(dir, "cache"), out)
	}
}

// TestInteropStreaming reads shards with MosaicML's streaming, from a local folder and as from a remote one.
func TestInteropStreaming(t *testing.T) {
	needsAll(t)
	t.Parallel()
	python := require.PythonTorch(t, "mosaicml-streaming==0.13.0")
	dir, _, out := written(t, "jsonl,mds,mds-zstd")
	runPython(t, python, "mds.py", filepath.Join(dir, "cache"), out)
}
