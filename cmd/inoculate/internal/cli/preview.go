package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/schemas"
)

func (a *app) previewCommand() *cobra.Command {
	var n int
	var all bool
	c := &cobra.Command{
		Use:     "preview FILE",
		Short:   "Show what a pipeline would change, record by record, and write nothing",
		Example: "  inoculate preview pipeline.yaml -n 5",
		Args:    exactly(1, "a pipeline file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPipeline(c.Context(), args[0], func(p *catalog.Pipeline, _ []byte) error {
				return a.preview(c.Context(), p, n, all)
			})
		},
	}
	c.Flags().IntVarP(&n, "records", "n", 5, "records to show")
	c.Flags().BoolVar(&all, "all", false, "show records that nothing changes, too")
	return c
}

// preview sends the first records through the transforms and prints their edits.
func (a *app) preview(ctx context.Context, p *catalog.Pipeline, n int, all bool) error {
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return err
	}
	var appliers []pipeline.Applier
	for _, t := range p.Transforms {
		ap, err := t.Bind(p.Source.Schema())
		if err != nil {
			return err
		}
		appliers = append(appliers, ap)
	}
	show := &shower{app: a, pipeline: p, left: n, all: all, scratch: pipeline.Scratch{View: schemas.NewView(p.Layout)}, color: terminal(a.out) && os.Getenv("NO_COLOR") == ""}
	for _, part := range plan {
		if show.left == 0 {
			break
		}
		if err := show.partition(ctx, part, appliers); err != nil {
			return err
		}
	}
	if show.shown == 0 && a.format == "text" {
		fmt.Fprintln(a.out, "nothing would change")
	}
	return nil
}

type shower struct {
	app      *app
	pipeline *catalog.Pipeline
	scratch  pipeline.Scratch
	left     int
	shown    int
	all      bool
	color    bool
}

func (s *shower) partition(ctx context.Context, part pipeline.Partition, appliers []pipeline.Applier) (err error) {
	r, err := s.pipeline.Source.Open(ctx, part, part.First)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for s.left > 0 {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.batch(ctx, &b, appliers)
		b.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shower) batch(ctx context.Context, b *pipeline.Batch, appliers []pipeline.Applier) error {
	s.scratch.Prepare(b)
	defer s.scratch.Take(b)
	if b.NumRows() > 0 {
		for _, ap := range appliers {
			if err := ap.Apply(ctx, b); err != nil {
				return err
			}
		}
	}
	rejects := map[int]pipeline.Reject{}
	for _, r := range b.Rejects {
		if r.Row < 0 {
			s.record(b, b.Partition.Source, r.Position, "reject", &r, nil, -1)
			continue
		}
		rejects[r.Row] = r
	}
	edits := b.Edits
	for row := 0; row < b.NumRows() && s.left > 0; row++ {
		mine := schemas.EditsOf(&edits, row)
		reject, rejected := rejects[row]
		switch {
		case rejected:
			s.record(b, b.Partition.Source, b.Position(row), "reject", &reject, nil, row)
		case len(mine) > 0 || s.all:
			s.record(b, b.Partition.Source, b.Position(row), b.Phases[row].String(), nil, mine, row)
		}
	}
	return nil
}

// record prints one record's changes.
func (s *shower) record(b *pipeline.Batch, source string, position int64, what string, reject *pipeline.Reject, edits []schemas.Edit, row int) {
	if s.left == 0 {
		return
	}
	s.left--
	s.shown++
	if s.app.format == "json" {
		s.json(source, position, what, reject, edits)
		return
	}
	fmt.Fprintf(s.app.out, "%s\n", s.paint("1", fmt.Sprintf("%s, position %d: %s", source, position, what)))
	if reject != nil {
		fmt.Fprintf(s.app.out, "  %s: %s\n\n", s.paint("31", reject.Reason), visible(strings.TrimSpace(reject.Field+" "+reject.Detail)))
		return
	}
	turns, fault := b.View.Turns(row)
	if fault != nil {
		return
	}
	for len(edits) > 0 {
		k := 1
		for k < len(edits) && edits[k].Slot == edits[0].Slot && edits[k].Turn == edits[0].Turn && edits[k].Op == schemas.Splice && edits[0].Op == schemas.Splice {
			k++
		}
		s.change(turns, edits[:k])
		edits = edits[k:]
	}
	fmt.Fprintln(s.app.out)
}

func (s *shower) json(source string, position int64, what string, reject *pipeline.Reject, edits []schemas.Edit) {
	type change struct {
		Column string `json:"column"`
		Turn   int32  `json:"turn"`
		Op     string `json:"op"`
		At     int32  `json:"at"`
		Old    string `json:"old,omitempty"`
		New    string `json:"new,omitempty"`
	}
	out := map[string]any{"source": source, "position": position, "phase": what}
	if reject != nil {
		out["reason"], out["field"], out["detail"] = reject.Reason, reject.Field, reject.Detail
	}
	changes := []change{}
	for _, e := range edits {
		changes = append(changes, change{s.pipeline.Layout.Slots[e.Slot].Name, e.Turn, [...]string{"splice", "insert_turn", "delete_turn"}[e.Op], e.At, e.Old, e.New})
	}
	out["changes"] = changes
	if b, err := json.Marshal(out); err == nil {
		fmt.Fprintf(s.app.out, "%s\n", b)
	}
}

// around is how much unchanged text is shown on either side of a change.
const around = 60

// change prints the edits of one turn: what goes in red, what comes in green.
func (s *shower) change(turns []schemas.Turn, edits []schemas.Edit) {
	e := edits[0]
	switch e.Op {
	case schemas.InsertTurn:
		fmt.Fprintf(s.app.out, "  %s %s\n", s.paint("2", "+ "+orRole(e.Role)), s.added(e.New))
		return
	case schemas.DeleteTurn:
		fmt.Fprintf(s.app.out, "  %s %s\n", s.paint("2", "- "+orRole(e.Role)), s.removed(e.Old))
		return
	}
	for _, t := range turns {
		if t.Slot != e.Slot || t.Index != e.Turn {
			continue
		}
		text := string(t.Text)
		if raw := t.JSON(); raw != nil {
			text = string(raw)
		}
		var b strings.Builder
		at := 0
		for i, x := range edits {
			before := text[at:x.At]
			if i == 0 {
				before = clipHead(before)
			}
			b.WriteString(visible(before) + s.removed(x.Old) + s.added(x.New))
			at = int(x.At) + len(x.Old)
		}
		b.WriteString(visible(clipTail(text[at:])))
		fmt.Fprintf(s.app.out, "  %s %s\n", s.paint("2", "~ "+t.Role.String()), b.String())
	}
}

func orRole(r string) string {
	if r == "" {
		return "turn"
	}
	return r
}

func (s *shower) added(text string) string {
	if text == "" {
		return ""
	}
	if !s.color {
		return "{+" + visible(text) + "+}"
	}
	return s.paint("32", visible(text))
}

func (s *shower) removed(text string) string {
	if text == "" {
		return ""
	}
	if !s.color {
		return "[-" + visible(text) + "-]"
	}
	return s.paint("9;31", visible(text))
}

func (s *shower) paint(code, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func clipHead(s string) string {
	if r := []rune(s); len(r) > around {
		return "…" + string(r[len(r)-around:])
	}
	return s
}

func clipTail(s string) string {
	if r := []rune(s); len(r) > around {
		return string(r[:around]) + "…"
	}
	return s
}

// visible shows line ends and control characters, so that a record cannot steer the terminal.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString("⏎")
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x2066 || r == 0x2067:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
