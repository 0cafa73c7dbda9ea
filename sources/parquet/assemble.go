package parquet

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/schemas"
)

// An assembler builds arrays from the leaves of a batch. Levels are read before the leaves are finished, which clears them.
type assembler struct {
	cols []*column
	mem  memory.Allocator
}

// assemble builds the data of n, which the caller releases.
func (a *assembler) assemble(n *node) (arrow.ArrayData, error) {
	switch n.kind {
	case leafKind:
		d, err := a.cols[n.leaf].finish()
		if err != nil {
			return nil, &fieldError{n.path, -1, err}
		}
		return d, nil
	case structKind:
		return a.structure(n)
	}
	if n.fixed > 0 {
		return a.fixedList(n)
	}
	return a.list(n)
}

func (a *assembler) structure(n *node) (arrow.ArrayData, error) {
	var valid *memory.Buffer
	nulls := 0
	if n.nullable {
		valid, nulls = a.validity(n)
		if valid != nil {
			defer valid.Release()
		}
	}
	kids := make([]arrow.ArrayData, 0, len(n.children))
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for _, c := range n.children {
		k, err := a.assemble(c)
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
		if k.Len() != kids[0].Len() {
			return nil, &fieldError{c.path, -1, corrupt("%d places, where %s has %d", k.Len(), n.children[0].path, kids[0].Len())}
		}
	}
	return array.NewData(n.arrow, kids[0].Len(), []*memory.Buffer{valid}, kids, nulls, 0), nil
}

// validity tells which slots of n are not null, by the levels of the first leaf below; nil when all are.
func (a *assembler) validity(n *node) (*memory.Buffer, int) {
	l := a.cols[n.leaf].leaf
	slot, own, outer := byte(n.slotDef), byte(n.def), byte(n.slotRep)
	slots, nulls := 0, 0
	isSlot := func(i int, d byte) bool { return d >= slot && (l.rep == 0 || l.reps[i] <= outer) }
	for i, d := range l.defs {
		if isSlot(i, d) {
			slots++
			if d < own {
				nulls++
			}
		}
	}
	if nulls == 0 {
		return nil, 0
	}
	g := gbuf{mem: a.mem}
	bits := g.bitmap(slots)
	k := 0
	for i, d := range l.defs {
		if isSlot(i, d) {
			if d >= own {
				bits[k>>3] |= 1 << (k & 7)
			}
			k++
		}
	}
	return g.take(), nulls
}

func (a *assembler) list(n *node) (arrow.ArrayData, error) {
	offs, valid, length, nulls, err := a.offsets(n)
	if err != nil {
		return nil, &fieldError{n.path, -1, err}
	}
	defer func() { offs.Release() }()
	if valid != nil {
		defer valid.Release()
	}
	child, err := a.assemble(n.children[0])
	if err != nil {
		return nil, err
	}
	defer child.Release()
	if o := arrow.Int32Traits.CastFromBytes(offs.Bytes()); int(o[length]) != child.Len() {
		return nil, &fieldError{n.path, -1, corrupt("%d elements for lists of %d", child.Len(), o[length])}
	}
	if n.kind == mapKind && child.Children()[0].NullN() > 0 {
		return nil, &fieldError{n.path, -1, unsupported("a map with a key that is null")}
	}
	if n.large {
		wide, err := widen(offs, a.mem)
		if err != nil {
			return nil, &fieldError{n.path, -1, err}
		}
		offs.Release()
		offs = wide
	}
	return array.NewData(n.arrow, length, []*memory.Buffer{valid, offs}, []arrow.ArrayData{child}, nulls, 0), nil
}

func widen(offs *memory.Buffer, mem memory.Allocator) (*memory.Buffer, error) {
	narrow := arrow.Int32Traits.CastFromBytes(offs.Bytes())
	g := gbuf{mem: mem}
	b := g.extend(8 * len(narrow))
	if b == nil {
		return nil, tooLarge
	}
	wide := arrow.Int64Traits.CastFromBytes(b)
	for i, o := range narrow {
		wide[i] = int64(o)
	}
	return g.take(), nil
}

// offsets computes where the lists of n begin and which are null, by the levels of the first leaf below.
func (a *assembler) offsets(n *node) (offs, valid *memory.Buffer, length, nulls int, err error) {
	l := a.cols[n.leaf].leaf
	def, rep := l.defs, l.reps
	og := gbuf{mem: a.mem}
	b := og.extend(4 * (len(def) + 1))
	if b == nil {
		return nil, nil, 0, 0, tooLarge
	}
	o := arrow.Int32Traits.CastFromBytes(b)
	slot, elem, own, deep := byte(n.slotDef), byte(n.elemDef), byte(n.def), byte(n.rep)
	rep = rep[:len(def)]
	end := int32(0)
	for i, d := range def {
		r := rep[i]
		if r > deep || d < slot {
			continue
		}
		if r < deep { // a new list
			o[length] = end
			length++
			if d < own {
				nulls++
			}
		}
		if d >= elem {
			end++
		}
	}
	o[length] = end
	og.n = 4 * (length + 1)
	if nulls > 0 {
		vg := gbuf{mem: a.mem}
		bits := vg.bitmap(length)
		k := 0
		for i, d := range def {
			if rep[i] >= deep || d < slot {
				continue
			}
			if d >= own {
				bits[k>>3] |= 1 << (k & 7)
			}
			k++
		}
		valid = vg.take()
	}
	return og.take(), valid, length, nulls, nil
}

// fixedList is list for a type whose every list has the same length, nulls included.
func (a *assembler) fixedList(n *node) (arrow.ArrayData, error) {
	offs, valid, length, nulls, err := a.offsets(n)
	if err != nil {
		return nil, &fieldError{n.path, -1, err}
	}
	defer offs.Release()
	if valid != nil {
		defer valid.Release()
	}
	child, err := a.assemble(n.children[0])
	if err != nil {
		return nil, err
	}
	defer func() { child.Release() }()
	o := arrow.Int32Traits.CastFromBytes(offs.Bytes())
	for i := range length {
		null := valid != nil && valid.Bytes()[i>>3]>>(i&7)&1 == 0
		if k := o[i+1] - o[i]; k != n.fixed && !(null && k == 0) {
			return nil, &fieldError{n.path, -1, corrupt("a list of %d elements instead of %d", k, n.fixed)}
		}
	}
	if int(o[length]) != child.Len() {
		return nil, &fieldError{n.path, -1, corrupt("%d elements for lists of %d", child.Len(), o[length])}
	}
	if nulls > 0 {
		padded, err := a.pad(child, valid.Bytes(), length, int(n.fixed))
		if err != nil {
			return nil, &fieldError{n.path, -1, err}
		}
		child.Release()
		child = padded
	}
	return array.NewData(n.arrow, length, []*memory.Buffer{valid}, []arrow.ArrayData{child}, nulls, 0), nil
}

// pad puts k nulls into child for every list that is null.
func (a *assembler) pad(child arrow.ArrayData, valid []byte, length, k int) (arrow.ArrayData, error) {
	if length > maxBuffer/k {
		return nil, tooLarge
	}
	isSet := func(i int) bool { return valid[i>>3]>>(i&7)&1 == 1 }
	var runs []schemas.Run
	at := 0
	for i := 0; i < length; {
		j := i
		for j < length && isSet(j) == isSet(i) {
			j++
		}
		run := schemas.Run{Start: -1, N: (j - i) * k}
		if isSet(i) {
			run.Start = at
			at += run.N
		}
		runs = append(runs, run)
		i = j
	}
	return schemas.Take(a.mem, child, runs)
}
