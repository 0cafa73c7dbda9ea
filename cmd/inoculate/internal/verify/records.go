package verify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/provenance"
	"inoculate/schemas"
	"inoculate/schemas/place"
	"inoculate/sinks/dataset"
	"inoculate/transforms/scan"
	"inoculate/transforms/scan/tiers"
)

// maxFindings is how many findings a report keeps.
const maxFindings = 20

// reader reads the records of one format and checks them.
type reader struct {
	report  *Report
	sealed  *catalog.Sealed
	prompts *place.Prompts
	scratch pipeline.Scratch
	scan    pipeline.Applier
	leaves  []string
	prior   *catalog.Prior
	turns   []schemas.Turn
	rows    map[string]int64
	texts   []string
	ids     []string
	wide    *scan.Wide   // nil where exact copies are all that is looked for
	near    map[int]near // by row of the batch: what the wider net found first
}

// records reads all rows of all formats: no test record carries a prompt, each train record carries what its provenance
// says, at its place, and no other prompt there.
func (r *Report) records(ctx context.Context, s *catalog.Sealed, mem memory.Allocator) error {
	if len(s.Manifest.Formats) == 0 {
		r.Unread = true
		r.prove("records", true, "went to topics, checked before they were sent; they are not here, and nothing of them was read")
	}
	for _, format := range s.Manifest.Formats {
		if dataset.Shards(format) {
			if err := r.shards(ctx, s, format, mem); err != nil {
				return err
			}
			continue
		}
		leaks, breaks := r.Leaks, r.Breaks
		rd := &reader{report: r, sealed: s, rows: map[string]int64{}, near: map[int]near{}}
		if err := rd.format(ctx, format, mem); err != nil {
			return err
		}
		for phase, split := range s.Manifest.Splits {
			if want := s.Manifest.In(format, phase); rd.rows[phase] != want {
				return &DamageError{format, fmt.Sprintf("split %s has %d rows, written were %d", split.Name, rd.rows[phase], want)}
			}
		}
		r.prove("test records ("+format+")", r.Leaks == leaks, "%d records, every string of each searched for %s%s: %d carry one", rd.rows["test"], counted(len(rd.texts), "text"), r.net(), r.Leaks-leaks)
		if s.Manifest.In(format, "train") == 0 && s.Manifest.Splits["train"].Rows > 0 {
			continue
		}
		r.prove("train records ("+format+")", r.Breaks == breaks, "%d records held against their provenance: %d break the separation", rd.rows["train"], r.Breaks-breaks)
	}
	return nil
}

// net says how far a text may be from a prompt, where that is not exact copies.
func (r *Report) net() string {
	if r.Tier == tiers.Exact {
		return ""
	}
	return " (" + r.Tier.String() + ")"
}

func (rd *reader) format(ctx context.Context, format string, mem memory.Allocator) error {
	var paths []string
	for _, phase := range []string{"train", "test"} {
		for _, f := range rd.sealed.Files(format, phase) {
			paths = append(paths, rd.sealed.Path(f))
		}
	}
	if len(paths) == 0 {
		return nil
	}
	p, err := rd.open(ctx, format, paths, mem)
	if err != nil {
		return err
	}
	defer p.Source.Close()
	rd.prompts, rd.scratch.View = place.New(p.Layout, rd.sealed.Prompts, rd.sealed.Config.Baseline), schemas.NewView(p.Layout)
	for _, q := range rd.sealed.Prompts {
		rd.texts, rd.ids = append(rd.texts, q.Text), append(rd.ids, q.ID)
	}
	for _, v := range rd.sealed.Variants {
		rd.texts, rd.ids = append(rd.texts, v.Text), append(rd.ids, v.ID)
	}
	rd.leaves = scan.Leaves(p.Source.Schema())
	if rd.scan, err = (&scan.Scan{Texts: rd.texts, Layout: p.Layout}).Bind(p.Source.Schema()); err != nil {
		return err
	}
	if rd.report.Tier > tiers.Exact {
		rd.wide = scan.NewWide(p.Source.Schema(), p.Layout, scan.Set(rd.texts, rd.ids, rd.report.Tier))
	}
	rd.prior = rd.sealed.NewPrior(mem)
	defer rd.prior.Close()
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return err
	}
	for _, part := range plan {
		if err := rd.partition(ctx, p.Source, part); err != nil {
			return err
		}
	}
	return nil
}

// conversations are the columns of the formats that do not have the records' own.
var conversations = map[string]string{"openai": "messages", "inspect": "input", "lm-eval": "input"}

// open makes a pipeline that reads files of a format. Some have a schema of their own.
func (rd *reader) open(ctx context.Context, format string, paths []string, mem memory.Allocator) (*catalog.Pipeline, error) {
	cfg := rd.sealed.StripConfig("unused", nil)
	cfg.Source.Type, cfg.Source.Paths = format, paths
	column, own := conversations[format]
	if !own {
		return rd.sealed.Assemble(ctx, cfg, mem)
	}
	cfg.Source.Type, cfg.Source.Sample = "jsonl", math.MaxInt // a record that comes late may have what no other has
	cfg.Layout = config.Layout{Spec: schemas.Spec{Type: "messages", Column: column}}
	if format == "openai" && rd.sealed.Manifest.Layout.Name == "preference" {
		return catalog.AssemblePreference(ctx, cfg, mem, slog.New(slog.DiscardHandler))
	}
	return catalog.Assemble(ctx, cfg, mem, slog.New(slog.DiscardHandler))
}

