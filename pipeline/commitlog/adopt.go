package commitlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"inoculate/pipeline"
)

// Adopt takes a partition into the run that came up after its start, such as one that was added to a topic: its start record
// says all that the plan would have said. Only a partition without an end can be adopted, since a run with an end is done when
// its plan is. Adopting again is a no-op; another partition under the same id is a *MismatchError.
func (l *Log) Adopt(ctx context.Context, p pipeline.Partition) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !p.Endless() {
		return fmt.Errorf("adopting partition %s: it has an end, and is not planned", p.ID)
	}
	if err := checkPlan([]pipeline.Partition{p}); err != nil {
		return err
	}
	if have, ok := l.known(p.ID); ok {
		if have != p {
			return l.otherPlan(have, p)
		}
		return nil
	}
	if err := l.recheck(); err != nil { // R8
		return err
	}
	l.mu.Lock()
	l.adopted[p.ID] = p
	l.mu.Unlock()
	if _, err := l.ensureStart(ctx, p); err != nil { // R7: put-if-absent, as for a planned one
		l.mu.Lock()
		delete(l.adopted, p.ID)
		l.mu.Unlock()
		return err
	}
	return nil
}

// known gives a partition of the plan, or one that this process knows to be adopted.
func (l *Log) known(id string) (pipeline.Partition, bool) {
	if p, ok := l.parts[id]; ok {
		return p, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.adopted[id]
	return p, ok
}

func (l *Log) isAdopted(id string) bool {
	_, planned := l.parts[id]
	return !planned
}

// Partitions are the planned ones, in the order of the plan, and those that were adopted since, by any process, sorted in by
// their ids.
func (l *Log) Partitions(ctx context.Context) ([]pipeline.Partition, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !slices.ContainsFunc(l.run.Plan, pipeline.Partition.Endless) {
		return l.run.Plan, nil
	}
	names, err := l.fs.ReadDir(runDir(l.run.ID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := slices.Clone(l.run.Plan)
	for _, id := range names {
		if _, planned := l.parts[id]; planned || checkID("partition", id, 64) != nil {
			continue
		}
		p, err := l.readAdopted(id)
		if errors.Is(err, fs.ErrNotExist) { // its folder stands, its start record does not yet
			if err := l.noRecords(id); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b pipeline.Partition) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// noRecords refuses a chain that has records and no start record.
func (l *Log) noRecords(id string) error {
	names, err := l.fs.ReadDir(chainDir(l.run.ID, id))
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := parseKey(name); !ok {
			continue
		}
		if _, err := l.fs.Stat(startFile(l.run.ID, id)); !errors.Is(err, fs.ErrNotExist) {
			return err // put meanwhile: before any record
		}
		return &DamagedError{File: l.fs.Path(startFile(l.run.ID, id)), Cause: "missing, and there are records"}
	}
	return nil
}

// readAdopted learns of an adopted partition from its start record.
func (l *Log) readAdopted(id string) (pipeline.Partition, error) {
	if p, ok := l.known(id); ok {
		return p, nil
	}
	name := startFile(l.run.ID, id)
	data, err := readAll(l.fs, name)
	if err != nil {
		return pipeline.Partition{}, err
	}
	var s startRecord
	if _, err := decode(data, &s); err != nil {
		return pipeline.Partition{}, &DamagedError{File: l.fs.Path(name), Cause: "not a start record", Err: err}
	}
	if s.Adopted == nil || s.Adopted.ID != id || !s.Adopted.Endless() {
		return pipeline.Partition{}, &DamagedError{File: l.fs.Path(name), Cause: fmt.Sprintf("partition %s is not planned, and was not adopted", id)}
	}
	if _, err := l.checkStart(*s.Adopted, data); err != nil {
		return pipeline.Partition{}, err
	}
	l.mu.Lock()
	l.adopted[id] = *s.Adopted
	l.mu.Unlock()
	return *s.Adopted, nil
}
