package commitlog

import (
	"encoding/json"
	"fmt"
	"time"

	"inoculate/pipeline"
)

// formatVersion changes when an older program could misread the folder.
const formatVersion = 1

// A Run is what a folder was made from. ID, Version and Created are taken from the first start; the others must be the same
// at each later one.
type Run struct {
	Format        int                  `json:"format"`  // set by Start
	ID            string               `json:"id"`      // part of every key and file name; empty: chosen at random
	Version       string               `json:"version"` // of the program, for people
	Created       time.Time            `json:"created"` // for people; zero: now
	ConfigSHA256  string               `json:"config_sha256"`
	PromptsSHA256 string               `json:"prompts_sha256"`
	SchemaSHA256  string               `json:"schema_sha256"`
	Config        string               `json:"config"`                 // the text behind the hash
	Prompts       string               `json:"prompts"`                // likewise; JSON
	Schema        string               `json:"schema"`                 // likewise
	ArrowSchema   []byte               `json:"arrow_schema,omitempty"` // the same, as an Arrow stream without rows
	Plan          []pipeline.Partition `json:"plan"`
}

func (r *Run) check() error {
	if r.Format != formatVersion {
		return fmt.Errorf("format %d of the folder is not %d: written by another version of the program", r.Format, formatVersion)
	}
	if err := checkRunID(r.ID); err != nil {
		return err
	}
	return checkPlan(r.Plan)
}

func decodeRun(data []byte) (Run, string, error) {
	var r Run
	hash, err := decode(data, &r)
	if err != nil {
		return Run{}, "", err
	}
	if err := r.check(); err != nil {
		return Run{}, "", err
	}
	return r, hash, nil
}

// mismatch compares the run record of a folder with the run that somebody wants. R8.
func (r *Run) mismatch(folder string, want *Run) error {
	for _, c := range []struct{ what, have, want string }{
		{"config", r.ConfigSHA256, want.ConfigSHA256},
		{"set of prompts", r.PromptsSHA256, want.PromptsSHA256},
		{"schema", r.SchemaSHA256, want.SchemaSHA256},
		{"plan", planHash(r.Plan), planHash(want.Plan)},
	} {
		if c.have == c.want || mutant == mutNoRunCheck {
			continue
		}
		e := &MismatchError{Folder: folder, What: c.what, Have: c.have, Want: c.want}
		if c.what == "plan" {
			e.Detail = planDiff(r.Plan, want.Plan)
		}
		return e
	}
	return nil
}

func planHash(plan []pipeline.Partition) string {
	b, err := json.Marshal(plan)
	if err != nil { // strings and numbers only
		panic(err)
	}
	if len(plan) == 0 {
		b = []byte("[]")
	}
	return hashOf(b)
}

func planDiff(have, want []pipeline.Partition) string {
	for i := range min(len(have), len(want)) {
		if have[i] == want[i] {
			continue
		}
		h, w := have[i], want[i]
		if h.ID == w.ID && h.Source == w.Source && h.Fingerprint != w.Fingerprint {
			return fmt.Sprintf("the input %s has changed (fingerprint %s, now %s)", w.Source, h.Fingerprint, w.Fingerprint)
		}
		return fmt.Sprintf("partition %d was %s (%s) [%d,%d), now %s (%s) [%d,%d)",
			i, h.ID, h.Source, h.First, h.End, w.ID, w.Source, w.First, w.End)
	}
	return fmt.Sprintf("%d partitions, now %d", len(have), len(want))
}
