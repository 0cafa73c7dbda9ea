// Package catalog is the one table from the type names in a config to constructors, and puts a run together with them.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/engine"
	"inoculate/pipeline/overlap"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/sinks/dataset"
	"inoculate/sinks/eval"
	"inoculate/sinks/finetune"
	kafkasink "inoculate/sinks/kafka"
	"inoculate/sinks/provenance"
	"inoculate/sinks/reject"
	arrowsource "inoculate/sources/arrow"
	"inoculate/sources/jsonl"
	"inoculate/sources/parquet"
	"inoculate/transforms/check"
	"inoculate/transforms/inject"
	"inoculate/transforms/phase"
	"inoculate/transforms/scan"
	"inoculate/transforms/scan/tiers"
	"inoculate/transforms/strip"
	"inoculate/transforms/trainers"
	"inoculate/transforms/where"
)

// A Pipeline is a config with everything that it names made and checked against the input.
type Pipeline struct {
	Config     *config.Config
	Source     pipeline.Source
	JSONSource bool
	Layout     *schemas.Layout
	Prompts    []place.Prompt
	Variants   []config.Variant
	Transforms []pipeline.Transform
	Prior      func() (engine.Prior, error)
	Mem        memory.Allocator

	Outlet *kafkasink.Sink // topics that rows, or rejects, go to; nil: none

	earlier *commitlog.Run // the run that the output folder has, where a stream goes on with it
}

// source makes the source that a type name stands for;
// written is the schema of records that a run has written, where that is known.
func source(ctx context.Context, c *config.Config, written *arrow.Schema, mem memory.Allocator, logger *slog.Logger) (src pipeline.Source, json bool, err error) {
	s := &c.Source
	switch s.Type {
	case "parquet":
		src, err = parquet.New(ctx, parquet.Config{Paths: s.Paths, BatchBytes: int64(s.Batch), PartitionBytes: int64(s.Partition), Mem: mem})
	case "arrow":
		src, err = arrowsource.New(ctx, arrowsource.Config{Paths: s.Paths, BatchBytes: int64(s.Batch), PartitionBytes: int64(s.Partition), Mem: mem})
	case "jsonl":
		json = true
		batch := int64(s.Batch)
		if batch == 0 && slices.Equal(c.Sink.Format, []string{"jsonl"}) {
			batch = jsonl.LinesBatchBytes
		}
		src, err = jsonl.New(ctx, jsonl.Config{Paths: s.Paths, BatchBytes: batch, PartitionBytes: int64(s.Partition), MaxRecord: int64(s.MaxRecord), Sample: s.Sample, Schema: written, Mem: mem})
	case "kafka":
		return kafkaSource(ctx, c, written, mem, logger)
	default:
		err = fmt.Errorf("no source of type %q", s.Type)
	}
	return src, json, err
}

// OpenSource makes a source of a type, with its defaults. Pages of Parquet may hold so many times their size, 0 for anything.
func OpenSource(ctx context.Context, typ string, paths []string, expansion int64, mem memory.Allocator) (pipeline.Source, error) {
	if typ == "parquet" {
		return parquet.New(ctx, parquet.Config{Paths: paths, Expansion: expansion, Mem: mem})
	}
	src, _, err := source(ctx, &config.Config{Source: config.Source{Type: typ, Paths: paths}}, nil, mem, slog.New(slog.DiscardHandler))
	return src, err
}

// Assemble makes a pipeline. What is wrong with the config is a diag.List, what is wrong with the input a
// *pipeline.InputError. The logger hears of what the source meets while it reads.
func Assemble(ctx context.Context, c *config.Config, mem memory.Allocator, logger *slog.Logger) (*Pipeline, error) {
	return assemble(ctx, c, reading{}, mem, logger)
}

// AssemblePreference is Assemble over lines in OpenAI's preference form, with what is in their input as columns.
func AssemblePreference(ctx context.Context, c *config.Config, mem memory.Allocator, logger *slog.Logger) (*Pipeline, error) {
	return assemble(ctx, c, reading{written: finetune.PreferenceSchema(), lift: "input"}, mem, logger)
}

// reading is what is known of the input beside the config.
type reading struct {
	written *arrow.Schema // with which it was written; nil: it says so itself
	lift    string        // the column whose members become columns
}

