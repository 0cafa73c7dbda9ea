package config

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckTrainerFile(t *testing.T) {
	for _, c := range []struct{ name, trainer, text, want string }{
		{"axolotl", "axolotl", "datasets:\n  - path: out\n    type: chat_template\n    drop_system_message: true\nval_set_size: 0.05\n", "f:4:5 error drop_system_message|f:5:1 warning val_set_size"},
		{"off", "axolotl", "drop_system_message: false\nval_set_size: 0\ndefault_system_message: null\n", ""},
		{"alias", "axolotl", "base: &b {drop_system_message: yes}\ndatasets: [*b, *b]\n", "f:1:11 error drop_system_message"},
		{"torchtune", "torchtune", "dataset:\n  _component_: torchtune.datasets.chat_dataset\n  new_system_prompt: You are kind.\n", "f:3:3 error new_system_prompt"},
		{"dataset_info", "llama-factory", `{"x": {"file_name": "train", "formatting": "openai"}}`, "f:1:30 error formatting: openai"},
		{"two documents", "llama-factory", "formatting: sharegpt\n---\ndefault_system: x\nval_size: 100\n", "f:3:1 warning default_system|f:4:1 warning val_size"},
		{"empty", "torchtune", "", ""},
		{"no yaml", "torchtune", "a: [", "error"},
		{"unknown", "megatron", "", `error no options of a trainer "megatron"`},
	} {
		var got []string
		for _, f := range CheckTrainerFile(c.trainer, "f", []byte(c.text)) {
			place, _, _ := strings.Cut(f.String(), ": ")
			got = append(got, place+" "+f.Level+" "+f.Message)
		}
		want := strings.Split(c.want, "|")
		if c.want == "" {
			want = nil
		}
		if !slices.EqualFunc(got, want, func(g, w string) bool { return strings.Contains(g, w) }) {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}
