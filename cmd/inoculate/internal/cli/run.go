package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/monitor"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/engine"
	"inoculate/pipeline/pool"
	"inoculate/schemas/jsonrow"
	"inoculate/sinks/dataset"
)

// runFlags are the flags of the commands that write a dataset.
type runFlags struct {
	workers int
	drain   time.Duration
	memory  string
	print   bool
	listen  string // streams: where metrics are served
	pprof   bool
	shard   string // I/N, over that of the file
}

func (f *runFlags) add(c *cobra.Command) {
	c.Flags().IntVar(&f.workers, "workers", runtime.NumCPU(), "partitions worked on at once; the output does not depend on it")
	c.Flags().DurationVar(&f.drain, "drain", 30*time.Second, "after a signal, how long segments in flight may take to finish")
	c.Flags().StringVar(&f.memory, "memory", "", "soft limit of the garbage-collected heap (default: by formats and workers, 88 to 160 MiB for two)")
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a pipeline file",
		Long: `Run a pipeline file: read the corpus, inject and strip, check, write the dataset, seal it.
A run that was stopped or killed goes on where it was when the same command is given again.
A run without an end (source: kafka, stop: never) commits and seals as it goes; a signal ends it with what it has.
Records go to files, to topics (sink: {kafka: …}), or both; it says whether topics get them exactly once or at least once.`,
		Example: "  inoculate run pipeline.yaml --workers 4\n  inoculate run stream.yaml --listen :9400 --shard 0/3\n  inoculate run to-topics.yaml    # sink: {path: out, kafka: {topics: {train: ready, test: ready-eval}}}",
		Args:    exactly(1, "a pipeline file"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			if len(cfg.Arms) > 0 {
				return a.runArms(c.Context(), cfg, &f)
			}
			return a.convert(c.Context(), cfg, &f)
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.listen, "listen", "", "serve /metrics, /healthz and /readyz here (\":9400\")")
	c.Flags().BoolVar(&f.pprof, "pprof", false, "serve /debug/pprof/ there too")
	c.Flags().StringVar(&f.shard, "shard", "", "the share of this process, I/N; others take the rest (I from 0)")
	return c
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("it takes %s, got %d arguments", what, len(args))}
		}
		return nil
	}
}

// loadConfig reads a pipeline file; its mistakes come with the text they are in.
func loadConfig(file string) (*loaded, error) {
	cfg, text, l := config.Load(file)
	if len(l) > 0 {
		return nil, sourceError{l, text}
	}
	return &loaded{cfg, text}, nil
}

// loaded is a config and the text it came from, which is nil when flags made it.
type loaded struct {
	*config.Config
	text []byte
}

// convert runs a pipeline to its end and seals the folder.
func (a *app) convert(parent context.Context, cfg *loaded, f *runFlags) error {
	return a.convertWith(parent, cfg, f, func(ctx context.Context) (*catalog.Pipeline, error) { return a.assemble(ctx, cfg) })
}

func (a *app) convertWith(parent context.Context, cfg *loaded, f *runFlags, assemble func(context.Context) (*catalog.Pipeline, error)) error {
	done, err := a.execute(parent, cfg, f, assemble)
	if err != nil || done == nil {
		return err
	}
	return a.summary(cfg.Config, done.pipeline, done.manifest, done.stats, done.took)
}

// executed is a run that was brought to its end and sealed.
type executed struct {
	pipeline *catalog.Pipeline
	manifest *dataset.Manifest
	stats    *engine.Stats
	took     time.Duration
}

