package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/sinks/dataset"
)

func (a *app) lagCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lag FILE|DIR",
		Short: "Show how far a stream is committed, and how far behind that is",
		Long: `Show for each partition of a pipeline that reads a stream: the position up to which its output folder has it
committed, where the records that the source has begin and end, how many lie between, and how old the first of them is.
Of an output folder, sealed or being written, it shows what the folder alone knows, and asks no broker: the position up to
which each partition is committed, up to which the last seal has it, the planned end if there is one, and the age of the
last commit (by the time of its file, which copies may lose).`,
		Example: "  inoculate lag stream.yaml\n  inoculate lag out",
		Args:    exactly(1, "a pipeline file, or a folder that inoculate writes"),
		RunE: func(c *cobra.Command, args []string) error {
			if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
				return a.lagOfFolder(c, args[0])
			}
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

// folderLine is what an output folder knows of one partition. Positions are offsets where the source is Kafka.
type folderLine struct {
	Partition string   `json:"partition"`
	Committed int64    `json:"committed"` // position up to which it is committed
	Segments  int      `json:"segments"`
	Sealed    *int64   `json:"sealed"`                       // position up to which the last seal has it; null where none has
	End       *int64   `json:"end"`                          // position where it ends; null where it goes on, or ends with its file
	Seconds   *float64 `json:"commit_age_seconds,omitempty"` // since the last commit; none where there is none
}

// lagOfFolder shows how far the partitions of a folder are, by its commit log and its last seal.
func (a *app) lagOfFolder(c *cobra.Command, folder string) error {
	lines, err := folderLines(c.Context(), folder)
	if err != nil {
		return err
	}
	if a.format == "json" {
		return json.NewEncoder(a.out).Encode(lines)
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "partition\tcommitted\tsegments\tsealed\tend\tlast commit\t")
	position := func(at *int64) string {
		if at == nil {
			return "-"
		}
		return strconv.FormatInt(*at, 10)
	}
	for _, l := range lines {
		age := "-"
		if l.Seconds != nil {
			age = time.Duration(*l.Seconds*float64(time.Second)).Round(100*time.Millisecond).String() + " ago"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t\n", l.Partition, l.Committed, l.Segments, position(l.Sealed), position(l.End), age)
	}
	return w.Flush()
}

func folderLines(ctx context.Context, folder string) ([]folderLine, error) {
	fsys, err := commitlog.OpenOSExisting(folder)
	if err != nil {
		return nil, err
	}
	log, err := commitlog.Open(ctx, fsys)
	if errors.Is(err, commitlog.ErrNoRun) {
		return nil, &pipeline.InputError{Source: folder, Position: -1, Err: commitlog.ErrNoRun, Hint: "it takes a pipeline file, or the folder that its sink: {path: …} names; arms and probes are folders below that"}
	}
	if err != nil {
		return nil, err
	}
	sealed, err := sealedPositions(folder, log.Run().ID) // before the log, which is never behind it then
	if err != nil {
		return nil, err
	}
	progress, err := log.Progress(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]folderLine, len(progress))
	for i, pr := range progress {
		p := pr.Partition
		lines[i] = folderLine{Partition: p.Source, Committed: pr.Next, Segments: pr.Records}
		if at, ok := sealed[p.ID]; ok {
			lines[i].Sealed = &at
		}
		if !p.Endless() && p.End != math.MaxInt64 {
			lines[i].End = &p.End
		}
		record, err := log.Newest(p)
		if err != nil {
			return nil, err
		}
		if record == "" {
			continue
		}
		info, err := os.Stat(record)
		if err != nil {
			return nil, err
		}
		age := max(0, time.Since(info.ModTime()).Seconds())
		lines[i].Seconds = &age
	}
	return lines, nil
}

// sealedPositions are the positions up to which the last seal of a run has its partitions, by their ids; none where there was no seal.
func sealedPositions(folder, run string) (map[string]int64, error) {
	name := filepath.Join(folder, dataset.ManifestName)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := dataset.ReadManifest(data)
	if err == nil && m.Run != run {
		err = fmt.Errorf("it is of run %s, and the commit log of run %s", m.Run, run)
	}
	if err != nil {
		return nil, &pipeline.InputError{Source: name, Position: -1, Err: err}
	}
	at := make(map[string]int64, len(m.Sources))
	for _, s := range m.Sources {
		at[s.Partition] = s.Next
	}
	return at, nil
}
