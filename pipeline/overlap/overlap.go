// Package overlap finds records that stand in both phases, in memory that does not grow with the input.
package overlap

import (
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// Folder is where the keys stand below the output folder.
const Folder = "_keys"

// Schema is the schema of key files, which are Arrow streams: one row for each train and test record.
var Schema = arrow.NewSchema([]arrow.Field{
	{Name: "phase", Type: arrow.PrimitiveTypes.Uint8},
	{Name: "conversation", Type: arrow.PrimitiveTypes.Uint64},
	{Name: "user", Type: arrow.PrimitiveTypes.Uint64},
}, nil)

// Record makes a record of keys; nil where no row is of a phase. The caller releases it.
func Record(mem memory.Allocator, phases []pipeline.Phase, keys []pipeline.Key) (arrow.Record, int) {
	b := array.NewRecordBuilder(mem, Schema)
	defer b.Release()
	b.Reserve(len(phases))
	phase, conv, user := b.Field(0).(*array.Uint8Builder), b.Field(1).(*array.Uint64Builder), b.Field(2).(*array.Uint64Builder)
	for i, ph := range phases {
		if ph == pipeline.PhaseTrain || ph == pipeline.PhaseTest {
			phase.UnsafeAppend(uint8(ph))
			conv.UnsafeAppend(keys[i].Conversation)
			user.UnsafeAppend(keys[i].User)
		}
	}
	n := phase.Len()
	if n == 0 {
		return nil, 0
	}
	return b.NewRecord(), n
}

// Counts says how many test records have a counterpart among the train records.
type Counts struct {
	Conversations int64 `json:"conversations"` // with the same roles and texts, system turns aside
	UserPrompts   int64 `json:"user_prompts"`  // with the same first user turn
}

// perPass is how many keys of test records are held at once.
const perPass = 1 << 19

// Find compares the phases. tests is the number of test records; open opens the key files one after the other, which are
// read once for the test keys and once for the train keys, in as many passes as the test keys need.
func Find(files []string, tests int64, open func(name string) (io.ReadCloser, error)) (c Counts, err error) {
	passes := uint64(max(1, (tests+perPass-1)/perPass))
	for pass := range passes {
		conv, user := newSide(tests, passes), newSide(tests, passes)
		err := each(files, open, func(ph pipeline.Phase, k pipeline.Key) {
			if ph == pipeline.PhaseTest {
				conv.add(k.Conversation, pass, passes)
				user.add(k.User, pass, passes)
			}
		})
		if err != nil {
			return c, err
		}
		conv.seal()
		user.seal()
		err = each(files, open, func(ph pipeline.Phase, k pipeline.Key) {
			if ph == pipeline.PhaseTrain {
				conv.look(k.Conversation)
				user.look(k.User)
			}
		})
		if err != nil {
			return c, err
		}
		c.Conversations += conv.found
		c.UserPrompts += user.found
	}
	return c, nil
}

// side are the test keys of one kind, with a filter before them and a mark for those that were found.
type side struct {
	keys   []uint64 // sorted; repeated ones stand together
	seen   []bool   // of the first of each
	filter []uint64
	shift  uint
	found  int64 // test records
}

// newSide has room for the keys of one pass, which are spread by their remainders.
func newSide(tests int64, passes uint64) *side {
	n := tests / int64(passes)
	return &side{keys: make([]uint64, 0, n+n/16+64)}
}

func (s *side) add(k, pass, passes uint64) {
	if k != 0 && k%passes == pass {
		s.keys = append(s.keys, k)
	}
}

func (s *side) seal() {
	slices.Sort(s.keys)
	s.seen = make([]bool, len(s.keys))
	s.shift = 58
	for n := 64; n < 16*len(s.keys); n *= 2 {
		s.shift--
	}
	s.filter = make([]uint64, max(1, 1<<(64-s.shift)/64))
	for _, k := range s.keys {
		b := k >> s.shift
		s.filter[b>>6] |= 1 << (b & 63)
	}
}

func (s *side) look(k uint64) {
	if b := k >> s.shift; s.filter[b>>6]>>(b&63)&1 == 0 {
		return
	}
	i, ok := slices.BinarySearch(s.keys, k)
	if !ok || s.seen[i] {
		return
	}
	s.seen[i] = true
	for ; i < len(s.keys) && s.keys[i] == k; i++ {
		s.found++
	}
}

// each calls f for every key of the files.
func each(files []string, open func(string) (io.ReadCloser, error), f func(pipeline.Phase, pipeline.Key)) error {
	for _, name := range files {
		if err := eachOf(name, open, f); err != nil {
			return fmt.Errorf("reading keys of %s: %w", name, err)
		}
	}
	return nil
}

func eachOf(name string, open func(string) (io.ReadCloser, error), f func(pipeline.Phase, pipeline.Key)) error {
	in, err := open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	r, err := ipc.NewReader(in)
	if err != nil {
		return err
	}
	defer r.Release()
	if !r.Schema().Equal(Schema) {
		return fmt.Errorf("no key file: its columns are %s", r.Schema())
	}
	for r.Next() {
		rec := r.Record()
		phase, conv, user := rec.Column(0).(*array.Uint8).Uint8Values(), rec.Column(1).(*array.Uint64).Uint64Values(), rec.Column(2).(*array.Uint64).Uint64Values()
		for i := range phase {
			f(pipeline.Phase(phase[i]), pipeline.Key{Conversation: conv[i], User: user[i]})
		}
	}
	return r.Err()
}
