package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/overlap"
	"inoculate/schemas"
	"inoculate/sinks/internal/columnar"
)

// A Sealer makes the metadata of a folder.
type Sealer struct {
	Log     *commitlog.Log
	Layout  *schemas.Layout
	Formats []string
	Train   string // names of the splits
	Test    string
	Open    func(name string) (io.ReadCloser, error) // of a file below the output folder
	Temp    func() (overlap.Temp, error)             // room for what memory cannot hold
	Known   overlap.Counts                           // of a comparison made meanwhile, for a seal that has no time for its own
}

// Seal brings all committed segments into one loadable dataset, and returns its manifest. It refuses when a planned
// partition has not reached its end. It may be called again, by any process: everything it writes follows from the commit
// records alone, but for one thing. The longest part is to compare the phases: where compare is done before ctx, a run without
// an end keeps the counts of the seal before, or Known; how many records they are of stands beside them.
func (s *Sealer) Seal(ctx, compare context.Context) (m *Manifest, err error) {
	err = s.unmerged(ctx, func() error {
		m, err = s.seal(ctx, compare)
		return err
	})
	return m, err
}

// ErrMerged is that files were merged again and again by another process while their keys were read.
var ErrMerged = errors.New("other processes merge files faster than the phases can be compared")

// Compare counts the committed records that stand in both phases, which is the longest part of a seal; seals may go on beside it.
func (s *Sealer) Compare(ctx context.Context) (overlap.Counts, error) {
	for range tries {
		before, err := s.Log.Merges(ctx)
		if err != nil {
			return overlap.Counts{}, err
		}
		m, err := s.settled(ctx)
		if err != nil {
			return overlap.Counts{}, err
		}
		both, err := s.find(ctx, m)
		if !errors.Is(err, fs.ErrNotExist) {
			return both, err
		}
		if after, mErr := s.Log.Merges(ctx); mErr != nil || after == before {
			return overlap.Counts{}, errors.Join(err, mErr)
		}
	}
	return overlap.Counts{}, ErrMerged
}

// tries is how often files are read that others merge meanwhile.
const tries = 5

// unmerged calls f, again where another process has merged files while f read them, or what it wrote has come behind that
// process's own.
func (s *Sealer) unmerged(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		before, err := s.Log.Merges(ctx)
		if err != nil {
			return err
		}
		err = f()
		if err != nil && !errors.Is(err, fs.ErrNotExist) || try == tries {
			return err
		}
		after, mErr := s.Log.Merges(ctx)
		if mErr != nil || after == before {
			return errors.Join(err, mErr)
		}
	}
}

func (s *Sealer) seal(ctx, compare context.Context) (*Manifest, error) {
	m, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	m.Formats, m.Splits = s.Formats, map[string]Split{"train": {Name: s.Train}, "test": {Name: s.Test}}
	if err := s.check(ctx, compare, m); err != nil {
		return nil, err
	}
	m.Content = content(m.Files)
	if err := s.empty(ctx, m); err != nil {
		return nil, err
	}
	if err := s.metadata(ctx, m); err != nil {
		return nil, err
	}
	return m, s.manifest(ctx, m)
}

// SealDelivered is Seal for a run whose records went elsewhere: the folder has their commit records, what was done to each,
// and the rejects. There is nothing for loaders to open, so the manifest is all that is written. Records of the two phases are
// not compared.
func (s *Sealer) SealDelivered(ctx context.Context) (*Manifest, error) {
	m, err := s.settled(ctx)
	if err != nil {
		return nil, err
	}
	m.Formats, m.Splits = []string{}, map[string]Split{}
	if m.Files == nil {
		m.Files = []FileEntry{}
	}
	c := m.Counts
	m.Checks = Checks{Leaks: c["leaked"], Violations: c["violations"], Natural: c["natural"], CountsAddUp: addUp(c)}
	if !m.Checks.CountsAddUp {
		return nil, fmt.Errorf("the counts do not add up: %v in the commit records", c)
	}
	m.Content = content(m.Files)
	return m, s.manifest(ctx, m)
}

func addUp(c map[string]int64) bool {
	return c["in"] == c["train"]+c["test"]+c["filtered"]+c["rejects"]
}

