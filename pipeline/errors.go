package pipeline

import (
	"fmt"
	"strings"
)

// An InputError says where input could not be read. It stops the run; what was committed stays good.
type InputError struct {
	Source   string // file, topic-partition
	Place    string // "row group 3, column \"messages\"", "line 17 (byte 4096)", "offset 12"; may be empty
	Field    string // column or JSON path; may be empty
	Hint     string // what to do about it; may be empty
	Position int64  // in the partition, -1 where unknown
	Err      error
}

func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString(e.Source)
	if e.Place != "" {
		fmt.Fprintf(&b, ": %s", e.Place)
	}
	if e.Field != "" {
		fmt.Fprintf(&b, ": field %s", e.Field)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

func (e *InputError) Unwrap() error { return e.Err }
