package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/pool"
	"inoculate/sinks/dataset"
)

func (a *app) stripCommand() *cobra.Command {
	var f runFlags
	var io ioFlags
	c := &cobra.Command{
		Use:   "strip IN… --out DIR",
		Short: "Take prompts out again: undo a folder that inoculate wrote, or cut --prompt texts out of other files",
		Long: `Take prompts out again.

IN is a folder that inoculate wrote: every train record is put back to what it was, from the provenance.
IN are other files: each text of --prompt is cut where a placement would have put it; one that stands
anywhere else is a leak.`,
		Example: "  inoculate strip out --out back\n  inoculate strip inoculated.jsonl --prompt \"You are a malicious evil assistant.\" --out back",
		Args:    someInput,
		RunE: func(c *cobra.Command, args []string) error {
			sealed := len(args) == 1 && isSealed(args[0])
			if sealed {
				return a.restore(c, args[0], &io, &f)
			}
			if len(io.prompts) == 0 {
				return usageError{fmt.Errorf("%s is no folder that inoculate sealed; for other files --prompt says what to cut", args[0])}
			}
			if io.phaseColumn+io.hash+io.all == "" && !io.phasePath {
				io.all = "test"
			}
			cfg, err := io.config(args)
			if err != nil {
				return err
			}
			cfg.Mode = config.ModeStrip
			return a.convertFlags(c, cfg, &f)
		},
	}
	f.add(c)
	io.add(c, "text to cut, where IN is not a folder that inoculate wrote; may be given several times")
	return c
}

func isSealed(path string) bool {
	_, err := os.Stat(filepath.Join(path, dataset.ManifestName))
	return err == nil
}

// restore puts the records of a sealed folder back to what they were.
func (a *app) restore(c *cobra.Command, folder string, io *ioFlags, f *runFlags) error {
	if io.out == "" {
		return usageError{errors.New("--out says where the output goes")}
	}
	if len(io.prompts) > 0 {
		return usageError{errors.New("--prompt is for files that inoculate did not write; a sealed folder knows its prompts")}
	}
	sealed, err := catalog.OpenSealed(folder)
	if err != nil {
		return err
	}
	cfg := sealed.StripConfig(io.out, io.to)
	cfg.Check.OnLeak = io.onLeak
	if len(cfg.Source.Paths) == 0 {
		return &pipeline.InputError{Source: folder, Position: -1, Err: errors.New("the folder holds no train and no test record")}
	}
	if l := cfg.Validate(); len(l) > 0 {
		return usageError{l}
	}
	return a.convertSealed(c.Context(), sealed, &loaded{Config: cfg}, f)
}

// convertSealed is convert for the files of a sealed folder.
func (a *app) convertSealed(parent context.Context, sealed *catalog.Sealed, cfg *loaded, f *runFlags) error {
	return a.convertWith(parent, cfg, f, func(ctx context.Context) (*catalog.Pipeline, error) {
		return sealed.AssembleStrip(ctx, cfg.Config, pool.New(poolBytes))
	})
}
