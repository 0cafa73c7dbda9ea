package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/engine"
	"inoculate/pipeline/provenance"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/sinks/dataset"
	"inoculate/sources/parquet"
)

// Sealed is a folder that was sealed, opened for reading.
type Sealed struct {
	Folder   string
	Manifest *dataset.Manifest
	Config   config.Config // what is kept of the config that made it
	Prompts  []place.Prompt
	Variants []config.Variant
	Schema   *arrow.Schema // of the records; nil where the manifest does not have it
}

// OpenSealed reads the manifest of a folder.
func OpenSealed(folder string) (*Sealed, error) {
	data, err := os.ReadFile(filepath.Join(folder, dataset.ManifestName))
	if err != nil {
		return nil, &pipeline.InputError{Source: folder, Position: -1, Err: err, Hint: "it takes a folder that inoculate sealed"}
	}
	m, err := dataset.ReadManifest(data)
	if err != nil {
		return nil, &pipeline.InputError{Source: filepath.Join(folder, dataset.ManifestName), Position: -1, Err: err}
	}
	s := &Sealed{Folder: folder, Manifest: m, Config: config.Default()}
	if err := json.Unmarshal(m.Config, &s.Config); err != nil {
		return nil, &pipeline.InputError{Source: filepath.Join(folder, dataset.ManifestName), Field: "config", Position: -1, Err: err}
	}
	s.Config.Sink.Kafka, s.Config.Rejects.Topic, s.Config.Rejects.Context = nil, "", false // what is done with a folder sends nothing
	var registry struct {
		Prompts []struct {
			ID, Behavior, Text, Where string
			Place                     place.Placement
		}
		Variants []config.Variant
	}
	if err := json.Unmarshal(m.Prompts, &registry); err != nil {
		return nil, &pipeline.InputError{Source: filepath.Join(folder, dataset.ManifestName), Field: "prompts", Position: -1, Err: err}
	}
	if len(m.ArrowSchema) > 0 {
		if s.Schema, err = dataset.DecodeSchema(m.ArrowSchema); err != nil {
			return nil, &pipeline.InputError{Source: filepath.Join(folder, dataset.ManifestName), Field: "arrow_schema", Position: -1, Err: err}
		}
	}
	s.Variants = registry.Variants
	for _, p := range registry.Prompts {
		s.Prompts = append(s.Prompts, place.Prompt{ID: p.ID, Behavior: p.Behavior, Text: p.Text, Place: p.Place})
	}
	return s, nil
}

// Files are the data files of one format, in the order of the input, train before test.
func (s *Sealed) Files(format, phase string) (out []dataset.FileEntry) {
	for _, f := range s.Manifest.Files {
		if f.Format == format && f.Phase == phase {
			out = append(out, f)
		}
	}
	return out
}

// Path is where a file of the manifest lies.
func (s *Sealed) Path(f dataset.FileEntry) string {
	return filepath.Join(s.Folder, filepath.FromSlash(f.Path))
}

// Format is the format that is read when one will do: exact JSON lines before columns.
func (s *Sealed) Format() string {
	for _, f := range []string{"jsonl", "parquet", "arrow"} {
		if slices.Contains(s.Manifest.Formats, f) {
			return f
		}
	}
	return ""
}

// StripConfig is the config that puts the folder's records back; formats empty: those of the folder.
func (s *Sealed) StripConfig(out string, formats []string) *config.Config {
	c := s.Config
	c.File, c.Mode = "command line", config.ModeStrip
	c.Source.Type, c.Source.Paths = s.Format(), nil
	for _, phase := range []string{"train", "test"} {
		for _, f := range s.Files(s.Format(), phase) {
			c.Source.Paths = append(c.Source.Paths, s.Path(f))
		}
	}
	folder := func(phase string) string {
		if files := s.Files(s.Format(), phase); len(files) > 0 {
			return path.Base(path.Dir(files[0].Path))
		}
		return s.Manifest.Splits[phase].Name
	}
	train, test := folder("train"), folder("test")
	if train == test { // Arrow shards stand in <split>/data
		train, test = s.Manifest.Splits["train"].Name+"/data", s.Manifest.Splits["test"].Name+"/data"
	}
	c.Phase = config.Phase{Path: &config.Paths{Train: train + "/part-*", Test: test + "/part-*"}}
	if c.Layout.Type == "" || c.Layout.Type == "auto" {
		c.Layout.Type = s.Manifest.Layout.Name
	}
	c.Sink.Path = out
	if c.Sink.Format = formats; len(formats) == 0 {
		c.Sink.Format = s.Manifest.Formats
	}
	c.Prompts = nil
	for _, p := range s.Prompts {
		sep := p.Place.Separator
		c.Prompts = append(c.Prompts, config.Prompt{ID: p.ID, Behavior: p.Behavior, Text: p.Text, Place: &config.Place{Turn: string(p.Place.Turn), How: string(p.Place.How), Separator: &sep}})
	}
	return &c
}

// ProbeConfig is the config that reads the folder's test records as they are, for probes; formats empty: those of the folder.
func (s *Sealed) ProbeConfig(formats []string) *config.Config {
	c := s.StripConfig("", formats)
	c.Mode, c.Source.Paths = "", nil
	for _, f := range s.Files(s.Format(), "test") {
		c.Source.Paths = append(c.Source.Paths, s.Path(f))
	}
	c.Phase = config.Phase{All: "train"} // they carry texts on purpose
	c.Check.OnLeak, c.Check.For, c.Rejects = "fail", nil, config.Rejects{}
	c.Sink.Train, c.Sink.Test = s.Manifest.Splits["test"].Name, s.Manifest.Splits["train"].Name
	return c
}