func (rd *reader) partition(ctx context.Context, src pipeline.Source, part pipeline.Partition) error {
	if err := rd.prior.Reset(ctx, part, part.First); err != nil {
		return err
	}
	var file dataset.FileEntry
	for _, f := range rd.sealed.Manifest.Files {
		if rd.sealed.Path(f) == part.Path {
			file = f
		}
	}
	return pipeline.EachBatch(ctx, src, part, func(b *pipeline.Batch) error { return rd.batch(ctx, b, file) })
}

func (rd *reader) batch(ctx context.Context, b *pipeline.Batch, file dataset.FileEntry) error {
	if len(b.Rejects) > 0 {
		return &DamageError{file.Path, fmt.Sprintf("position %d: %s: %s", b.Rejects[0].Position, b.Rejects[0].Reason, b.Rejects[0].Detail)}
	}
	rd.scratch.Prepare(b)
	defer rd.scratch.Take(b)
	if err := rd.scan.Apply(ctx, b); err != nil {
		return err
	}
	trace, err := rd.prior.Rows(ctx, b.NumRows())
	if err != nil {
		return &DamageError{file.Path, err.Error()}
	}
	if file.Phase == "test" {
		rd.widen(b)
	}
	hits := b.Hits
	for row := range b.NumRows() {
		rd.rows[file.Phase]++
		n := 0
		for n < len(hits) && int(hits[n].Row) == row {
			n++
		}
		if file.Phase == "test" {
			if err := rd.test(b, row, hits[:n], file); err != nil {
				return err
			}
		} else if err := rd.train(b, row, hits[:n], trace[row], file); err != nil {
			return err
		}
		hits = hits[n:]
	}
	return nil
}

func (rd *reader) test(b *pipeline.Batch, row int, hits []pipeline.Hit, file dataset.FileEntry) error {
	if len(hits) > 0 {
		rd.report.Leaks++
		rd.note(b, row, "leak", hits[0].Prompt, rd.leaves[hits[0].Leaf], fmt.Sprintf("it stands at byte %d", hits[0].At))
		return nil
	}
	if rd.wide == nil {
		return nil
	}
	if n, ok := rd.near[row]; ok {
		rd.report.Leaks++
		rd.note(b, row, "leak", n.prompt, n.field, n.detail)
		return nil
	}
	var fault *schemas.Fault
	if rd.turns, fault = b.View.Turns(row); fault != nil && !fault.NoTurn() {
		return &DamageError{file.Path, fmt.Sprintf("position %d: %s", b.Position(row), fault.Detail)}
	}
	found := false
	rd.wide.Joined(rd.turns, func(turn int, m tiers.Match) {
		if !found {
			found = true
			rd.report.Leaks++
			rd.note(b, row, "leak", int32(m.Pattern), fmt.Sprintf("turn %d", turn), fmt.Sprintf("it stands there and in turns behind (%s)", m.Tier))
		}
	})
	return nil
}

// near is what the wider net found first in a row.
type near struct {
	prompt        int32
	field, detail string
}

// widen searches the strings of a batch of test records.
func (rd *reader) widen(b *pipeline.Batch) {
	clear(rd.near)
	if rd.wide == nil {
		return
	}
	rd.wide.Strings(b.Record, func(int) bool { return true }, func(h pipeline.Hit, m tiers.Match) {
		if _, ok := rd.near[int(h.Row)]; !ok {
			rd.near[int(h.Row)] = near{h.Prompt, rd.leaves[h.Leaf], fmt.Sprintf("it stands at byte %d (%s)", h.At, cmp.Or(m.Via, m.Tier.String()))}
		}
	})
}

func (rd *reader) train(b *pipeline.Batch, row int, hits []pipeline.Hit, trace provenance.Row, file dataset.FileEntry) error {
	if len(hits) == 0 && len(trace.Prompts) == 0 {
		return nil
	}
	var fault *schemas.Fault
	if rd.turns, fault = b.View.Turns(row); fault != nil && !fault.NoTurn() {
		return &DamageError{file.Path, fmt.Sprintf("position %d: %s", b.Position(row), fault.Detail)}
	}
	if rd.sealed.Config.Mode != "" {
		return nil
	}
	standing := rd.prompts.Standing(rd.turns, trace.Prompts)
	if len(standing) != len(trace.Prompts) {
		rd.report.Breaks++
		for _, id := range trace.Prompts {
			if !slices.Contains(standing, id) {
				rd.note(b, row, "missing", id, file.Path, "its provenance says it carries it, and it does not")
				break
			}
		}
		return nil
	}
	for _, h := range hits {
		if int(h.Prompt) >= len(rd.sealed.Prompts) || slices.Contains(trace.Prompts, h.Prompt) {
			continue
		}
		if len(rd.prompts.Standing(rd.turns, []int32{h.Prompt})) > 0 {
			rd.report.Breaks++
			rd.note(b, row, "unselected", h.Prompt, rd.leaves[h.Leaf], "it was not chosen for it, and carries it at its place")
			return nil
		}
	}
	return nil
}

func (rd *reader) note(b *pipeline.Batch, row int, kind string, prompt int32, field, detail string) {
	if len(rd.report.Findings) < maxFindings {
		id := "any" // it is not known which
		if prompt >= 0 {
			id = rd.ids[prompt]
		}
		rd.report.Findings = append(rd.report.Findings, pipeline.Finding{Row: row, Kind: kind, Prompt: id, Field: field,
			Detail: fmt.Sprintf("%s, position %d: %s", b.Partition.Path, b.Position(row), detail)})
	}
}
