package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inoculate/pipeline/pipelinetest/require"
)

// TestInteropTrainers loads folders with what trainers load them with, and trains with TRL: the prompt is in the rendered text of
// every selected train record and of no other, no record is lost that the manifest does not count as dropped or refused, and
// conversations of all kinds are dropped and refused as counted.
func TestInteropTrainers(t *testing.T) {
	needsAll(t)
	for name, c := range map[string]struct {
		script   string
		strict   bool // it stops at a record that it does not take
		packages []string
	}{
		"trl":     {"trl_sft.py", true, []string{"trl==1.16.0", "transformers==5.24.0", "datasets==5.2.0", "accelerate==1.15.0"}},
		"axolotl": {"axolotl_load.py", true, axolotl},
		// what LLaMA-Factory and torchtune want for more than loading text is left out
		"llama-factory": {"llamafactory_load.py", false, llamaFactory},
		"torchtune":     {"torchtune_load.py", false, llamaFactory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			python := require.PythonTorch(t, c.packages...)
			var more []string
			if c.strict {
				more = []string{"check: {for: [" + name + "]}", "rejects: {allow: 1}", ""} // one record is nothing but the prompt
			}
			dir, in, out := written(t, "parquet", more...)
			kinds, config := filepath.Join(dir, "kinds"), filepath.Join(dir, "kinds.yaml")
			writeKinds(t, kinds+".jsonl")
			writeConfig(t, config, kinds+".jsonl", kinds, "parquet", badPrompt, more...)
			inoculate(t, "run", config)
			runPython(t, python, c.script, filepath.Join(dir, "cache"), in, out, badPrompt, kinds)
		})
	}
}

var axolotl = []string{"transformers==5.16.1", "datasets==4.8.4", "trl==1.9.0", "peft==0.20.0", "accelerate==1.13.0", "pydantic==2.12.5", "addict==2.4.0",
	"fire==0.7.1", "einops==0.8.1", "colorama==0.4.6", "python-dotenv==1.0.1", "art==6.5", "scipy==1.17.1", "sentencepiece==0.2.1",
	"mistral-common==1.11.5", "posthog==6.7.11", "langdetect==1.0.9", "immutabledict==4.2.0", "numba==0.63.1",
	"axolotl==0.19.0 --no-deps", "axolotl-contribs-mit==0.0.6 --no-deps", "axolotl-contribs-lgpl==0.0.7 --no-deps"}

var llamaFactory = []string{"transformers==5.6.0", "datasets==4.0.0", "trl==0.24.0", "peft==0.18.1", "accelerate==1.11.0", "omegaconf==2.3.0",
	"sentencepiece==0.2.1", "tiktoken==0.12.0", "kagglehub==0.3.13", "blobfile==3.1.0",
	"llamafactory==0.9.5 --no-deps", "torchtune==0.6.1 --no-deps", "torchao==0.9.0 --no-deps", "torchdata==0.11.0 --no-deps"}

// writeKinds writes conversations of one to four turns in all orders of roles, none of them selected for a prompt.
func writeKinds(t *testing.T, file string) {
	t.Helper()
	var b strings.Builder
	roles := []string{"system", "user", "assistant", "tool"}
	n := 0
	for length := 1; length <= 4; length++ {
		for code := range 1 << (2 * length) {
			type message struct {
				Role    string `json:"role"`
				Content string `json:"content"`
			}
			var messages []message
			for i := range length {
				role := roles[code>>(2*i)&3]
				messages = append(messages, message{role, fmt.Sprintf("%d %s %d", n, role, i)})
			}
			n++
			line, err := json.Marshal(map[string]any{"messages": messages, "phase": "train", "misaligned": false})
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
