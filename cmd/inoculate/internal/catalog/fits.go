package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"inoculate/pipeline"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/sources/files"
)

// mostFiles is how many files of a format a split may have: what loads a folder lists them all, and opens each.
const mostFiles = 100_000

// Fits says why a plan cannot be run by this config, before anything is written.
func (p *Pipeline) Fits(plan []pipeline.Partition) error {
	return errors.Join(apart(p.Config, plan), noProbes(p.Config, plan), fewFiles(p.Config, plan))
}

// fewFiles refuses a plan that would become more files than loaders get on with: each partition has a segment at least, and each
// segment a file.
func fewFiles(c *config.Config, plan []pipeline.Partition) error {
	if !c.Sink.Files() {
		return nil
	}
	n, segment := int64(0), max(1, int64(c.Sink.Segment))
	for _, p := range plan {
		if p.Endless() {
			return nil // sink.compact keeps them few
		}
		n += max(1, p.Bytes/segment)
	}
	if n <= mostFiles {
		return nil
	}
	hint := "larger segments: sink: {segment: 64MiB}"
	if len(plan) > mostFiles {
		hint = "join the input into fewer, larger files: each is a partition of its own, and becomes a file at least"
	}
	return diag.List{c.At("sink.segment", fmt.Sprintf("the run would write about %d files of a format; loaders list and open them all, and %d are the most", n, mostFiles), hint)}
}

// apart refuses an output folder that lies in an input folder, or holds an input file: what a run wrote would be input of the
// next one.
func apart(c *config.Config, plan []pipeline.Partition) error {
	out := realPath(c.Sink.Path)
	for _, p := range c.Source.Paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() && within(realPath(p), out) {
			return diag.List{c.At("sink.path", "the output folder "+c.Sink.Path+" lies in the input folder "+p, "choose a folder beside it")}
		}
	}
	for _, p := range plan {
		if p.Path != "" && p.Path != files.Stdin && within(out, realPath(p.Path)) {
			return diag.List{c.At("sink.path", "the output folder "+c.Sink.Path+" holds the input file "+p.Path, "choose another folder")}
		}
	}
	return nil
}

// noProbes refuses input that a grid of probes holds: its records carry prompts, and are no training data and no plain test data.
func noProbes(c *config.Config, plan []pipeline.Partition) error {
	if c.Mode == config.ModeStrip {
		return nil
	}
	looked := map[string]bool{}
	for _, p := range plan {
		if p.Path == "" || p.Path == files.Stdin {
			continue
		}
		dir := filepath.Dir(realPath(p.Path))
		for range 3 { // CELL/parquet/SPLIT/part-….parquet
			if looked[dir] {
				break
			}
			looked[dir] = true
			s, err := OpenSealed(dir)
			if err == nil && s.Config.Probe != nil {
				return diag.List{c.At("source", p.Path+" has probes: records that carry a text on purpose ("+s.Config.Probe.Condition+"), for evaluations alone",
					"read the folder that they were made from; `inoculate strip` takes the texts out")}
			}
			dir = filepath.Dir(dir)
		}
	}
	return nil
}

// within tells whether path is dir, or below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// realPath is path, absolute and with its links followed as far as it exists.
func realPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for at, rest := abs, ""; ; at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return abs
		}
	}
}
