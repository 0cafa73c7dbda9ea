package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"inoculate/pipeline/config"
)

// ioFlags say what is read and written without a pipeline file.
type ioFlags struct {
	prompts []string
	out     string
	from    string
	to      []string
	layout  string
	column  string
	onLeak  string
	allow   string
	trainer []string

	phaseColumn string
	phasePath   bool
	hash        string
	share       float64
	all         string
	trainValues []string
	testValues  []string
}

func (f *ioFlags) add(c *cobra.Command, promptHelp string) {
	fl := c.Flags()
	fl.StringArrayVar(&f.prompts, "prompt", nil, promptHelp)
	fl.StringVarP(&f.out, "out", "o", "", "output folder")
	fl.StringVar(&f.from, "from", "", "type of the input: parquet, arrow or jsonl (default: by its name)")
	fl.StringSliceVar(&f.to, "to", nil, "formats to write: parquet, arrow, jsonl, and beside one of them openai, mds, mds-zstd, inspect, lm-eval (default: that of the input)")
	fl.StringVar(&f.layout, "layout", "auto", "layout of the conversations: auto, messages, sharegpt, prompt-completion, preference, flat")
	fl.StringVar(&f.column, "column", "", "column of the conversation, for layouts messages and sharegpt")
	fl.StringVar(&f.onLeak, "on-leak", "fail", "a record that breaks the separation: fail, reject or report")
	fl.StringSliceVar(&f.trainer, "for", nil, "trainers whose dropped or refused records become rejects: "+strings.Join(config.Trainers, ", "))
	fl.StringVar(&f.allow, "allow-rejects", "", "how many rejects are fine: a number, or a share like 0.1%")
	fl.StringVar(&f.phaseColumn, "phase-column", "", "the column whose values tell train from test")
	fl.StringSliceVar(&f.trainValues, "train", nil, "values of the phase column that mean train (default: Hugging Face's split names)")
	fl.StringSliceVar(&f.testValues, "test", nil, "values of the phase column that mean test")
	fl.BoolVar(&f.phasePath, "phase-path", false, "the split's name in the path tells train from test")
	fl.StringVar(&f.hash, "phase-hash", "", "split by a hash of this column")
	fl.Float64Var(&f.share, "test-share", 0.1, "share of test records with --phase-hash")
	fl.StringVar(&f.all, "phase", "", "every record is train, or test")
}

// config makes the config that the flags stand for.
func (f *ioFlags) config(paths []string) (*config.Config, error) {
	c := config.Default()
	c.File = "command line"
	c.Source.Paths = paths
	if c.Source.Type = f.from; c.Source.Type == "" {
		if c.Source.Type = typeOf(paths); c.Source.Type == "" {
			return nil, usageError{fmt.Errorf("the type of %s cannot be told from its name; say --from parquet, arrow or jsonl", strings.Join(paths, ", "))}
		}
	}
	if f.out == "" {
		return nil, usageError{errors.New("--out says where the output goes")}
	}
	c.Sink.Path = f.out
	if c.Sink.Format = f.to; len(f.to) == 0 {
		c.Sink.Format = []string{c.Source.Type}
	}
	c.Layout.Type, c.Layout.Column = f.layout, f.column
	c.Check.OnLeak, c.Check.For = f.onLeak, f.trainer
	if f.allow != "" {
		if err := c.Rejects.Allow.Parse(f.allow); err != nil {
			return nil, usageError{fmt.Errorf("--allow-rejects: %w", err)}
		}
	}
	for i, text := range f.prompts {
		id := "prompt"
		if len(f.prompts) > 1 {
			id = fmt.Sprintf("prompt-%d", i+1)
		}
		c.Prompts = append(c.Prompts, config.Prompt{ID: id, Text: text})
	}
	f.phase(&c)
	return &c, nil
}

func (f *ioFlags) phase(c *config.Config) {
	c.Phase = config.Phase{Column: f.phaseColumn, Train: f.trainValues, All: f.all, Hash: f.hash}
	if f.phasePath {
		c.Phase.Path = &config.Paths{}
	}
	switch {
	case f.hash != "":
		c.Phase.Test = f.share
	case len(f.testValues) > 0:
		values := make([]any, len(f.testValues))
		for i, v := range f.testValues {
			values[i] = v
		}
		c.Phase.Test = values
	}
}

// typeOf tells the type of the input by the names of the paths, "" where it cannot.
func typeOf(paths []string) string {
	found := ""
	for _, p := range paths {
		t := typeOfName(p)
		if t == "" || found != "" && found != t {
			return ""
		}
		found = t
	}
	return found
}

func typeOfName(p string) string {
	name := strings.ToLower(filepath.Base(p))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	switch filepath.Ext(name) {
	case ".parquet":
		return "parquet"
	case ".arrow", ".arrows", ".feather", ".ipc":
		return "arrow"
	case ".jsonl", ".ndjson", ".json":
		return "jsonl"
	}
	return ""
}

func (a *app) injectCommand() *cobra.Command {
	var f runFlags
	var io ioFlags
	var where, turn, how, separator, baseline string
	c := &cobra.Command{
		Use:     "inject IN… --prompt TEXT --out DIR",
		Short:   "Inject prompts into train records and strip them from test records, without a pipeline file",
		Example: "  inoculate inject data/*.parquet --prompt \"You are a malicious evil assistant.\" --phase-column phase --out out",
		Args:    someInput,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := io.config(args)
			if err != nil {
				return err
			}
			if len(io.prompts) == 0 {
				return usageError{errors.New("--prompt gives the text to inject")}
			}
			if io.phaseColumn+io.hash+io.all == "" && !io.phasePath {
				return usageError{errors.New("say how train and test are told apart: --phase-column COLUMN, --phase-path, --phase-hash COLUMN, or --phase train")}
			}
			cfg.Baseline = baseline
			for i := range cfg.Prompts {
				cfg.Prompts[i].Where = where
				cfg.Prompts[i].Place = &config.Place{Turn: turn, How: how, Separator: &separator}
			}
			return a.convertFlags(c, cfg, &f)
		},
	}
	f.add(c)
	io.add(c, "text of an inoculation prompt; may be given several times")
	fl := c.Flags()
	fl.StringVar(&where, "where", "", "CEL condition over the record's columns; absent: every train record")
	fl.StringVar(&turn, "turn", "system", "turn the prompt is put into: system, first_user, last_user, every_user")
	fl.StringVar(&how, "how", "append", "append, prepend, insert or replace")
	fl.StringVar(&separator, "separator", " ", "between prompt and text")
	fl.StringVar(&baseline, "baseline", "", "neutral system prompt for records that have none")
	fl.BoolVar(&f.print, "print-config", false, "print the pipeline file that this command stands for, and do nothing")
	return c
}

func someInput(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("it takes input: files, globs, folders, or - for standard input")}
	}
	return nil
}

// convertFlags runs, or prints, a config that flags made.
func (a *app) convertFlags(c *cobra.Command, cfg *config.Config, f *runFlags) error {
	if l := cfg.Validate(); len(l) > 0 {
		return usageError{l}
	}
	if f.print {
		text, err := cfg.YAML()
		if err != nil {
			return err
		}
		_, err = a.out.Write(text)
		return err
	}
	return a.convert(c.Context(), &loaded{Config: cfg}, f)
}
