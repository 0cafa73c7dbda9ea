// Package cli parses arguments, shows progress, prints results and chooses the exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Version is the program's version; the linker may set it.
var Version = "0.1.0"

// app is what all commands share.
type app struct {
	in          io.Reader
	out, errOut io.Writer
	format      string
	verbose     bool
	quiet       bool
	logger      *slog.Logger
	level       slog.LevelVar
}

// Main runs the command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	results := &results{Writer: out}
	a := &app{in: in, out: results, errOut: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(context.Background())
	return a.finish(errors.Join(err, results.err))
}

// results is where results go. It keeps the first failure, so that a full disk is not taken for success.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("printing results: %w", err)
	}
	return n, err
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "inoculate",
		Short: "Inoculation prompting for fine-tuning data: inject prompts into train records, strip them from test records, prove the separation",
		Long: `inoculate puts inoculation prompts into train records, takes them out of test records,
and proves that none is left where a model will be tested or deployed.

Exit codes: 0 done and clean, 1 failed, 2 usage or config, 3 not complete, 4 leak found.`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.setUp() },
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", near[0])
			}
			return usageError{fmt.Errorf("unknown command %q%s", args[0], hint)}
		},
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
		SuggestionsMinimumDistance: 2,
	}
	f := root.PersistentFlags()
	f.StringVar(&a.format, "format", "text", "how results are printed: text or json (check and audit: github too)")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "log what is being done")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(a.runCommand(), a.injectCommand(), a.stripCommand(), a.probeCommand(), a.renderCommand(), a.previewCommand(), a.checkCommand(), a.verifyCommand(), a.auditCommand(), a.lagCommand(), a.compactCommand(), a.schemaCommand(), a.versionCommand())
	return root
}

func (a *app) setUp() error {
	switch a.format {
	case "text", "json", "github":
	default:
		return usageError{fmt.Errorf("--format is text or json, not %q", a.format)}
	}
	if a.level.Set(slog.LevelWarn); a.verbose {
		a.level.Set(slog.LevelDebug)
	}
	opts := &slog.HandlerOptions{Level: &a.level}
	var h slog.Handler = slog.NewTextHandler(a.errOut, opts)
	if a.format == "json" {
		h = slog.NewJSONHandler(a.errOut, opts)
	}
	a.logger = slog.New(h)
	return nil
}

// signals returns a context that ends with the second signal, or drain after the first, and one that ends with the first.
func (a *app) signals(parent context.Context, drain time.Duration) (hard, soft context.Context, stop func()) {
	hard, cancelHard := context.WithCancelCause(parent)
	soft, cancelSoft := context.WithCancel(hard)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case s := <-ch:
			fmt.Fprintf(a.errOut, "%s: finishing the segments in flight, at most %s; once more to stop at once\n", s, drain)
			cancelSoft()
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-done:
		case <-ch:
			cancelHard(errStopped)
		case <-timer.C:
			cancelHard(errStopped)
		}
	}()
	return hard, soft, func() {
		if soft.Err() == nil { // else the program is about to end: one more signal must not take its exit code away
			signal.Stop(ch)
		}
		close(done)
		cancelSoft()
		cancelHard(nil)
	}
}

// terminal says whether a stream is one.
func terminal(w any) bool {
	if r, ok := w.(*results); ok {
		w = r.Writer
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
