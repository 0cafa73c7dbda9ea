// Package phase decides which side of the separation each record belongs to.
package phase

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
)

// Config says how phases are told apart: exactly one of Column, Path, Source, All and Hash.
type Config struct {
	Column string   // values of this column
	Train  []string // its values that mean train; empty: Hugging Face's names
	Test   []string // its values that mean test; empty: Hugging Face's names
	Drop   []string // its values whose records are left out, and counted

	Path      bool   // the path of the file
	PathTrain string // glob of train files; with PathTest empty: Hugging Face's names in the path
	PathTest  string // glob of test files

	Source []SourcePhase // what a source's path is called, whole; the topics of a stream

	All string // "train" or "test": every record

	Hash     string  // hash of this column
	Fraction float64 // share of test records, 0 to 1
	Salt     string
}

// A SourcePhase gives everything that comes from one path a phase.
type SourcePhase struct {
	Path  string
	Phase pipeline.Phase
}

// Phase is the transform.
type Phase struct{ Config }

// Bind checks the column.
func (p *Phase) Bind(in *arrow.Schema) (pipeline.Applier, error) {
	name := p.Column + p.Hash
	if name == "" {
		return &applier{Config: p.Config, column: -1}, nil
	}
	ix := in.FieldIndices(name)
	if len(ix) != 1 {
		return nil, fmt.Errorf("phase: the input has no column %q; it has %s", name, columns(in))
	}
	if id := in.Field(ix[0]).Type.ID(); p.Hash != "" && id != arrow.STRING && id != arrow.LARGE_STRING && !arrow.IsInteger(id) {
		return nil, fmt.Errorf("phase: column %q is %s; hash takes text or whole numbers", name, in.Field(ix[0]).Type)
	}
	return &applier{Config: p.Config, column: ix[0]}, nil
}

func columns(s *arrow.Schema) string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

type applier struct {
	Config
	column int
	last   string // the value seen last, and what it means
	phase  pipeline.Phase
	some   bool
}

// Apply fills b.Phases.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	switch {
	case a.All != "":
		fill(b, word(a.All))
		return nil
	case a.Path, a.Source != nil:
		ph := a.ofPath(b.Partition.Path)
		if ph == pipeline.PhaseNone {
			for i := range b.Phases {
				b.Reject(i, "phase_unknown", "", fmt.Sprintf("the path %s names no phase", b.Partition.Path))
			}
			return nil
		}
		fill(b, ph)
		return nil
	}
	col := b.Record.Column(a.column)
	value := values(col)
	for i := range b.Phases {
		if col.IsNull(i) {
			b.Reject(i, "phase_null", a.Column+a.Hash, "the phase cannot be told: null")
			continue
		}
		v := value(i)
		if a.Hash != "" {
			b.Phases[i] = a.ofHash(v)
			continue
		}
		if !a.some || v != a.last {
			a.last, a.phase, a.some = strings.Clone(v), a.ofValue(v), true
		}
		if b.Phases[i] = a.phase; a.phase == pipeline.PhaseNone {
			b.Reject(i, "phase_unknown", a.Column, fmt.Sprintf("%.64q names no phase", v))
		}
	}
	return nil
}

func fill(b *pipeline.Batch, ph pipeline.Phase) {
	for i := range b.Phases {
		b.Phases[i] = ph
	}
}

func values(col arrow.Array) func(int) string {
	switch c := col.(type) {
	case *array.String:
		return c.Value
	case *array.LargeString:
		return c.Value
	}
	return col.ValueStr
}

func (a *applier) ofValue(v string) pipeline.Phase {
	switch {
	case slices.Contains(a.Train, v):
		return pipeline.PhaseTrain
	case slices.Contains(a.Test, v):
		return pipeline.PhaseTest
	case slices.Contains(a.Drop, v):
		return pipeline.PhaseFiltered
	case len(a.Train)+len(a.Test) == 0:
		return word(v)
	}
	return pipeline.PhaseNone
}

// ofHash puts a fixed share of all values on the test side. It depends on salt and value alone.
func (a *applier) ofHash(v string) pipeline.Phase {
	sum := sha256.Sum256([]byte(a.Salt + "\x00" + v))
	if float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53) < a.Fraction {
		return pipeline.PhaseTest
	}
	return pipeline.PhaseTrain
}

func (a *applier) ofPath(path string) pipeline.Phase {
	for _, s := range a.Source {
		if s.Path == path {
			return s.Phase
		}
	}
	if a.Source != nil {
		return pipeline.PhaseNone
	}
	train, test := a.PathTrain != "" && globMatch(a.PathTrain, path), a.PathTest != "" && globMatch(a.PathTest, path)
	switch {
	case a.PathTrain+a.PathTest == "":
		return ofName(path)
	case train == test: // neither, or both
		return pipeline.PhaseNone
	case train:
		return pipeline.PhaseTrain
	}
	return pipeline.PhaseTest
}

// Check says what is wrong with the config.
func (c *Config) Check() error {
	ways := 0
	for _, w := range []bool{c.Column != "", c.Path, c.Source != nil, c.All != "", c.Hash != ""} {
		if w {
			ways++
		}
	}
	switch {
	case ways == 0:
		return fmt.Errorf("phase: say how phases are told apart: {column: …}, {path: …}, {all: train} or {hash: …}")
	case ways > 1:
		return fmt.Errorf("phase: only one of column, path, all and hash")
	case c.All != "" && c.All != "train" && c.All != "test":
		return fmt.Errorf("phase: all is train or test, not %q", c.All)
	case c.Hash != "" && (c.Fraction < 0 || c.Fraction > 1 || math.IsNaN(c.Fraction)):
		return fmt.Errorf("phase: test is a share between 0 and 1, not %v", c.Fraction)
	case len(c.Train) > 0 && len(c.Test)+len(c.Drop) == 0, len(c.Test) > 0 && len(c.Train)+len(c.Drop) == 0:
		return fmt.Errorf("phase: name the values of both phases, train and test")
	}
	for i, v := range slices.Concat(c.Train, c.Test) {
		if i < len(c.Train) && slices.Contains(c.Test, v) || slices.Contains(c.Drop, v) {
			return fmt.Errorf("phase: %q means two things", v)
		}
	}
	return nil
}
