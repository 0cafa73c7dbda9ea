package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"inoculate/pipeline/diag"
)

// pattern is a regular expression that is compiled when it is first needed.
func pattern(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

var (
	idPattern    = pattern(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	splitPattern = pattern(`^[A-Za-z0-9]\w*(\.\w+)*$`) // what `datasets` takes for a split; _… are folders of our own
)

// SourceTypes, Formats and Trainers are the names that a config may use.
var (
	Trainers    = []string{"llama-factory", "torchtune", "trl", "axolotl", "openai"}
	SourceTypes = []string{"parquet", "arrow", "jsonl", "kafka"}
	Formats     = []string{"parquet", "arrow", "jsonl", "openai", "inspect", "lm-eval", "mds", "mds-zstd"}
	columns     = []string{"parquet", "arrow", "jsonl"} // the formats that keep all of a record
)

// maxRecord is the longest record: two of them fit in a batch, whose offsets have 31 bits.
const maxRecord = 1 << 30

// maxOpenAI is the largest segment, the files of which stay below OpenAI's 512 MB with the prompts that are put in.
const maxOpenAI = 384 << 20

// Validate finds what is wrong with the values, input aside.
func (c *Config) Validate() (l diag.List) {
	say := func(path, hint, format string, args ...any) {
		l = append(l, c.At(path, fmt.Sprintf(format, args...), hint))
	}
	if c.Version != 1 {
		say("version", "write version: 1", "version %d is not known", c.Version)
	}
	if !slices.Contains(SourceTypes, c.Source.Type) {
		hint := "known types: " + strings.Join(SourceTypes, ", ")
		if near := nearest(c.Source.Type, SourceTypes); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		say("source.type", hint, "unknown source type %q", c.Source.Type)
	}
	if c.Source.Type == "kafka" {
		c.validateKafka(say)
	} else {
		c.noKafka(say)
		if len(c.Source.Paths) == 0 {
			say("source", `write paths: ["data/*.parquet"]`, "source has no paths")
		}
	}
	if c.Source.Sample < 0 {
		say("source.sample", "", "sample is a number of records, not %d", c.Source.Sample)
	}
	c.validatePrompts(say)
	c.validateArms(say)
	if !slices.Contains([]string{"fail", "reject", "report"}, c.Check.OnLeak) {
		say("check.on_leak", "", "on_leak is fail, reject or report, not %q", c.Check.OnLeak)
	}
	for i, t := range c.Check.For {
		if !slices.Contains(Trainers, t) {
			hint := "known trainers: " + strings.Join(Trainers, ", ")
			if near := nearest(t, Trainers); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			say(fmt.Sprintf("check.for[%d]", i), hint, "unknown trainer %q", t)
		}
	}
	if c.Check.Tier != "" && !slices.Contains(Tiers, c.Check.Tier) {
		say("check.tier", "", "a tier is one of %s, not %q", strings.Join(Tiers, ", "), c.Check.Tier)
	}
	c.validateSink(say)
	c.validateKafkaSink(say)
	return l
}

func (c *Config) validatePrompts(say func(path, hint, format string, args ...any)) {
	if len(c.Prompts)+len(c.Check.Variants) == 0 && c.Mode != ModeStrip { // a sealed folder may have had variants alone
		say("prompts", "", "there are no prompts: nothing to inject, strip or check")
	}
	ids, texts := map[string]int{}, map[string]int{}
	for i, p := range c.Prompts {
		at := fmt.Sprintf("prompts[%d]", i)
		switch j, twice := ids[p.ID]; {
		case p.ID == "":
			say(at, "", "prompt %d has no id", i+1)
		case !idPattern().MatchString(p.ID):
			say(at+".id", "letters, digits, and _ . - behind the first", "prompt id %q cannot be used", p.ID)
		case twice:
			say(at+".id", "", "prompts %d and %d have the same id %q", j+1, i+1, p.ID)
		}
		ids[p.ID] = i
		switch j, twice := texts[strings.ToLower(p.Text)]; {
		case strings.TrimSpace(p.Text) == "":
			say(at+".text", "", "prompt %q has no text", p.ID)
		case twice:
			say(at+".text", "", "prompts %q and %q have the same text", c.Prompts[j].ID, p.ID)
		}
		texts[strings.ToLower(p.Text)] = i
		if err := p.Placement().Check(nil); err != nil {
			say(at+".place", "", "%v", err)
		}
	}
}

func (c *Config) validateSink(say func(path, hint, format string, args ...any)) {
	if c.Sink.Path == "" {
		say("sink", "write path: out", "sink has no path")
	}
	if len(c.Sink.Format) == 0 && c.Sink.Kafka == nil {
		say("sink.format", "", "sink has no format")
	}
	for i, f := range c.Sink.Format {
		at := fmt.Sprintf("sink.format[%d]", i)
		if !slices.Contains(Formats, f) {
			hint := "known formats: " + strings.Join(Formats, ", ")
			if near := nearest(f, Formats); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			say(at, hint, "unknown format %q", f)
		} else if slices.Index(c.Sink.Format, f) != i {
			say(at, "", "format %q stands twice", f)
		}
	}
	whole := func(f string) bool { return slices.Contains(columns, f) }
	if f := c.Sink.Format; len(f) > 0 && slices.Contains(Formats, f[0]) && !slices.ContainsFunc(f, whole) {
		say("sink.format", fmt.Sprintf("write format: [jsonl, %s]", f[0]), "the format %s does not hold all of a record: it goes beside one that does, so that the run can be verified and undone", f[0])
	}
	if slices.Contains(c.Sink.Format, "openai") {
		if c.Sink.Segment > maxOpenAI {
			say("sink.segment", "", "a file of the format openai may have 512 MB: segments of %s could be larger", c.Sink.Segment)
		}
	}
	for key, name := range map[string]string{"sink.train": c.Sink.Train, "sink.test": c.Sink.Test} {
		if !splitPattern().MatchString(name) || slices.Contains(append([]string{"all", "rejects"}, Formats...), strings.ToLower(name)) {
			say(key, "letters, digits and _, as `datasets` takes them", "%q cannot name a split", name)
		}
	}
	if strings.EqualFold(c.Sink.Train, c.Sink.Test) { // one folder, where letter case does not count
		say("sink.test", "", "train and test have the same split %q", c.Sink.Test)
	}
	if c.Sink.Segment <= 0 {
		say("sink.segment", "", "a segment has no room for a record")
	}
	if c.Source.MaxRecord > maxRecord {
		say("source.max_record", "max_record: 1GiB", "a record may have 1GiB at most, not %s", c.Source.MaxRecord)
	}
	if c.Source.Type != "kafka" {
		for _, key := range []string{"segment_rows", "segment_time"} {
			if _, there := c.places["sink."+key]; there {
				say("sink."+key, "segment: 64MiB cuts by size", "%s is for sources of type kafka", key)
			}
		}
	}
	if slices.Contains(c.Sink.Format, "openai") && c.Sink.Compact > maxOpenAI {
		say("sink.compact", "", "a file of the format openai may have 512 MB: files of %s could be larger", c.Sink.Compact)
	}
	if c.Sink.Compact > 0 && slices.ContainsFunc(c.Sink.Format, func(f string) bool { return strings.HasPrefix(f, "mds") }) {
		say("sink.compact", "leave one of them out", "shards of MosaicML's streaming are not merged")
	}
	if c.Sink.SegmentRows < 0 {
		say("sink.segment_rows", "", "a segment of %d records", c.Sink.SegmentRows)
	}
	if c.Sink.SegmentTime > 0 && c.Sink.SegmentTime < Duration(time.Millisecond) {
		say("sink.segment_time", "", "records have times of a millisecond; periods are not shorter")
	}
	if !c.Streams() {
		for _, key := range []string{"every", "seal_every"} {
			if _, there := c.places["sink."+key]; there {
				say("sink."+key, "it goes with a kafka source and stop: never", "%s is for runs without an end", key)
			}
		}
	}
	if c.Sink.RowGroup <= 0 {
		say("sink.row_group", "", "a row group has no room for a record")
	}
}
