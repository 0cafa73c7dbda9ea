package commitlog

import (
	"errors"
	"fmt"
	"strings"
)

// ErrFenced says that the position is decided and another owner's record stands there. Read the chain again and go on from
// its end; hand the files to Chain.Discard.
var ErrFenced = errors.New("another owner committed this position")

// ErrNoRun says that the folder has no run record.
var ErrNoRun = errors.New("no run record: not an output folder of inoculate, or no run was started in it")

// ErrLonger says that a manifest of a longer prefix is there already.
var ErrLonger = errors.New("a manifest that covers more is there already")

// A MismatchError says that the folder belongs to a run with another config, other prompts, another schema or other input.
type MismatchError struct {
	Folder string
	What   string // "config", "set of prompts", "schema", "plan", "run"
	Have   string // hash or id in the folder
	Want   string // hash or id of this run
	Detail string // the first difference, where one can be named
}

func (e *MismatchError) Error() string {
	var b strings.Builder
	if e.What == "run" {
		fmt.Fprintf(&b, "%s does not belong to run %s any more", e.Folder, e.Want)
	} else {
		fmt.Fprintf(&b, "%s belongs to a run with another %s (there %s, here %s)", e.Folder, e.What, short(e.Have), short(e.Want))
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	b.WriteString("; choose another output folder, or delete this one")
	return b.String()
}

func short(hash string) string {
	switch {
	case hash == "":
		return "none"
	case len(hash) > 12:
		return hash[:12]
	}
	return hash
}

// A NotEmptyError says that the folder has files and no run record.
type NotEmptyError struct{ Folder, Found string }

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("%s has no run record but holds %s; choose another output folder, or empty this one", e.Folder, e.Found)
}

// A DamagedError says that a record, or a file that a record names, is not what was written. Nothing is repaired by guessing.
type DamagedError struct {
	File  string
	Cause string
	Err   error // may be nil
}

func (e *DamagedError) Error() string {
	s := fmt.Sprintf("%s is damaged: %s", e.File, e.Cause)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *DamagedError) Unwrap() error { return e.Err }

// An IncompleteError says which planned partitions have not reached their end.
type IncompleteError struct{ Open []Progress }

func (e *IncompleteError) Error() string {
	p := e.Open[0]
	return fmt.Sprintf("%d partitions are not complete; the first one is %s (%s): committed up to %d of %d",
		len(e.Open), p.Partition.ID, p.Partition.Source, p.Next, p.Partition.End)
}
