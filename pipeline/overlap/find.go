package overlap

import (
	"context"
	"errors"
	"fmt"
	"io"

	"inoculate/pipeline"
)

// Counts says how many test records have a counterpart among the train records.
type Counts struct {
	Conversations int64 `json:"conversations"` // with the same roles and texts, system turns aside
	UserPrompts   int64 `json:"user_prompts"`  // with the same first user turn
	Records       int64 `json:"records"`       // train and test records that were compared
}

// Keys are the keys of a folder.
type Keys struct {
	Files []string
	Tests int64                                    // test records in Files
	Open  func(name string) (io.ReadCloser, error) // of one of Files
	Temp  func() (Temp, error)                     // where keys are put that memory cannot hold
}

// most is how many different keys of test records are in memory at once, for each of the two kinds of keys.
const most = 1 << 18

// Find compares the phases. It reads the key files twice, whatever their size: once for the test keys and once for the train
// keys. Where memory cannot hold the test keys, both are spread over temporary files by their hash, which are then compared
// one by one; train keys that no test record can have are left out before. When ctx is done, it ends with its cause.
func Find(ctx context.Context, keys Keys) (Counts, error) { return find(ctx, keys, most) }

func find(ctx context.Context, keys Keys, most int) (c Counts, err error) {
	conv, user := newSide(keys, most), newSide(keys, most)
	defer func() { err = errors.Join(err, conv.spread.Close(), user.spread.Close()) }()
	err = keys.each(ctx, func(phases []uint8, convs, users []uint64) error {
		c.Records += int64(len(phases))
		return errors.Join(conv.add(phases, convs), user.add(phases, users))
	})
	if err != nil {
		return c, err
	}
	conv.spread.testsEnd()
	user.spread.testsEnd()
	err = keys.each(ctx, func(phases []uint8, convs, users []uint64) error {
		return errors.Join(conv.look(phases, convs), user.look(phases, users))
	})
	if err != nil {
		return c, err
	}
	if c.Conversations, err = conv.end(ctx); err != nil {
		return Counts{}, err
	}
	if c.UserPrompts, err = user.end(ctx); err != nil {
		return Counts{}, err
	}
	return c, nil
}

// side compares keys of one kind. 0 says that a record has none.
type side struct {
	tests  int64
	filter filter  // of the test keys
	table  *table  // the test keys where memory holds them, or nil
	spread *spread // the test keys, and later the train keys, where it does not
}

func newSide(keys Keys, most int) *side {
	s := &side{tests: keys.Tests, filter: newFilter(keys.Tests)}
	if keys.Tests <= int64(most) {
		s.table = newTable(int(keys.Tests))
	} else {
		s.spread = newSpread(keys.Temp, 0, most)
	}
	return s
}

// add takes the keys of test records.
func (s *side) add(phases []uint8, keys []uint64) error {
	for i, k := range keys {
		if k == 0 || pipeline.Phase(phases[i]) != pipeline.PhaseTest {
			continue
		}
		s.filter.add(k)
		if s.spread != nil {
			if err := s.spread.put(k); err != nil {
				return err
			}
		} else if s.table.add(k); int64(s.table.len) > s.tests {
			return fmt.Errorf("more than the %d test records of the commit records", s.tests)
		}
	}
	return nil
}

// look looks for the keys of train records among those that were added.
func (s *side) look(phases []uint8, keys []uint64) error {
	for i, k := range keys {
		if !s.filter.has(k) || k == 0 || pipeline.Phase(phases[i]) != pipeline.PhaseTrain {
			continue
		}
		if s.spread == nil {
			s.table.look(k)
		} else if err := s.spread.put(k); err != nil {
			return err
		}
	}
	return nil
}

// end gives the number of test records whose key was looked for.
func (s *side) end(ctx context.Context) (int64, error) {
	if s.spread == nil {
		return s.table.found, nil
	}
	s.filter = filter{} // makes room for the tables
	return s.spread.compare(ctx)
}