// settled is a manifest with what the commit records say.
func (s *Sealer) settled(ctx context.Context) (*Manifest, error) {
	run := s.Log.Run()
	m := &Manifest{
		Format: 1, Tool: "inoculate " + run.Version, Run: run.ID,
		ConfigSHA256: run.ConfigSHA256, PromptsSHA256: run.PromptsSHA256, SchemaSHA256: run.SchemaSHA256,
		Config: json.RawMessage(run.Config), Prompts: json.RawMessage(run.Prompts), Schema: run.Schema, ArrowSchema: run.ArrowSchema,
		Layout: Layout{s.Layout.Name, s.Layout.Columns()}, Counts: map[string]int64{},
	}
	next := map[string]int64{}
	err := s.Log.Settle(ctx, func(p pipeline.Partition, r commitlog.Record) error {
		next[p.ID] = r.Next
		for k, n := range r.Counts {
			m.Counts[k] += n
		}
		for _, f := range r.Files {
			m.Files = append(m.Files, FileEntry{path.Join(f.Folder, f.Name), f.Phase, f.Format, f.Rows, f.Bytes, f.Memory, f.SHA256, p.ID, r.First})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	parts, err := s.Log.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		end, ok := next[p.ID]
		if !ok {
			end = p.First
		}
		m.Sources = append(m.Sources, Source{p.ID, p.Source, p.Fingerprint, p.First, end})
	}
	return m, nil
}

// check adds what the run's counts and the keys of both phases say.
func (s *Sealer) check(ctx, compare context.Context, m *Manifest) error {
	first := columnar.Primary(s.Formats)
	for _, f := range m.Files {
		if sp, ok := m.Splits[f.Phase]; ok && f.Format == first {
			sp.Rows += f.Rows
			sp.Bytes += f.Bytes
			m.Splits[f.Phase] = sp
		}
	}
	c := m.Counts
	m.Checks = Checks{Leaks: c["leaked"], Violations: c["violations"], Natural: c["natural"]}
	m.Checks.CountsAddUp = addUp(c) && m.Splits["train"].Rows == c["train"] && m.Splits["test"].Rows == c["test"]
	if !m.Checks.CountsAddUp {
		return fmt.Errorf("the counts do not add up: %v in the commit records, %v in the files", c, m.Splits)
	}
	both, err := s.find(compare, m)
	if err != nil && ctx.Err() == nil && compare.Err() != nil {
		both, err = s.comparedBefore()
	}
	m.Checks.BothPhases = both
	return err
}

// find compares the phases.
func (s *Sealer) find(ctx context.Context, m *Manifest) (overlap.Counts, error) {
	var keys []string
	for _, f := range m.Files {
		if f.Phase == "keys" {
			keys = append(keys, f.Path)
		}
	}
	return overlap.Find(ctx, overlap.Keys{Files: keys, Tests: m.Counts["test"], Open: s.Open, Temp: s.Temp})
}

// comparedBefore is what is known of records that stand in both phases: Known, or what the last seal knew of more records.
func (s *Sealer) comparedBefore() (overlap.Counts, error) {
	data, err := s.Log.ReadFile(ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return s.Known, nil
	}
	if err != nil {
		return overlap.Counts{}, err
	}
	m, err := ReadManifest(data)
	if err != nil {
		return overlap.Counts{}, err
	}
	if m.Checks.BothPhases.Records > s.Known.Records {
		return m.Checks.BothPhases, nil
	}
	return s.Known, nil
}

// metadata writes what loaders read, everything but the manifest.
func (s *Sealer) metadata(ctx context.Context, m *Manifest) error {
	card, err := s.card(m)
	if err != nil {
		return err
	}
	files := map[string][]byte{"README.md": card}
	info, err := s.trainerInfo(m)
	if err != nil {
		return err
	}
	if info != nil {
		files["dataset_info.json"] = info
	}
	if files[CroissantName], err = s.croissant(m); err != nil {
		return err
	}
	if files[StatementName], err = s.statement(m); err != nil {
		return err
	}
	for _, make := range []func(*Manifest) (map[string][]byte, error){s.tasks, s.shards} {
		more, err := make(m)
		if err != nil {
			return err
		}
		maps.Copy(files, more)
	}
	if slices.Contains(s.Formats, columnar.Arrow) {
		more, err := s.saveToDisk(m)
		if err != nil {
			return err
		}
		maps.Copy(files, more)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := s.Log.WriteFile(ctx, name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sealer) manifest(ctx context.Context, m *Manifest) error {
	data, err := indented(m)
	if err != nil {
		return err
	}
	err = s.Log.WriteManifest(ctx, ManifestName, data, func(old []byte) bool {
		o, err := ReadManifest(old)
		return err == nil && o.Run == m.Run && o.Counts["in"] > m.Counts["in"]
	})
	if errors.Is(err, commitlog.ErrLonger) {
		return nil
	}
	return err
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding metadata: %w", err)
	}
	return b.Bytes(), nil
}
