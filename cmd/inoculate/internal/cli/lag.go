package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
)

func (a *app) lagCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lag FILE",
		Short: "Show how far a stream is committed, and how far behind that is",
		Long: `Show for each partition of a pipeline that reads a stream: the position up to which its output folder has it
committed, where the records that the source has begin and end, how many lie between, and how old the first of them is.`,
		Example: "  inoculate lag stream.yaml",
		Args:    exactly(1, "a pipeline file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPipeline(c.Context(), args[0], func(p *catalog.Pipeline, _ []byte) error { return a.lag(c, p) })
		},
	}
}

// lagLine is what is known of one partition.
type lagLine struct {
	Partition string `json:"partition"`
	Committed int64  `json:"committed"` // position up to which it is committed
	Segments  int    `json:"segments"`
	First     int64  `json:"first"` // oldest position that the source still has
	End       int64  `json:"end"`   // position after the newest record
	Lag       int64  `json:"lag"`
	Lost      int64  `json:"lost"` // positions that the source has no more and that were not committed

	Seconds *float64 `json:"lag_seconds,omitempty"` // age of the first record that is not committed
}

func (a *app) lag(c *cobra.Command, p *catalog.Pipeline) error {
	m, ok := p.Source.(pipeline.Measurer)
	if !ok {
		return usageError{fmt.Errorf("a source of type %s has no lag", p.Config.Source.Type)}
	}
	progress, err := p.Progress(c.Context())
	if err != nil {
		return err
	}
	parts := make([]pipeline.Partition, len(progress))
	for i := range progress {
		parts[i] = progress[i].Partition
	}
	extents, err := m.Extents(c.Context(), parts)
	if err != nil {
		return err
	}
	lines := make([]lagLine, len(parts))
	for i, e := range extents {
		end := e.End
		if !parts[i].Endless() {
			end = min(end, parts[i].End)
		}
		lines[i] = lagLine{parts[i].Source, progress[i].Next, progress[i].Records, e.First, end, max(0, end-progress[i].Next), max(0, e.First-progress[i].Next), nil}
	}
	if dater, ok := p.Source.(pipeline.Dater); ok {
		if err := dated(c.Context(), dater, parts, lines); err != nil {
			return err
		}
	}
	if a.format == "json" {
		return json.NewEncoder(a.out).Encode(lines)
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "partition\tcommitted\tsegments\tfirst\tend\tlag\tage\tlost\t")
	for _, l := range lines {
		age := "-"
		if l.Seconds != nil {
			age = time.Duration(*l.Seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t\n", l.Partition, l.Committed, l.Segments, l.First, l.End, l.Lag, age, l.Lost)
	}
	return w.Flush()
}

// dated says how old the first record is that is not committed: 0 where all are.
func dated(ctx context.Context, dater pipeline.Dater, parts []pipeline.Partition, lines []lagLine) error {
	from := make([]int64, len(lines))
	for i := range lines {
		from[i] = lines[i].Committed
	}
	dates, err := dater.Dates(ctx, parts, from)
	if err != nil {
		return err
	}
	for i, at := range dates {
		age := 0.0
		if !at.IsZero() && lines[i].Lag > 0 {
			age = max(0, time.Since(at).Seconds())
		}
		lines[i].Seconds = &age
	}
	return nil
}
