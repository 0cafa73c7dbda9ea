// Package overlap finds records that stand in both phases, in memory that does not grow with the input.
package overlap

import (
	"context"
	"errors"
	"fmt"

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

// Enough is how many rows a record of keys should have: what a record costs to write and to read again does not count then.
const Enough = 8 << 10

// A Builder collects keys. Its zero value is empty.
type Builder struct {
	phase      []uint8
	conv, user []uint64
}

// Append adds the rows that are of a phase.
func (b *Builder) Append(phases []pipeline.Phase, keys []pipeline.Key) {
	for i, ph := range phases {
		if ph == pipeline.PhaseTrain || ph == pipeline.PhaseTest {
			b.phase = append(b.phase, uint8(ph))
			b.conv, b.user = append(b.conv, keys[i].Conversation), append(b.user, keys[i].User)
		}
	}
}

// Len is the number of rows since the last record.
func (b *Builder) Len() int { return len(b.phase) }

// Record makes a record of them. It is good until the next Append.
func (b *Builder) Record() arrow.Record {
	n := len(b.phase)
	columns := make([]arrow.Array, Schema.NumFields())
	for i, c := range [][]byte{b.phase, arrow.Uint64Traits.CastToBytes(b.conv), arrow.Uint64Traits.CastToBytes(b.user)} {
		columns[i] = array.MakeFromData(array.NewData(Schema.Field(i).Type, n, []*memory.Buffer{nil, memory.NewBufferBytes(c)}, nil, 0, 0))
	}
	b.phase, b.conv, b.user = b.phase[:0], b.conv[:0], b.user[:0]
	return array.NewRecord(Schema, columns, int64(n))
}

// each calls f for the columns of each batch: phases, and keys of conversations and of user prompts.
func (k Keys) each(ctx context.Context, f func(phases []uint8, conv, user []uint64) error) error {
	for _, name := range k.Files {
		if err := k.eachOf(ctx, name, f); err != nil {
			return fmt.Errorf("comparing keys of %s: %w", name, err)
		}
	}
	return nil
}

func (k Keys) eachOf(ctx context.Context, name string, f func(phases []uint8, conv, user []uint64) error) (err error) {
	in, err := k.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, err := ipc.NewReader(in)
	if err != nil {
		return err
	}
	defer r.Release()
	if !r.Schema().Equal(Schema) {
		return fmt.Errorf("no key file: its columns are %s", r.Schema())
	}
	for r.Next() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		rec := r.Record()
		err := f(rec.Column(0).(*array.Uint8).Uint8Values(), rec.Column(1).(*array.Uint64).Uint64Values(), rec.Column(2).(*array.Uint64).Uint64Values())
		if err != nil {
			return err
		}
	}
	return r.Err()
}