func assemble(ctx context.Context, c *config.Config, in reading, mem memory.Allocator, logger *slog.Logger) (*Pipeline, error) {
	p := &Pipeline{Config: c, Mem: mem}
	var l diag.List
	if p.Variants, l = c.LoadVariants(); l.Err() != nil {
		return nil, l
	}
	for _, f := range l {
		logger.Warn(f.Message, "file", f.File, "line", f.Line)
	}
	var err error
	if c.Source.Type == "kafka" {
		if p.earlier, err = earlier(ctx, c); err != nil {
			return nil, err
		}
		if p.earlier != nil {
			if in.written, err = dataset.DecodeSchema(p.earlier.ArrowSchema); err != nil {
				return nil, err
			}
		}
	}
	if p.Source, p.JSONSource, err = source(ctx, c, in.written, mem, logger); err != nil {
		return nil, err
	}
	if in.lift != "" {
		src, err := lift(p.Source, in.lift)
		if err != nil {
			return nil, errors.Join(err, p.Source.Close())
		}
		p.Source = src
	}
	if err := p.bind(); err != nil {
		return nil, errors.Join(err, p.Source.Close())
	}
	if c.Sink.Kafka != nil {
		if p.Outlet, err = kafkaSink(ctx, c, p.Source.Schema(), logger); err != nil {
			return nil, errors.Join(err, p.Source.Close())
		}
	}
	return p, nil
}

// Close ends what the pipeline holds open.
func (p *Pipeline) Close() error {
	err := p.Source.Close()
	if p.Outlet != nil {
		err = errors.Join(err, p.Outlet.Close())
	}
	return err
}

// bind finds the layout and makes the transforms, each checked against the schema.
func (p *Pipeline) bind() (err error) {
	c, schema := p.Config, p.Source.Schema()
	if err := schemas.CheckCopyable(schema); err != nil {
		return diag.List{c.At("source", err.Error(), "")}
	}
	if p.Layout, err = schemas.Find(schema, c.Layout.Spec); err != nil {
		f := c.At("layout", err.Error(), "")
		if le, ok := errors.AsType[*schemas.LayoutError](err); ok {
			f.Message, f.Hint = le.Msg, le.Hint
		}
		return diag.List{f}
	}
	var l diag.List
	texts, ids, wheres := []string{}, []string{}, []string{}
	for i := range c.Prompts {
		q := &c.Prompts[i]
		p.Prompts = append(p.Prompts, place.Prompt{ID: q.ID, Behavior: q.Behavior, Text: q.Text, Place: q.Placement()})
		texts, ids, wheres = append(texts, q.Text), append(ids, q.ID), append(wheres, q.Where)
		if err := q.Placement().Check(p.Layout); err != nil && c.Mode == "" {
			l = append(l, c.At(fmt.Sprintf("prompts[%d].place", i), err.Error(), ""))
		}
		if q.Where == "" {
			continue
		}
		if _, err := where.Compile(q.Where, schema); err != nil {
			l = append(l, c.At(fmt.Sprintf("prompts[%d].where", i), err.Error(), ""))
		}
	}
	for _, v := range p.Variants {
		texts, ids = append(texts, v.Text), append(ids, v.ID)
	}
	ph, err := phaseOf(c)
	if err != nil {
		l = append(l, c.At("phase", err.Error(), ""))
	} else if _, err := ph.Bind(schema); err != nil {
		l = append(l, c.At("phase", err.Error(), ""))
	}
	if slices.Contains(c.Sink.Format, finetune.OpenAI) {
		if err := finetune.CheckOpenAI(p.Layout, schema); err != nil {
			l = append(l, c.At("sink.format", err.Error(), ""))
		}
	}
	for _, format := range c.Sink.Format {
		if err := eval.CheckFormat(format, p.Layout, schema); err != nil {
			l = append(l, c.At("sink.format", err.Error(), ""))
		}
	}
	if name, id := promptInSchema(schema, texts, ids); name != "" {
		l = append(l, c.At("source", fmt.Sprintf("the schema holds the prompt %s: %q; every file that is written would hold it too", id, name), "rename the column, or take the metadata away, before"))
	}
	if len(l) > 0 {
		return l
	}
	tier, err := Tier(c.Check.Tier)
	if err != nil {
		return err
	}
	p.Transforms = []pipeline.Transform{ph, &scan.Scan{Texts: texts, Layout: p.Layout}}
	if c.Mode == "" {
		p.Transforms = append(p.Transforms, &inject.Inject{Layout: p.Layout, Prompts: p.Prompts, Where: wheres, Baseline: c.Baseline})
	}
	p.Transforms = append(p.Transforms,
		&strip.Strip{Layout: p.Layout, Prompts: p.Prompts, Baseline: c.Baseline},
		&trainers.Check{Layout: p.Layout, For: c.Check.For},
		&check.Check{Layout: p.Layout, Prompts: p.Prompts, Texts: texts, IDs: ids, Baseline: c.Baseline, OnLeak: check.Policy(c.Check.OnLeak), TestOnly: c.Mode == config.ModeStrip, Tier: tier})
	return nil
}

