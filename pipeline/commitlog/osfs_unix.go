//go:build !windows

package commitlog

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes the entries of an open folder durable. Some network file systems have no fsync of a folder and say so.
func syncDir(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
