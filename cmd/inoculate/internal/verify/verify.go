// Package verify proves the separation of a sealed folder from its files alone.
package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/sinks/dataset"
	"inoculate/transforms/scan/tiers"
)

// A DamageError says that a folder is not what its manifest and its commit records say.
type DamageError struct{ File, Cause string }

func (e *DamageError) Error() string { return fmt.Sprintf("%s: %s", e.File, e.Cause) }

// A Proof is one thing that was shown to hold, or not.
type Proof struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A Report is what was proved.
type Report struct {
	Folder   string             `json:"folder"`
	Run      string             `json:"run"`
	Proofs   []Proof            `json:"proofs"`
	Findings []pipeline.Finding `json:"findings"`         // the first of them
	Leaks    int64              `json:"leaks"`            // test records that carry a prompt
	Breaks   int64              `json:"breaks"`           // train records that lack a prompt, or carry one they should not
	Unread   bool               `json:"unread,omitempty"` // the records went to topics: nothing of them was searched
	Tier     tiers.Tier         `json:"tier"`             // how test records were searched

	later map[string]bool // files of a stream that were committed after its seal
}

// OK says whether everything holds.
func (r *Report) OK() bool {
	for _, p := range r.Proofs {
		if !p.OK {
			return false
		}
	}
	return true
}

func (r *Report) prove(name string, ok bool, format string, args ...any) {
	r.Proofs = append(r.Proofs, Proof{name, ok, fmt.Sprintf(format, args...)})
}

// Folder reads everything in a sealed folder and proves what its manifest says. What cannot be read, or is not what was
// written, is a *DamageError or the reader's error; a broken separation is in the report. Test records are searched as tier
// says; an empty one is that of the run.
func Folder(ctx context.Context, folder, tier string, mem memory.Allocator) (*Report, error) {
	sealed, err := catalog.OpenSealed(folder)
	if err != nil {
		return nil, err
	}
	if tier == "" {
		tier = sealed.Config.Check.Tier
	}
	net, err := catalog.Tier(tier)
	if err != nil {
		return nil, err
	}
	r := &Report{Tier: net, Folder: folder, Run: sealed.Manifest.Run, Findings: []pipeline.Finding{}}
	if err := r.log(ctx, sealed); err != nil {
		return nil, err
	}
	if err := r.digests(sealed); err != nil {
		return nil, err
	}
	if err := r.strays(sealed); err != nil {
		return nil, err
	}
	if err := r.records(ctx, sealed, mem); err != nil {
		return nil, err
	}
	return r, nil
}

// log holds the manifest against the commit records.
func (r *Report) log(ctx context.Context, s *catalog.Sealed) error {
	fsys, err := commitlog.OpenOSExisting(s.Folder)
	if err != nil {
		return err
	}
	log, err := commitlog.Open(ctx, fsys)
	if err != nil {
		return err
	}
	m, run := s.Manifest, log.Run()
	if m.Run != run.ID || m.ConfigSHA256 != run.ConfigSHA256 || m.PromptsSHA256 != run.PromptsSHA256 || m.SchemaSHA256 != run.SchemaSHA256 {
		return &DamageError{dataset.ManifestName, fmt.Sprintf("it is of run %s, the commit records are of run %s", m.Run, run.ID)}
	}
	listed := map[string]dataset.FileEntry{}
	for _, f := range m.Files {
		listed[f.Path] = f
	}
	sealed := map[string]int64{}
	for _, src := range m.Sources {
		sealed[src.Partition] = src.Next
	}
	parts, err := log.Partitions(ctx)
	if err != nil {
		return err
	}
	segments, counts := 0, map[string]int64{}
	r.later = map[string]bool{}
	for _, p := range parts {
		next := p.First
		err := log.Walk(ctx, p, func(rec commitlog.Record) error {
			if p.Endless() && rec.First >= sealed[p.ID] { // the run went on behind the seal
				for _, f := range rec.Files {
					r.later[path.Join(f.Folder, f.Name)] = true
				}
				return nil
			}
			segments++
			next = rec.Next
			for k, n := range rec.Counts {
				counts[k] += n
			}
			for _, f := range rec.Files {
				name := path.Join(f.Folder, f.Name)
				if e, ok := listed[name]; !ok || e.SHA256 != f.SHA256 || e.Rows != f.Rows || e.Bytes != f.Bytes {
					return &DamageError{dataset.ManifestName, fmt.Sprintf("it does not list %s as the commit record of position %d does", name, rec.First)}
				}
				delete(listed, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if end := sealed[p.ID]; p.Endless() && next != end && next != p.First {
			return &DamageError{p.ID, fmt.Sprintf("the chain of %s ends at %d, sealed was %d", p.Source, next, end)}
		}
		if !p.Endless() && next != p.End {
			return &DamageError{p.ID, fmt.Sprintf("the chain of %s ends at %d, planned was %d", p.Source, next, p.End)}
		}
	}
	for name := range listed {
		return &DamageError{dataset.ManifestName, fmt.Sprintf("no commit record names %s", name)}
	}
	for k, n := range m.Counts {
		if counts[k] != n {
			return &DamageError{dataset.ManifestName, fmt.Sprintf("it counts %d %s, the commit records %d", n, k, counts[k])}
		}
	}
	in, out := counts[pipeline.CountIn], counts[pipeline.CountTrain]+counts[pipeline.CountTest]+counts[pipeline.CountFiltered]+counts[pipeline.CountRejects]
	end := "its planned end"
	if slices.ContainsFunc(parts, pipeline.Partition.Endless) {
		end = "where it was sealed"
	}
	r.prove("commit log", in == out, "%s of %s, each chain whole to %s; %d records in, %d accounted for", counted(segments, "segment"), counted(len(parts), "partition"), end, in, out)
	return nil
}

// digests reads every file and compares its sha256.
func (r *Report) digests(s *catalog.Sealed) error {
	bytes := int64(0)
	for _, f := range s.Manifest.Files {
		n, sum, err := digest(s.Path(f))
		if err != nil {
			return &DamageError{f.Path, err.Error()}
		}
		if n != f.Bytes || sum != f.SHA256 {
			return &DamageError{f.Path, fmt.Sprintf("it has %d bytes with sha256 %.12s…, written were %d with %.12s…", n, sum, f.Bytes, f.SHA256)}
		}
		bytes += n
	}
	r.prove("digests", true, "%s, %s, each with the sha256 of its commit record", counted(len(s.Manifest.Files), "file"), humanBytes(bytes))
	return nil
}

func digest(name string) (int64, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, f, make([]byte, 1<<20))
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// strays looks for files that a loader would take, and no commit record names. Some loaders take every file of a split's
// folder; beside Arrow shards `datasets` itself puts its caches, and loaders take part-* alone.
func (r *Report) strays(s *catalog.Sealed) error {
	listed, folders := map[string]bool{}, map[string]bool{} // a folder's value: every file counts
	for _, f := range s.Manifest.Files {
		listed[f.Path] = true
		folders[path.Dir(f.Path)] = (f.Phase == "train" || f.Phase == "test") && f.Format != "arrow" && !dataset.Shards(f.Format)
	}
	for folder, every := range folders {
		entries, err := os.ReadDir(filepath.Join(s.Folder, filepath.FromSlash(folder)))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(folder, e.Name())
			hidden := strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_")
			if (strings.HasPrefix(e.Name(), "part-") || every && !hidden) && !listed[name] && !r.later[name] {
				return &DamageError{name, "no commit record names it, and loaders would read it"}
			}
		}
	}
	r.prove("no strays", true, "the folders that loaders read hold committed files only")
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func humanBytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