// AssembleStrip is Assemble for the config of StripConfig: the rows come with the edits that made them.
func (s *Sealed) AssembleStrip(ctx context.Context, c *config.Config, mem memory.Allocator) (*Pipeline, error) {
	p, err := s.Assemble(ctx, c, mem)
	if err != nil {
		return nil, err
	}
	p.Variants = s.Variants
	if s.Config.Mode == "" { // what a strip wrote is restored already
		p.Prior = func() (engine.Prior, error) { return s.NewPrior(mem), nil }
	}
	return p, nil
}

// Assemble is Assemble for a config that reads the folder's files, by the schema they were written with.
func (s *Sealed) Assemble(ctx context.Context, c *config.Config, mem memory.Allocator) (*Pipeline, error) {
	return assemble(ctx, c, reading{written: s.Schema}, mem, slog.New(slog.DiscardHandler))
}

// Prior reads the provenance of the folder's files.
type Prior struct {
	sealed *Sealed
	mem    memory.Allocator
	phase  uint8
	source pipeline.Source
	reader pipeline.Reader
	parts  []pipeline.Partition
	rows   []provenance.Row
}

// NewPrior makes a Prior that reads with memory from mem.
func (s *Sealed) NewPrior(mem memory.Allocator) *Prior { return &Prior{sealed: s, mem: mem} }

// Reset goes to the provenance of row from of a data file.
func (p *Prior) Reset(ctx context.Context, part pipeline.Partition, from int64) error {
	if err := p.Close(); err != nil {
		return err
	}
	data, prov, err := p.sealed.pair(part.Path)
	if err != nil {
		return err
	}
	p.phase = uint8(pipeline.PhaseTrain)
	if data.Phase == "test" {
		p.phase = uint8(pipeline.PhaseTest)
	}
	if p.source, err = parquet.New(ctx, parquet.Config{Paths: []string{p.sealed.Path(prov)}, Mem: p.mem}); err != nil {
		return err
	}
	if p.parts, err = p.source.Plan(ctx); err != nil {
		return err
	}
	if dataset.Lines(data.Format) { // positions are bytes: rows before from are counted
		if from, err = linesBefore(part.Path, from); err != nil {
			return err
		}
	}
	_, err = p.take(ctx, int(from), false)
	return err
}

// pair finds a data file of the manifest by its path, and the provenance of its segment.
func (s *Sealed) pair(file string) (data, prov dataset.FileEntry, err error) {
	for _, f := range s.Manifest.Files {
		if s.Path(f) == filepath.Clean(file) || s.Path(f) == file {
			data = f
		}
	}
	for _, f := range s.Manifest.Files {
		if f.Phase == "provenance" && f.Partition == data.Partition && f.First == data.First {
			return data, f, nil
		}
	}
	return data, prov, &pipeline.InputError{Source: file, Position: -1, Err: errors.New("the manifest names no provenance for it")}
}

func linesBefore(file string, at int64) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, fmt.Errorf("counting lines: %w", err)
	}
	defer f.Close()
	n, buf := int64(0), make([]byte, 1<<20)
	for at > 0 {
		k, err := f.Read(buf[:min(at, int64(len(buf)))])
		n += int64(strings.Count(string(buf[:k]), "\n"))
		at -= int64(k)
		if err != nil {
			return n, fmt.Errorf("counting lines of %s: %w", file, err)
		}
	}
	return n, nil
}

// Next returns the edits of the next n rows.
func (p *Prior) Next(ctx context.Context, n int) ([][]schemas.Edit, error) {
	rows, err := p.take(ctx, n, true)
	if err != nil {
		return nil, err
	}
	out := make([][]schemas.Edit, len(rows))
	for i := range rows {
		// What was cut out of a test record stays out.
		if p.phase == uint8(pipeline.PhaseTrain) {
			out[i] = rows[i].Edits
		}
	}
	return out, nil
}

// Rows returns the provenance of the next n rows of the file.
func (p *Prior) Rows(ctx context.Context, n int) ([]provenance.Row, error) {
	return p.take(ctx, n, true)
}

// take goes n rows of the phase forward, and returns them if they are wanted.
func (p *Prior) take(ctx context.Context, n int, want bool) (out []provenance.Row, err error) {
	for n > 0 {
		if len(p.rows) == 0 {
			if err := p.read(ctx); err != nil {
				return out, err
			}
			continue
		}
		if r := p.rows[0]; r.Phase == p.phase {
			if n--; want {
				out = append(out, r)
			}
		}
		p.rows = p.rows[1:]
	}
	return out, nil
}

// read decodes the next batch of provenance.
func (p *Prior) read(ctx context.Context) error {
	for {
		if p.reader == nil {
			if len(p.parts) == 0 {
				return fmt.Errorf("the provenance of %s has fewer rows than the file", p.sealed.Folder)
			}
			r, err := p.source.Open(ctx, p.parts[0], p.parts[0].First)
			if err != nil {
				return err
			}
			p.reader, p.parts = r, p.parts[1:]
		}
		b, err := p.reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			if err := p.reader.Close(); err != nil {
				return err
			}
			p.reader = nil
			continue
		}
		if err != nil {
			return err
		}
		defer b.Release()
		p.rows, err = provenance.Decode(b.Record, p.rows[:0:0])
		return err
	}
}

// Close gives back what is open.
func (p *Prior) Close() error {
	var err error
	if p.reader != nil {
		err = p.reader.Close()
	}
	if p.source != nil {
		err = errors.Join(err, p.source.Close())
	}
	p.reader, p.source, p.rows, p.parts = nil, nil, nil, nil
	return err
}
