package commitlogtest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"

	"inoculate/pipeline/commitlog"
)

// Path returns the name itself.
func (d *Disk) Path(name string) string { return name }

// Create implements commitlog.FS.
func (d *Disk) Create(name string) (commitlog.WriteFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, base, err := d.free("create", name)
	if err != nil {
		return nil, err
	}
	n := &node{}
	d.change(&entry{dir: dir, name: base, to: n})
	return &diskFile{d: d, n: n, epoch: d.epoch}, nil
}

// Open implements commitlog.FS.
func (d *Disk) Open(name string) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a folder")}
	}
	return io.NopCloser(bytes.NewReader(slices.Clone(n.data))), nil
}

// Link implements commitlog.FS.
func (d *Disk) Link(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(from)
	if err != nil {
		return err
	}
	dir, base, err := d.free("link", to)
	if err != nil {
		return err
	}
	d.change(&entry{dir: dir, name: base, to: n})
	return nil
}

// Rename implements commitlog.FS.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(from)
	if err != nil {
		return err
	}
	sdir, sbase, err := d.parent(from)
	if err != nil {
		return err
	}
	dir, base, err := d.parent(to)
	if err != nil {
		return err
	}
	added := d.change(&entry{dir: dir, name: base, to: n})
	d.change(&entry{dir: sdir, name: sbase, needs: added})
	return nil
}

// Remove implements commitlog.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.find(name); err != nil {
		return err
	}
	dir, base, err := d.parent(name)
	if err != nil {
		return err
	}
	d.change(&entry{dir: dir, name: base})
	return nil
}

// Mkdir implements commitlog.FS.
func (d *Disk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, base, err := d.free("mkdir", name)
	if err != nil {
		return err
	}
	d.change(&entry{dir: dir, name: base, to: newDir()})
	return nil
}

// ReadDir implements commitlog.FS.
func (d *Disk) ReadDir(name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "list", Path: name, Err: errors.New("not a folder")}
	}
	return sorted(n.ents), nil
}

// Stat implements commitlog.FS.
func (d *Disk) Stat(name string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return 0, err
	}
	if n.dir {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: errors.New("is a folder, not a file")}
	}
	return int64(len(n.data)), nil
}

// SyncDir implements commitlog.FS.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return err
	}
	for _, e := range d.pending {
		if e.dir == n && !e.done {
			d.persist(e)
		}
	}
	d.pending = slices.DeleteFunc(d.pending, func(e *entry) bool { return e.done })
	return nil
}

// persist makes e durable, and what it needs; older changes of the same name are overtaken.
func (d *Disk) persist(e *entry) {
	if e.needs != nil && !e.needs.done {
		d.persist(e.needs)
	}
	for _, o := range d.pending {
		if o == e {
			break
		}
		if o.dir == e.dir && o.name == e.name {
			o.done = true
		}
	}
	e.apply()
}

type diskFile struct {
	d     *Disk
	n     *node
	epoch int
}

func (f *diskFile) alive() error {
	if f.d.off || f.epoch != f.d.epoch {
		return ErrPower
	}
	return nil
}

func (f *diskFile) Write(p []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	f.n.data = append(f.n.data, p...)
	return len(p), nil
}

func (f *diskFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	if !f.n.dropped {
		f.n.durable = slices.Clone(f.n.data)
	}
	return nil
}

func (f *diskFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return f.alive()
}

// drop is what a kernel does to dirty pages after a failed sync: it forgets them, and reports success from then on.
func (f *diskFile) drop() {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.n.dropped = true
}