// execute runs a pipeline to its end and seals the folder; nil where that is for others to do.
func (a *app) execute(parent context.Context, cfg *loaded, f *runFlags, assemble func(context.Context) (*catalog.Pipeline, error)) (*executed, error) {
	floor := heapFloor(cfg.Config, f.workers)
	if f.memory != "" {
		size, err := config.ParseSize(f.memory)
		if err != nil {
			return nil, usageError{fmt.Errorf("--memory: %w", err)}
		}
		floor = int64(size)
	}
	if f.workers < 1 {
		return nil, usageError{errors.New("--workers is at least 1")}
	}
	if f.shard != "" {
		if err := cfg.Source.Assign.SetShard(f.shard); err != nil {
			return nil, usageError{fmt.Errorf("--shard: %w", err)}
		}
	}
	if cfg.Streams() && !a.verbose && !a.quiet { // people come and look what happened
		a.level.Set(slog.LevelInfo)
	}
	defer pace(floor)()
	ctx, drain, stop := a.signals(parent, f.drain)
	defer stop()
	started := time.Now()
	p, log, err := begin(ctx, drain, assemble)
	if errors.Is(err, errNotBegun) && cfg.Streams() {
		a.logger.Info("stopped before anything was read", "folder", cfg.Sink.Path)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if p.Outlet != nil && !a.quiet {
		fmt.Fprintf(a.errOut, "%s\n", p.Outlet)
	}
	compare, enough := context.WithCancel(ctx)
	defer enough()
	if cfg.Streams() { // half of the time goes into what a later seal can do as well
		defer context.AfterFunc(drain, func() { time.AfterFunc(f.drain/2, enough) })()
	}
	stats, sealing := &engine.Stats{}, newSealing(a, p, log)
	err = a.process(ctx, drain, p, log, sealing, f, stats)
	if cfg.Streams() && errors.Is(err, engine.ErrDrained) {
		err = nil // that is how it ends
	}
	if err = errors.Join(err, p.Close()); err != nil {
		return nil, err
	}
	m, err := sealing.last(ctx, compare)
	if open, ok := errors.AsType[*commitlog.IncompleteError](err); ok && a.shareDone(p, open) {
		fmt.Fprintf(a.out, "this share is done; %s of others are not, and whoever is done last seals %s\n", counted(len(open.Open), "partition"), cfg.Sink.Path)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &executed{p, m, stats, time.Since(started)}, nil
}

// errNotBegun is that a run was to end before it had anything in flight.
var errNotBegun = fmt.Errorf("nothing was read: %w", errStopped)

// begin makes the pipeline and its commit log, and gives up when drain is done: input may be waited for long.
func begin(ctx, drain context.Context, assemble func(context.Context) (*catalog.Pipeline, error)) (*catalog.Pipeline, *commitlog.Log, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	begun := context.AfterFunc(drain, func() { cancel(errNotBegun) }) // what is made keeps ctx, maybe, so nothing else ends it
	p, err := assemble(ctx)
	if err != nil {
		return nil, nil, cause(ctx, err)
	}
	log, err := p.Start(ctx, Version)
	if err == nil && !begun() {
		err = errNotBegun
	}
	if err != nil {
		return nil, nil, errors.Join(cause(ctx, err), p.Close())
	}
	return p, log, nil
}

// cause is why a context ended, where that is all that an error says.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))) {
		return context.Cause(ctx)
	}
	return err
}

// shareDone tells whether what is open is for other processes to do.
func (a *app) shareDone(p *catalog.Pipeline, open *commitlog.IncompleteError) bool {
	owns := p.Owns()
	return owns != nil && !slices.ContainsFunc(open.Open, func(o commitlog.Progress) bool { return owns(o.Partition) })
}

// takeover is how long a partition that another process has taken has to stand still; 0 for the engine's own. Tests set it.
var takeover time.Duration

// poolBytes is how much freed batch memory is kept for the next batches.
const poolBytes = 64 << 20

// withPipeline makes the pipeline of a file for f, and closes it.
func (a *app) withPipeline(ctx context.Context, file string, f func(p *catalog.Pipeline, text []byte) error) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	p, err := a.assemble(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(f(p, cfg.text), p.Close())
}

// assemble makes the pipeline; mistakes in a config file come with its text.
func (a *app) assemble(ctx context.Context, cfg *loaded) (*catalog.Pipeline, error) {
	p, err := catalog.Assemble(ctx, cfg.Config, pool.New(poolBytes), a.logger)
	return p, withText(err, cfg.text)
}

func (a *app) process(ctx, drain context.Context, p *catalog.Pipeline, log *commitlog.Log, sealing *sealing, f *runFlags, stats *engine.Stats) (err error) {
	c := p.Config
	job := &engine.Job{
		Source: p.Source, Log: log, Layout: p.Layout, Transforms: p.Transforms, Outputs: p.Outputs(log), JSONSource: p.JSONSource,
		Prior: p.Prior, Mem: p.Mem, Logger: a.logger, Workers: f.workers, SegmentBytes: c.Sink.SegmentBytes(), SegmentRows: int64(c.Sink.SegmentRows), MaxRejects: -1,
		Owns: p.Owns(), Takeover: takeover, Every: time.Duration(c.Sink.Every), SealEvery: time.Duration(c.Sink.SealEvery),
	}
	if p.Outlet != nil {
		job.Outlet = p.Outlet
	}
	if allow := c.Rejects.Allow; !allow.Unset && allow.Share == 0 {
		job.MaxRejects = allow.Count
	}
	enc, err := jsonrow.NewEncoder(p.Source.Schema())
	if err != nil {
		return err
	}
	job.Encode = enc.Append
	job.Seal = sealing.now
	if c.Streams() {
		job.Fold = sealing.fold
	}
	if c.Sink.Compact > 0 {
		job.Merge = sealing.merge
	}
	if f.listen != "" {
		shut, err := a.observe(job, stats, f)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, shut()) }()
	}
	progress := a.progress(log, stats)
	err = job.Run(ctx, drain, stats)
	progress.stop()
	return errors.Join(err, sealing.comparing.stop())
}

// observe serves what the job does over HTTP.
func (a *app) observe(job *engine.Job, stats *engine.Stats, f *runFlags) (end func() error, err error) {
	m := monitor.New(stats, job.Source, Version)
	m.Deliveries(job.Outlet)
	at, shut, err := m.Serve(f.listen, f.pprof)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	a.logger.Info("listening", "address", at)
	job.Committed, job.Event = m.Committed, m.Event
	seal := job.Seal
	job.Seal = func(ctx context.Context) error {
		began := time.Now()
		err := seal(ctx)
		m.Sealed(time.Since(began), err)
		return err
	}
	m.Ready(true)
	return func() error {
		m.Ready(false)
		return shut()
	}, nil
}
