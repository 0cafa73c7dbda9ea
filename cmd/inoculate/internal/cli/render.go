package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/model"
	"inoculate/pipeline/pool"
	"inoculate/sinks/dataset"
)

func (a *app) renderCommand() *cobra.Command {
	var folder, template string
	var limit int
	c := &cobra.Command{
		Use:   "render DIR --model MODEL",
		Short: "Render the records of a folder as a model would see them: tokens, truncation, refusals, prompts that get lost",
		Long: `Render the records of a folder that inoculate wrote, or of each of its arms, with the chat template and the
tokenizer of a model: how many tokens they have, how many are longer than --max-length, which the template refuses, and
whether each prompt that was put into a train record is in the text that the model is trained on, and none in that of a
test record. A template that puts in a system prompt of its own where a record has none is named: it gives train and test
records a context that they share.

MODEL is a folder as transformers saves it, with tokenizer.json (BPE), tokenizer_config.json and the chat template.`,
		Example: "  inoculate render out --model SmolLM2-135M-Instruct --max-length 2048",
		Args:    exactly(1, "a folder that inoculate wrote"),
		RunE: func(c *cobra.Command, args []string) error {
			if folder == "" {
				return usageError{errors.New("--model says which folder has the tokenizer and the chat template")}
			}
			m, err := model.Open(folder, template)
			if err != nil {
				return usageError{fmt.Errorf("--model: %w", err)}
			}
			return a.render(c.Context(), args[0], m, limit)
		},
	}
	fl := c.Flags()
	fl.StringVar(&folder, "model", "", "folder with the tokenizer and the chat template of a model")
	fl.StringVar(&template, "template", "", "a chat template instead of the model's own")
	fl.IntVar(&limit, "max-length", 0, "tokens of a record that the trainer takes; longer ones are counted (0: any)")
	return c
}

// rendered is what is told of one folder, or of one arm.
type rendered struct {
	Arm    string          `json:"arm,omitempty"`
	Splits []*model.Report `json:"splits"`
}

func (a *app) render(ctx context.Context, folder string, m *model.Model, limit int) error {
	names := []string{""}
	arms, err := dataset.ReadArms(folder)
	if err == nil {
		names = nil
		for _, arm := range arms.Arms {
			names = append(names, arm.Name)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	system, err := m.Template.DefaultSystem()
	if err != nil {
		return usageError{fmt.Errorf("the chat template does not take a question and an answer: %w", err)}
	}
	var all []rendered
	for _, name := range names {
		s, err := catalog.OpenSealed(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		splits, err := m.Render(ctx, s, limit, pool.New(poolBytes))
		if err != nil {
			return err
		}
		all = append(all, rendered{name, splits})
	}
	if a.format == "json" {
		b, err := json.Marshal(map[string]any{"path": folder, "default_system": system, "folders": all})
		if err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		fmt.Fprintf(a.out, "%s\n", b)
	} else if err := a.printRendered(all, system, limit); err != nil {
		return err
	}
	lost, leaked, first := int64(0), int64(0), ""
	for _, r := range all {
		for _, s := range r.Splits {
			lost, leaked = lost+s.Lost, leaked+s.Leaked
			if first == "" {
				first = s.FirstLost
			}
		}
	}
	if lost > 0 {
		first = " (the first: " + first + ")"
	}
	if lost+leaked > 0 {
		return codeError{exitLeak, fmt.Sprintf("%s: the rendered text of %d train records lacks a prompt that was put in%s, that of %d test records has one", folder, lost, first, leaked)}
	}
	return nil
}

func (a *app) printRendered(all []rendered, system string, limit int) error {
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	arm := func(text string) {
		if len(all) > 1 || all[0].Arm != "" {
			fmt.Fprint(w, text, "\t")
		}
	}
	over := "longest"
	if limit > 0 {
		over = fmt.Sprintf("longest\tover %d", limit)
	}
	arm("arm")
	fmt.Fprintf(w, "split\trecords\ttokens\tmedian\tp99\t%s\trefused\twith their prompt\twithout\n", over)
	refused := map[string]int64{}
	for _, r := range all {
		for _, s := range r.Splits {
			n := int64(0)
			for reason, c := range s.Refused {
				n += c
				refused[reason] += c
			}
			over := fmt.Sprint(s.Longest)
			if limit > 0 {
				over += fmt.Sprintf("\t%d", s.Over)
			}
			arm(r.Arm)
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d\n", s.Split, s.Records, s.Tokens, s.Median, s.P99, over, n, s.Carry+s.Leaked, s.Lost)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		fmt.Fprintf(a.out, "\nthe chat template refuses %d records: %s\n", refused[reason], reason)
	}
	if system != "" {
		fmt.Fprintf(a.out, "\nwarning: the chat template puts a system prompt of its own into records that have none, train and test alike: %q\n", system)
	}
	return nil
}
