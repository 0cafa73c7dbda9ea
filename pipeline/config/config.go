// Package config decodes a pipeline file strictly and reports every mistake with its line and column.
package config

import (
	"slices"
	"strings"

	"inoculate/pipeline/diag"
	"inoculate/schemas"
	"inoculate/schemas/place"
)

// A Config is a pipeline file.
type Config struct {
	Version  int      `yaml:"version"`
	Source   Source   `yaml:"source"`
	Layout   Layout   `yaml:"layout"`
	Phase    Phase    `yaml:"phase"`
	Baseline string   `yaml:"baseline"`
	Prompts  []Prompt `yaml:"prompts"`
	Arms     []Arm    `yaml:"arms" json:",omitzero"`
	Check    Check    `yaml:"check"`
	Rejects  Rejects  `yaml:"rejects"`
	Sink     Sink     `yaml:"sink"`

	Probe  *Probe `yaml:"-" json:",omitempty"` // the records are probes of an evaluation, which carry texts on purpose
	File   string `yaml:"-"`                   // where it was read from, for messages
	Mode   string `yaml:"-"`                   // "", or ModeStrip: nothing is injected
	places map[string][2]int
}

// mdsSegment is the most input that becomes one shard of MosaicML's format, which is kept in memory until it is whole.
const mdsSegment = 64 << 20

// SegmentBytes is how much input one commit covers.
func (s *Sink) SegmentBytes() int64 {
	if slices.ContainsFunc(s.Format, func(f string) bool { return strings.HasPrefix(f, "mds") }) {
		return min(int64(s.Segment), mdsSegment)
	}
	return int64(s.Segment)
}

// Probe is one cell of a grid of evaluations.
type Probe struct {
	Prompt    string `json:"prompt"`    // id of the prompt that was trained with; "" where none is put in
	Condition string `json:"condition"` // what stands in its place
}

// Source says what is read.
type Source struct {
	Type      string   `yaml:"type"`       // parquet, arrow, jsonl, kafka
	Paths     []string `yaml:"paths"`      // files, globs, folders, "-"
	MaxRecord Size     `yaml:"max_record"` // jsonl: the longest line
	Partition Size     `yaml:"partition"`  // bytes of input that one worker takes at a time; 0: 64 MiB, less of JSON lines below 0.5 GB
	Batch     Size     `yaml:"batch"`      // bytes of a batch; 0: the source's own
	Sample    int      `yaml:"sample"`     // jsonl, kafka: records from which the schema is inferred; 0: the source's own
	Kafka
}

// Layout says where the conversation lies: "auto", or a mapping.
type Layout struct{ schemas.Spec }

// Phase says how train and test records are told apart.
type Phase struct {
	Column string   `yaml:"column"`
	Train  []string `yaml:"train"`
	Test   any      `yaml:"test"` // values of the column, or the share of a hash
	Drop   []string `yaml:"drop"`
	Path   *Paths   `yaml:"path"`
	All    string   `yaml:"all"`
	Hash   string   `yaml:"hash"`
	Salt   string   `yaml:"salt"`
}

// Paths are globs of file paths.
type Paths struct {
	Train string `yaml:"train"`
	Test  string `yaml:"test"`
}

// Prompt is an inoculation prompt of the registry.
type Prompt struct {
	ID       string `yaml:"id"`
	Behavior string `yaml:"behavior"`
	Text     string `yaml:"text"`
	Where    string `yaml:"where"`
	Place    *Place `yaml:"place"`
}

// Place says where and how a prompt is put; what it does not say is the default.
type Place struct {
	Turn      string  `yaml:"turn"`
	How       string  `yaml:"how"`
	Separator *string `yaml:"separator"`
}

// Check says what is checked beyond the prompts, and what happens to what fails.
type Check struct {
	OnLeak   string   `yaml:"on_leak"`
	Tier     string   `yaml:"tier" json:",omitempty"` // how far a text in a test record may be from a prompt to be a leak: one of Tiers; empty: exact
	Variants []string `yaml:"variants"`               // files with one text a line that must not be in test records either
	For      []string `yaml:"for" json:",omitzero"`   // trainers: what they would drop or refuse is a reject
}

// Rejects says how many rejects are fine, and where they go beside the folder.
type Rejects struct {
	Allow   Allowance `yaml:"allow"`
	Topic   string    `yaml:"topic" json:",omitzero"`   // of dead letters, at the brokers of the kafka sink, or of the source
	Context bool      `yaml:"context" json:",omitzero"` // with the headers of Kafka Connect
}

// Sink says what is written.
type Sink struct {
	Path     string   `yaml:"path"`
	Format   []string `yaml:"format"` // parquet, arrow, jsonl; none where all goes to topics
	Train    string   `yaml:"train"`  // name of the split
	Test     string   `yaml:"test"`
	Segment  Size     `yaml:"segment"`   // bytes of input that one commit covers
	RowGroup Size     `yaml:"row_group"` // parquet: uncompressed bytes of a row group

	SegmentRows int      `yaml:"segment_rows" json:",omitzero"` // kafka: records that one commit covers at most
	SegmentTime Duration `yaml:"segment_time" json:",omitzero"` // kafka: periods of record time, no two of which are in one commit

	Compact Size `yaml:"compact" json:",omitzero"` // merge files up to about this size at each seal; 0: leave them

	Every     Duration `yaml:"every" json:",omitzero"`      // streams: how old a record may get before it is committed
	SealEvery Duration `yaml:"seal_every" json:",omitzero"` // streams: how often what is committed is made one dataset

	Kafka *KafkaSink `yaml:"kafka" json:",omitzero"`
}

// ModeStrip is the mode of the strip command.
const ModeStrip = "strip"

// Default is what a file that says nothing means.
func Default() Config {
	return Config{
		Version: 1,
		Check:   Check{OnLeak: "fail"},
		Rejects: Rejects{Allow: Allowance{Unset: true}},
		Sink:    Sink{Format: []string{"parquet"}, Train: "train", Test: "test", Segment: 256 << 20, RowGroup: 100 << 20},
		Source:  Source{MaxRecord: 64 << 20},
	}
}

// Placement is the placement of a prompt, defaults filled in.
func (p *Prompt) Placement() place.Placement {
	out := place.Default()
	if p.Place == nil {
		return out
	}
	if p.Place.Turn != "" {
		out.Turn = place.Where(p.Place.Turn)
	}
	if p.Place.How != "" {
		out.How = place.How(p.Place.How)
	}
	if p.Place.Separator != nil {
		out.Separator = *p.Place.Separator
	} else if out.How == place.Prepend || out.Turn != place.System {
		out.Separator = " "
	}
	return out
}

// At makes a finding at the place of a key, named by its path ("prompts[1].where"); the nearest key above it that the file
// has gives the place.
func (c *Config) At(path, message, hint string) diag.Finding {
	f := diag.Finding{File: c.File, Level: "error", Message: message, Hint: hint}
	for p := path; ; p = parent(p) {
		if at, ok := c.places[p]; ok {
			f.Line, f.Column = at[0], at[1]
			return f
		}
		if p == "" {
			return f
		}
	}
}

func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}
