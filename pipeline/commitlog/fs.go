package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// FS is the small set of file operations the protocol needs. Names are slash-separated and relative to the output folder;
// "." is the folder itself. Errors wrap fs.ErrExist and fs.ErrNotExist where they apply. Methods may be called at once.
type FS interface {
	Create(name string) (WriteFile, error)    // a new file; fs.ErrExist where the name is taken
	Open(name string) (io.ReadCloser, error)  // for reading
	Link(from, to string) error               // a second name; fs.ErrExist where `to` is taken, atomically
	Rename(from, to string) error             // replaces a file at `to`
	Remove(name string) error                 // a file
	Mkdir(name string) error                  // fs.ErrExist where the name is taken
	ReadDir(name string) ([]string, error)    // the names in a folder, in any order
	Stat(name string) (size int64, err error) // of a file
	SyncDir(name string) error                // makes the entries of a folder durable
	Path(name string) string                  // what a person calls it, for messages
}

// A WriteFile is a file being written. Sync makes its content durable, not its name.
type WriteFile interface {
	io.WriteCloser
	Sync() error
}

// maxRecord bounds what is read into memory as a record: a run record with a plan of a million partitions.
const maxRecord = 1 << 30

func readAll(fsys FS, name string) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", fsys.Path(name), err)
	}
	if len(data) > maxRecord {
		return nil, &DamagedError{File: fsys.Path(name), Cause: "larger than any record"}
	}
	return data, nil
}

// ensureDir makes a folder and its parents where missing, and syncs the parent of each level. It does so also where the folder
// is there already: another process may have made it and not come to the sync yet.
func ensureDir(fsys FS, name string) error {
	if name == "." {
		return nil
	}
	parent := path.Dir(name)
	if err := ensureDir(fsys, parent); err != nil {
		return err
	}
	return makeDir(fsys, name)
}

// makeDir is ensureDir for one level: it fails where the parent is missing.
func makeDir(fsys FS, name string) error {
	if err := fsys.Mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if mutant == mutNoParentSync {
		return nil
	}
	return fsys.SyncDir(path.Dir(name)) // R11: the parents of folders that were made
}
