package commitlogtest

import (
	"io"
	"sync/atomic"

	"inoculate/pipeline/commitlog"
)

// An Op is one operation on a file system.
type Op struct {
	N    int64  // 1 for the first one
	Kind string // "create", "open", "link", "rename", "remove", "mkdir", "readdir", "stat", "syncdir", "write", "sync", "close"
	Name string // of the file; for link and rename the new name
	From string // link and rename: the old name
}

// Changes tells whether the operation may change what others see.
func (o Op) Changes() bool {
	switch o.Kind {
	case "create", "link", "rename", "remove", "mkdir", "write":
		return true
	}
	return false
}

// A Hook stands around every operation: it calls do, or not, and returns what the caller shall see. For a failed "sync" on a
// Disk the unsynced content is lost, as it is in a kernel.
type Hook func(op Op, do func() error) error

// Wrap puts a hook around a file system.
func Wrap(fsys commitlog.FS, hook Hook) commitlog.FS { return &hooked{fs: fsys, hook: hook} }

type hooked struct {
	fs   commitlog.FS
	hook Hook
	n    atomic.Int64
}

func (h *hooked) call(kind, name, from string, do func() error) error {
	return h.hook(Op{N: h.n.Add(1), Kind: kind, Name: name, From: from}, do)
}

func (h *hooked) Path(name string) string { return h.fs.Path(name) }

func (h *hooked) Create(name string) (commitlog.WriteFile, error) {
	var f commitlog.WriteFile
	err := h.call("create", name, "", func() (err error) { f, err = h.fs.Create(name); return err })
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return &hookedFile{h: h, f: f, name: name}, nil
}

func (h *hooked) Open(name string) (io.ReadCloser, error) {
	var f io.ReadCloser
	err := h.call("open", name, "", func() (err error) { f, err = h.fs.Open(name); return err })
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return f, nil
}

func (h *hooked) Link(from, to string) error {
	return h.call("link", to, from, func() error { return h.fs.Link(from, to) })
}

func (h *hooked) Rename(from, to string) error {
	return h.call("rename", to, from, func() error { return h.fs.Rename(from, to) })
}

func (h *hooked) Remove(name string) error {
	return h.call("remove", name, "", func() error { return h.fs.Remove(name) })
}

func (h *hooked) Mkdir(name string) error {
	return h.call("mkdir", name, "", func() error { return h.fs.Mkdir(name) })
}

func (h *hooked) SyncDir(name string) error {
	return h.call("syncdir", name, "", func() error { return h.fs.SyncDir(name) })
}

func (h *hooked) ReadDir(name string) (names []string, err error) {
	err = h.call("readdir", name, "", func() (err error) { names, err = h.fs.ReadDir(name); return err })
	return names, err
}

func (h *hooked) Stat(name string) (size int64, err error) {
	err = h.call("stat", name, "", func() (err error) { size, err = h.fs.Stat(name); return err })
	return size, err
}

type hookedFile struct {
	h    *hooked
	f    commitlog.WriteFile
	name string
}

func (f *hookedFile) Write(p []byte) (n int, err error) {
	err = f.h.call("write", f.name, "", func() (err error) { n, err = f.f.Write(p); return err })
	return n, err
}

func (f *hookedFile) Sync() error {
	err := f.h.call("sync", f.name, "", f.f.Sync)
	if d, ok := f.f.(interface{ drop() }); ok && err != nil {
		d.drop()
	}
	return err
}

func (f *hookedFile) Close() error {
	err := f.h.call("close", f.name, "", f.f.Close)
	if err != nil {
		f.f.Close()
	}
	return err
}