// Tier reads the name of a tier; none is exact.
func Tier(name string) (tiers.Tier, error) {
	if name == "" {
		return tiers.Exact, nil
	}
	return tiers.Parse(name)
}

// phaseOf turns the config's words into the transform.
func phaseOf(cfg *config.Config) (*phase.Phase, error) {
	if topics := cfg.Source.Topics; topics.Phased() {
		out := &phase.Phase{}
		for _, t := range topics.Train {
			out.Source = append(out.Source, phase.SourcePhase{Path: t, Phase: pipeline.PhaseTrain})
		}
		for _, t := range topics.Test {
			out.Source = append(out.Source, phase.SourcePhase{Path: t, Phase: pipeline.PhaseTest})
		}
		return out, out.Check()
	}
	c := &cfg.Phase
	out := phase.Config{Column: c.Column, Train: c.Train, Drop: c.Drop, All: c.All, Hash: c.Hash, Salt: c.Salt}
	if c.Path != nil {
		out.Path, out.PathTrain, out.PathTest = true, c.Path.Train, c.Path.Test
	}
	switch t := c.Test.(type) {
	case nil:
		if c.Hash != "" {
			return nil, fmt.Errorf("phase: a hash needs the share of test records: test: 0.1")
		}
	case string:
		out.Test = []string{t}
	case []any:
		for _, v := range t {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("phase: test is a list of texts, not of %v", v)
			}
			out.Test = append(out.Test, s)
		}
	case float64:
		out.Fraction = t
	case int:
		out.Fraction = float64(t)
	default:
		return nil, fmt.Errorf("phase: test is a list of values, or the share of a hash; not %v", t)
	}
	if c.Hash == "" && out.Fraction != 0 {
		return nil, fmt.Errorf("phase: a share of test records goes with hash: COLUMN")
	}
	return &phase.Phase{Config: out}, out.Check()
}

// OpenFolder opens an output folder. Tests put faults behind it.
var OpenFolder = commitlog.OpenOS

// Start opens the output folder and puts, or checks, its run record.
func (p *Pipeline) Start(ctx context.Context, version string) (*commitlog.Log, error) {
	plan, err := p.plan(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.Fits(plan); err != nil {
		return nil, err
	}
	canonical, err := p.Config.Canonical()
	if err != nil {
		return nil, err
	}
	prompts, err := p.Config.CanonicalPrompts(p.Variants)
	if err != nil {
		return nil, err
	}
	fsys, err := OpenFolder(p.Config.Sink.Path)
	if err != nil {
		return nil, err
	}
	schema := p.Source.Schema().String()
	stream, err := dataset.EncodeSchema(p.Source.Schema())
	if err != nil {
		return nil, err
	}
	return commitlog.Start(ctx, fsys, commitlog.Run{
		Version: version, Config: string(canonical), Prompts: string(prompts), Schema: schema, ArrowSchema: stream, Plan: plan,
		ConfigSHA256: config.Hash(canonical), PromptsSHA256: config.Hash(prompts), SchemaSHA256: config.Hash([]byte(schema)),
	})
}

// Outputs makes the sinks.
func (p *Pipeline) Outputs(log *commitlog.Log) engine.Outputs {
	s := &p.Config.Sink
	folders := engine.Outputs{Rejects: reject.New(log.Staging()), Provenance: provenance.New(log.Staging(), int64(s.RowGroup), p.Mem)}
	if !s.Files() { // there are no records in the folder to be compared
		return folders
	}
	o := finetune.Options{Staging: log.Staging(), Formats: s.Format, Layout: p.Layout, RowGroupBytes: int64(s.RowGroup), Mem: p.Mem}
	train, test := o, o
	train.Split, test.Split = s.Train, s.Test
	folders.Train, folders.Test = finetune.New(train, p.Config.Probe != nil), eval.New(test)
	folders.Keys = provenance.NewKeys(log.Staging(), overlap.Folder, p.Mem)
	return folders
}
