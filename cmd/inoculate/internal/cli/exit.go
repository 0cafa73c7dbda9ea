package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"inoculate/cmd/inoculate/internal/verify"
	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/engine"
	"inoculate/schemas"
	"inoculate/transforms/check"
)

// The exit codes.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitIncomplete = 3
	exitLeak       = 4
)

// errStopped is why work in flight is given up.
var errStopped = errors.New("stopped; what was committed stays, and the same command goes on from there")

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// codeError carries an exit code whose reason was printed already.
type codeError struct {
	code int
	msg  string
}

func (e codeError) Error() string { return e.msg }

// sourceError is a config's findings with the text they are in.
type sourceError struct {
	list diag.List
	text []byte
}

func (e sourceError) Error() string { return e.list.Error() }

// exitCode says what an error means to the caller of the program.
func exitCode(err error) int {
	var (
		code      codeError
		usage     usageError
		source    sourceError
		list      diag.List
		layout    *schemas.LayoutError
		mismatch  *commitlog.MismatchError
		notEmpty  *commitlog.NotEmptyError
		violation *check.ViolationError
		input     *pipeline.InputError
		open      *commitlog.IncompleteError
		rejects   *engine.RejectsError
		damaged   *commitlog.DamagedError
		broken    *verify.DamageError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return code.code
	case errors.As(err, &violation):
		return exitLeak
	case errors.As(err, &input), errors.As(err, &open), errors.As(err, &rejects), errors.As(err, &damaged), errors.As(err, &broken),
		errors.Is(err, engine.ErrDrained), errors.Is(err, errStopped), errors.Is(err, context.Canceled):
		return exitIncomplete
	case errors.As(err, &usage), errors.As(err, &source), errors.As(err, &list), errors.As(err, &layout), errors.As(err, &mismatch), errors.As(err, &notEmpty):
		return exitUsage
	}
	return exitFailed
}

// finish prints the error and returns its exit code.
func (a *app) finish(err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	var source sourceError
	var list diag.List
	var printErr error
	switch {
	case errors.As(err, &source) && a.format == "json":
		printErr = source.list.JSON(a.out)
	case errors.As(err, &source) && a.format == "github":
		printErr = source.list.GitHub(a.out)
	case errors.As(err, &source):
		printErr = source.list.Text(a.errOut, source.text)
	case a.format == "json":
		msg, mErr := json.Marshal(map[string]any{"error": err.Error(), "exit_code": code})
		if mErr == nil {
			fmt.Fprintf(a.errOut, "%s\n", msg)
		}
	case errors.As(err, &list):
		printErr = list.Text(a.errOut, nil)
	default:
		fmt.Fprintf(a.errOut, "inoculate: %v\n", err)
	}
	if printErr != nil {
		fmt.Fprintf(a.errOut, "inoculate: printing findings: %v\n", printErr)
	}
	return code
}
