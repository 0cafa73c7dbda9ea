package model

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inoculate/pipeline/pipelinetest/require"
)

// unread are templates that cannot be parsed, and are refused; unlike are those that show something else. They are for images,
// and take a list of parts where these conversations have text.
var (
	unread = []string{"gemma3", "gemma3_training", "gptoss", "gptoss_training", "lfm2", "lfm2_2_5", "lfm2_2_5_v2", "lfm2_2_5_vl", "lfm2_training", "lfm2_v2", "lfm2_v2_training",
		"muse_glimmer", "muse_glimmer_training", "qwen3_8", "qwen3_8_training"}
	unlike = []string{"llava_next", "llava_next_training"}
)

// TestInteropModels compares with Hugging Face's own tokenizers and transformers: the same tokens, the same text or an error.
func TestInteropModels(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs transformers")
	}
	require.All(t, "interop")
	python := require.PythonTorch(t, "trl==1.16.0", "transformers==5.24.0", "datasets==5.2.0", "accelerate==1.15.0")
	dir := t.TempDir()
	if out, err := exec.Command(python, filepath.Join(require.Root(t), "testdata", "interop", "models.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("models.py: %v\n%s", err, out)
	}
	for _, file := range glob(t, filepath.Join(dir, "tokenizers", "*.json")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			tok, err := ReadTokenizer(file)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, line := range lines[struct {
				Text string
				IDs  []int
			}](t, strings.TrimSuffix(file, "json")+"texts") {
				got, err := tok.Encode(line.Text)
				if bad++; err != nil || !slices.Equal(got, line.IDs) {
					if bad < 10 {
						t.Errorf("%q: %v, want %v (%v)", line.Text, got, line.IDs, err)
					}
					continue
				}
				bad--
			}
		})
	}
	same, failed := 0, []string{}
	for _, file := range glob(t, filepath.Join(dir, "templates", "*.jinja")) {
		name := strings.TrimSuffix(filepath.Base(file), ".jinja")
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tpl, err := NewTemplate(string(source), map[string]string{"bos_token": "<s>", "eos_token": "</s>"})
		if err != nil {
			failed = append(failed, name)
			continue
		}
		if slices.Contains(unlike, name) {
			continue
		}
		same++
		for _, line := range lines[struct {
			Messages []any
			Text     *string
		}](t, strings.TrimSuffix(file, "jinja")+"texts") {
			got, err := tpl.Render(line.Messages)
			if err == nil && (line.Text == nil || got != *line.Text) {
				t.Errorf("%s: %v is rendered %q", name, line.Messages, got)
			}
		}
	}
	if !slices.Equal(failed, unread) {
		t.Errorf("templates that cannot be parsed: %q, want %q", failed, unread)
	}
	t.Logf("%d templates give the same text, or an error; %d are refused", same, len(failed))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	return names
}

func lines[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
