package overlap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// A Temp is a file that nobody else uses; closing deletes it.
type Temp interface {
	io.ReadWriteSeeker
	io.Closer
}

// TempIn makes a file in a folder. It has no name there, so that it goes with the process, however that ends. On Windows,
// which deletes no open file, it stands in the folder of temporary files instead.
func TempIn(dir string) (Temp, error) {
	if runtime.GOOS == "windows" {
		f, err := os.CreateTemp("", "inoculate-keys-*")
		if err != nil {
			return nil, err
		}
		return named{f}, nil
	}
	f, err := os.CreateTemp(dir, "tmp-meta-keys-*")
	if err != nil {
		return nil, err
	}
	// A collector of leftovers, which may know the name from a process that ended here, can be faster.
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("making a file without a name: %w", err), f.Close())
	}
	return f, nil
}

type named struct{ *os.File }

func (n named) Close() error { return errors.Join(n.File.Close(), os.Remove(n.Name())) }
