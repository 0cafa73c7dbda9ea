package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/provenance"
	"inoculate/schemas"
)

// A Report is what a model would see of one split.
type Report struct {
	Split     string           `json:"split"`
	Phase     string           `json:"phase"`
	Records   int64            `json:"records"`
	Tokens    int64            `json:"tokens"`
	Median    int              `json:"median"`
	P99       int              `json:"p99"`
	Longest   int              `json:"longest"`
	Over      int64            `json:"over"`    // records of more tokens than the model is trained with at once
	Refused   map[string]int64 `json:"refused"` // by what the template says
	Carry     int64            `json:"carry"`   // records whose text has a prompt that the folder put in
	Lost      int64            `json:"lost"`    // train records whose text lacks a prompt that was put in
	Leaked    int64            `json:"leaked"`  // test records whose text has a prompt
	FirstLost string           `json:"first_lost,omitempty"`

	lengths map[int]int64
	prompts [][]byte // in small letters, without the white space around them, which templates take off
}

// Render renders the records of a sealed folder, train before test.
func (m *Model) Render(ctx context.Context, s *catalog.Sealed, limit int, mem memory.Allocator) (reports []*Report, err error) {
	for _, phase := range []string{"train", "test"} {
		cfg := s.StripConfig("unused", nil)
		cfg.Source.Paths = nil
		for _, f := range s.Files(s.Format(), phase) {
			cfg.Source.Paths = append(cfg.Source.Paths, s.Path(f))
		}
		if len(cfg.Source.Paths) == 0 {
			continue
		}
		p, err := s.Assemble(ctx, cfg, mem)
		if err != nil {
			return nil, err
		}
		prompts := make([][]byte, len(s.Prompts))
		for i, q := range s.Prompts {
			prompts[i] = bytes.ToLower(bytes.TrimSpace([]byte(q.Text)))
		}
		r := &Report{prompts: prompts, Split: s.Manifest.Splits[phase].Name, Phase: phase, Refused: map[string]int64{}, lengths: map[int]int64{}}
		err = m.split(ctx, s, p, r, limit, mem)
		if err := errors.Join(err, p.Source.Close()); err != nil {
			return nil, err
		}
		r.end()
		reports = append(reports, r)
	}
	return reports, nil
}

func (m *Model) split(ctx context.Context, s *catalog.Sealed, p *catalog.Pipeline, r *Report, limit int, mem memory.Allocator) (err error) {
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return err
	}
	prior := s.NewPrior(mem)
	defer func() { err = errors.Join(err, prior.Close()) }()
	view := schemas.NewView(p.Layout)
	for _, part := range plan {
		if err := prior.Reset(ctx, part, part.First); err != nil {
			return err
		}
		err := pipeline.EachBatch(ctx, p.Source, part, func(b *pipeline.Batch) error { return m.batch(ctx, b, prior, view, r, limit) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) batch(ctx context.Context, b *pipeline.Batch, prior *catalog.Prior, view *schemas.View, r *Report, limit int) error {
	trace, err := prior.Rows(ctx, b.NumRows())
	if err != nil {
		return err
	}
	view.Reset(b.Record)
	for row := range b.NumRows() {
		turns, fault := view.Turns(row)
		if fault != nil && !fault.NoTurn() {
			return &pipeline.InputError{Source: b.Partition.Path, Position: b.Position(row), Field: fault.Field, Err: errors.New(fault.Detail)}
		}
		if r.Records++; len(turns) == 0 {
			r.Refused["a conversation without a turn"]++
			continue
		}
		text, err := m.Template.Render(asMaps(turns, view))
		var refused *RefusedError
		if errors.As(err, &refused) {
			r.Refused[refused.Reason]++
			continue
		}
		if err != nil {
			return &pipeline.InputError{Source: b.Partition.Path, Position: b.Position(row), Err: err}
		}
		ids, err := m.Tokenizer.Encode(text)
		if err != nil {
			return &pipeline.InputError{Source: b.Partition.Path, Position: b.Position(row), Err: err}
		}
		r.add(len(ids), limit)
		r.look(text, trace[row], fmt.Sprintf("%s, position %d", b.Partition.Path, b.Position(row)))
	}
	return nil
}

// look holds a text against what the folder did to the record.
func (r *Report) look(text string, trace provenance.Row, place string) {
	lower := bytes.ToLower([]byte(text))
	has := func(prompt int) bool { return bytes.Contains(lower, r.prompts[prompt]) }
	if r.Phase == "test" {
		for i := range r.prompts {
			if has(i) {
				r.Leaked++
				return
			}
		}
		return
	}
	for _, p := range trace.Prompts {
		if !has(int(p)) {
			if r.Lost++; r.FirstLost == "" {
				r.FirstLost = place
			}
			return
		}
	}
	if len(trace.Prompts) > 0 {
		r.Carry++
	}
}

// asMaps are turns as templates take them. Of turns that are JSON all members are there.
func asMaps(turns []schemas.Turn, view *schemas.View) []any {
	out := []any{}
	for i := range turns {
		t := &turns[i]
		if t.Null && t.Role == schemas.RoleSystem && t.JSON() == nil { // a column without a system prompt
			continue
		}
		turn := map[string]any{}
		if raw := t.JSON(); raw != nil && json.Unmarshal(raw, &turn) == nil {
			if key := view.TextKey(t); key != "content" {
				turn["content"] = turn[key]
			}
		} else {
			turn["content"] = string(t.Text)
		}
		turn["role"] = t.Role.String()
		out = append(out, turn)
	}
	return out
}

func (r *Report) add(n, limit int) {
	r.lengths[n]++
	r.Tokens += int64(n)
	r.Longest = max(r.Longest, n)
	if limit > 0 && n > limit {
		r.Over++
	}
}

// end computes what all lengths say together.
func (r *Report) end() {
	total := int64(0)
	for _, c := range r.lengths {
		total += c
	}
	seen := int64(0)
	for _, n := range slices.Sorted(maps.Keys(r.lengths)) {
		before := seen
		seen += r.lengths[n]
		if half := (total + 1) / 2; before < half && half <= seen {
			r.Median = n
		}
		if p99 := (total*99 + 99) / 100; before < p99 && p99 <= seen {
			r.P99 = n
		}
	}
}
