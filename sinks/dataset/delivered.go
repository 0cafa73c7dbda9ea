package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"path"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
)

// SealDelivered is Seal for a run whose records went elsewhere: the folder has their commit records, what was done to each,
// and the rejects. There is nothing for loaders to open, so the manifest is all that is written. Records of the two phases are
// not compared.
func (s *Sealer) SealDelivered(ctx context.Context) (*Manifest, error) {
	run := s.Log.Run()
	m := &Manifest{
		Format: 1, Tool: "inoculate " + run.Version, Run: run.ID,
		ConfigSHA256: run.ConfigSHA256, PromptsSHA256: run.PromptsSHA256, SchemaSHA256: run.SchemaSHA256,
		Config: json.RawMessage(run.Config), Prompts: json.RawMessage(run.Prompts), Schema: run.Schema, ArrowSchema: run.ArrowSchema,
		Layout: Layout{s.Layout.Name, s.Layout.Columns()}, Formats: []string{}, Counts: map[string]int64{}, Files: []FileEntry{}, Splits: map[string]Split{},
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
	c := m.Counts
	m.Checks = Checks{Leaks: c["leaked"], Violations: c["violations"], Natural: c["natural"], CountsAddUp: c["in"] == c["train"]+c["test"]+c["filtered"]+c["rejects"]}
	if !m.Checks.CountsAddUp {
		return nil, fmt.Errorf("the counts do not add up: %v in the commit records", c)
	}
	m.Content = content(m.Files)
	return m, s.manifest(ctx, m)
}
