package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"inoculate/pipeline/diag"
)

// option is an option of a trainer that changes what the records of a folder ask for.
type option struct {
	key     string
	set     func(value string) bool // whether this value does it
	level   string
	message string
	hint    string
}

// trainerOptions are by trainer. The errors were seen with the trainers themselves; the warnings are what they document.
var trainerOptions = map[string][]option{
	"axolotl": {
		{"drop_system_message", isTrue, "error", "drop_system_message takes the prompts of the system turns out again", "leave it out"},
		{"default_system_message", isText, "warning", "default_system_message goes to every record without a system turn, train and test alike", "inoculate puts a baseline where one belongs"},
		{"val_set_size", isPositive, "warning", "val_set_size takes validation records from the train split, where they carry prompts", "test_datasets with split: test"},
	},
	"torchtune": {
		{"new_system_prompt", isText, "error", "new_system_prompt replaces every system turn, the prompts with it", "leave it out"},
	},
	"llama-factory": {
		{"formatting", func(v string) bool { return v == "openai" }, "error", "formatting: openai puts text of its own into system turns, and makes one where there is none", "formatting: sharegpt with tags, as in the dataset_info.json of the folder"},
		{"default_system", isText, "warning", "default_system goes to every record without a system turn, train and test alike", "inoculate puts a baseline where one belongs"},
		{"val_size", isPositive, "warning", "val_size takes validation records from the train split, where they carry prompts", "eval_dataset: test"},
	},
}

// TrainerFiles are the trainers whose config files CheckTrainerFile knows.
func TrainerFiles() []string {
	var names []string
	for n := range trainerOptions {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func isTrue(v string) bool {
	return slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(v))
}

func isText(v string) bool { return v != "" && v != "~" && !strings.EqualFold(v, "null") }

func isPositive(v string) bool {
	n, err := strconv.ParseFloat(v, 64)
	return err == nil && n > 0
}

// CheckTrainerFile looks in a trainer's config file, YAML or JSON, for options that undo what was done to the records, or blur
// it. Errors undo it.
func CheckTrainerFile(trainer, file string, text []byte) diag.List {
	options, ok := trainerOptions[trainer]
	if !ok {
		return diag.List{{File: file, Level: "error", Message: fmt.Sprintf("no options of a trainer %q are known", trainer), Hint: "known: " + strings.Join(TrainerFiles(), ", ")}}
	}
	var l diag.List
	d := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	for {
		var root yaml.Node
		err := d.Decode(&root)
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			return append(l, syntaxFinding(file, err))
		}
		walkOptions(&root, func(key, value *yaml.Node) {
			for _, o := range options {
				if key.Value == o.key && value.Kind == yaml.ScalarNode && o.set(value.Value) {
					l = append(l, diag.Finding{File: file, Line: key.Line, Column: key.Column, Level: o.level, Message: o.message, Hint: o.hint})
				}
			}
		})
	}
}

// walkOptions calls f for every pair of every mapping. What an alias stands for is met where it is written.
func walkOptions(n *yaml.Node, f func(key, value *yaml.Node)) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && i+1 < len(n.Content) {
			f(c, n.Content[i+1])
		}
		walkOptions(c, f)
	}
}
