// Package commitlogtest has file systems that fail on purpose: a disk that loses power, and a wrapper that lets a test stand
// before and after every operation.
package commitlogtest

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"

	"inoculate/pipeline/commitlog"
)

// ErrPower is what every operation returns between Cut and On, and what files opened before return for ever.
var ErrPower = errors.New("power lost")

// A Disk is a file system in memory that models what survives a power loss: a file's content from its last Sync, and an
// entry of a folder (made, renamed, linked, removed) from the next SyncDir of that folder. What was not synced may or may not
// survive, each piece for itself; only a rename never loses the file: its old name goes after its new one is there.
type Disk struct {
	mu      sync.Mutex
	root    *node
	pending []*entry
	epoch   int
	off     bool
}

type node struct {
	dir           bool
	data, durable []byte
	ents, dents   map[string]*node
	dropped       bool // a sync failed: dirty pages are gone, and later syncs do nothing
}

// An entry is one change of a folder that is not durable yet.
type entry struct {
	dir   *node
	name  string
	to    *node  // nil: removed
	needs *entry // survives only if this one does
	done  bool
}

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{root: newDir()} }

func newDir() *node { return &node{dir: true, ents: map[string]*node{}, dents: map[string]*node{}} }

// Cut turns the power off.
func (d *Disk) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	d.epoch++
}

// On turns the power on again. keep decides for each change that was not synced whether it survived.
func (d *Disk) On(keep func() bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = false
	for _, e := range d.pending {
		if !e.done && (e.needs == nil || e.needs.done) && keep() {
			e.apply()
		}
	}
	d.pending = nil
	d.root.revert(keep, map[*node]bool{})
}

func (e *entry) apply() {
	e.done = true
	if e.to == nil {
		delete(e.dir.dents, e.name)
	} else {
		e.dir.dents[e.name] = e.to
	}
}

// revert makes the durable state the present one.
func (n *node) revert(keep func() bool, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if !n.dir {
		if string(n.data) != string(n.durable) && keep() && !n.dropped {
			n.durable = n.data[:len(n.data)/2] // torn
		}
		n.data = slices.Clone(n.durable)
		return
	}
	n.ents = map[string]*node{}
	for _, name := range sorted(n.dents) {
		n.ents[name] = n.dents[name]
		n.dents[name].revert(keep, seen)
	}
}

// Keep returns a choice for On from a seed: 0 loses everything, 1 keeps everything, others choose at random.
func Keep(seed uint64) func() bool {
	if seed < 2 {
		return func() bool { return seed == 1 }
	}
	r := rand.New(rand.NewPCG(seed, seed))
	return func() bool { return r.IntN(2) == 0 }
}

// Files returns every file and its content.
func (d *Disk) Files() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]string{}
	d.root.collect("", all)
	return all
}

func (n *node) collect(at string, all map[string]string) {
	for name, c := range n.ents {
		if c.dir {
			c.collect(at+name+"/", all)
		} else {
			all[at+name] = string(c.data)
		}
	}
}

// Clear removes everything, as a user who empties the folder does.
func (d *Disk) Clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.root.ents {
		d.change(&entry{dir: d.root, name: name})
	}
}

// Corrupt changes the content of a file, durably.
func (d *Disk) Corrupt(name string, f func([]byte) []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return err
	}
	n.data = f(slices.Clone(n.data))
	n.durable = slices.Clone(n.data)
	return nil
}

func sorted(m map[string]*node) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// change makes an entry visible now and durable later.
func (d *Disk) change(e *entry) *entry {
	if e.to == nil {
		delete(e.dir.ents, e.name)
	} else {
		e.dir.ents[e.name] = e.to
	}
	d.pending = append(d.pending, e)
	return e
}

func (d *Disk) find(name string) (*node, error) {
	if d.off {
		return nil, ErrPower
	}
	n := d.root
	if name == "." {
		return n, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !n.dir || n.ents[part] == nil {
			return nil, &fs.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
		}
		n = n.ents[part]
	}
	return n, nil
}

// free finds the folder for a name that must not be taken.
func (d *Disk) free(op, name string) (dir *node, base string, err error) {
	dir, base, err = d.parent(name)
	if err == nil && dir.ents[base] != nil {
		err = &fs.PathError{Op: op, Path: name, Err: fs.ErrExist}
	}
	return dir, base, err
}

func (d *Disk) parent(name string) (dir *node, base string, err error) {
	dir, err = d.find(path.Dir(name))
	if err == nil && !dir.dir {
		err = &fs.PathError{Op: "find", Path: name, Err: errors.New("not a folder")}
	}
	return dir, path.Base(name), err
}

var _ commitlog.FS = (*Disk)(nil)
var _ io.Closer = (*diskFile)(nil)
