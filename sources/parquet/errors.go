package parquet

import (
	"errors"
	"fmt"
)

// What an error of this package wraps, beside *pipeline.InputError.
var (
	ErrCorrupt     = errors.New("corrupt Parquet data")
	ErrUnsupported = errors.New("not supported")
	ErrExpansion   = errors.New("it holds too much for its size")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}

// A fieldError says which column an error is about, until the edge turns it into a *pipeline.InputError.
type fieldError struct {
	field string
	row   int64 // row of the row group, -1 where unknown
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }
