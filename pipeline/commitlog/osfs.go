package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenOS opens an output folder of the local file system, and makes it (its parents too) where missing.
func OpenOS(root string) (FS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("locating output folder %s: %w", root, err)
	}
	if err := makeRoot(abs); err != nil {
		return nil, fmt.Errorf("making output folder: %w", err)
	}
	r, err := os.OpenRoot(abs) // R9: one root for the whole run; a folder put in its place is another one
	if err != nil {
		return nil, fmt.Errorf("opening output folder: %w", err)
	}
	return &osFS{root: r, name: root}, nil
}

// OpenOSExisting is OpenOS for a folder that must be there.
func OpenOSExisting(root string) (FS, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("opening output folder: %w", err)
	}
	return &osFS{root: r, name: root}, nil
}

func makeRoot(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		if parent := filepath.Dir(dir); parent != dir {
			if err := makeRoot(parent); err != nil {
				return err
			}
			err = os.Mkdir(dir, 0o777)
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	f, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(syncDir(f), f.Close()) // R11: the parents of folders that were made
}

type osFS struct {
	root *os.Root
	name string
}

func (o *osFS) Path(name string) string { return filepath.Join(o.name, filepath.FromSlash(name)) }

// at names the whole path in an error: a person reads it far from the output folder.
func (o *osFS) at(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return &fs.PathError{Op: op, Path: o.Path(name), Err: err}
}

func (o *osFS) Create(name string) (WriteFile, error) {
	f, err := o.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, o.at("create", name, err)
	}
	return &osFile{f: f, fs: o, name: name}, nil
}

func (o *osFS) Open(name string) (io.ReadCloser, error) {
	f, err := o.root.Open(name)
	if err != nil {
		return nil, o.at("open", name, err)
	}
	return f, nil
}

func (o *osFS) Link(from, to string) error   { return o.at("link", to, o.root.Link(from, to)) }
func (o *osFS) Rename(from, to string) error { return o.at("rename to", to, o.root.Rename(from, to)) }
func (o *osFS) Remove(name string) error     { return o.at("remove", name, o.root.Remove(name)) }
func (o *osFS) Mkdir(name string) error      { return o.at("mkdir", name, o.root.Mkdir(name, 0o777)) }

func (o *osFS) ReadDir(name string) ([]string, error) {
	f, err := o.root.Open(name)
	if err != nil {
		return nil, o.at("open", name, err)
	}
	names, err := f.Readdirnames(-1)
	return names, o.at("list", name, errors.Join(err, f.Close()))
}

func (o *osFS) Stat(name string) (int64, error) {
	st, err := o.root.Lstat(name)
	if err != nil {
		return 0, o.at("stat", name, err)
	}
	if st.IsDir() {
		return 0, o.at("stat", name, errors.New("is a folder, not a file"))
	}
	return st.Size(), nil
}

func (o *osFS) SyncDir(name string) error {
	f, err := o.root.Open(name)
	if err != nil {
		return o.at("open", name, err)
	}
	return o.at("fsync", name, errors.Join(syncDir(f), f.Close()))
}

type osFile struct {
	f    *os.File
	fs   *osFS
	name string
	size int64 // bytes written
	sent int64 // of them, those that are on their way to the disk
}

// sendBytes is how much of a file waits in the page cache at most before the system is asked to write it out. Sync then finds
// little left to wait for.
const sendBytes = 4 << 20

func (f *osFile) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if f.size += int64(n); f.size-f.sent >= sendBytes {
		send(f.f, f.sent, f.size-f.sent)
		f.sent = f.size
	}
	return n, f.fs.at("write", f.name, err)
}
func (f *osFile) Sync() error  { return f.fs.at("fsync", f.name, f.f.Sync()) }
func (f *osFile) Close() error { return f.fs.at("close", f.name, f.f.Close()) }
