package cli

import (
	"errors"

	"inoculate/pipeline/diag"
)

// withText gives the findings of a config file the text they are in.
func withText(err error, text []byte) error {
	var l diag.List
	if errors.As(err, &l) {
		return sourceError{l, text}
	}
	return err
}
