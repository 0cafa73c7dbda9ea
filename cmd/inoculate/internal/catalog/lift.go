package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
)

// lifted is a source with the members of one struct column as columns: layouts look for conversations in columns alone.
type lifted struct {
	pipeline.Source
	schema *arrow.Schema
	column int
}

// lift makes columns of the members of a column, in its place.
func lift(src pipeline.Source, column string) (pipeline.Source, error) {
	s := src.Schema()
	at := s.FieldIndices(column)
	if len(at) != 1 {
		return nil, fmt.Errorf("no column %q", column)
	}
	st, ok := s.Field(at[0]).Type.(*arrow.StructType)
	if !ok {
		return nil, fmt.Errorf("column %q is no object", column)
	}
	fields := append([]arrow.Field(nil), s.Fields()[:at[0]]...)
	fields = append(append(fields, st.Fields()...), s.Fields()[at[0]+1:]...)
	return &lifted{src, arrow.NewSchema(fields, nil), at[0]}, nil
}

func (l *lifted) Schema() *arrow.Schema { return l.schema }

func (l *lifted) Open(ctx context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	r, err := l.Source.Open(ctx, p, from)
	if err != nil {
		return nil, err
	}
	return &liftedReader{r, l}, nil
}

type liftedReader struct {
	pipeline.Reader
	source *lifted
}

func (r *liftedReader) Next(ctx context.Context) (pipeline.Batch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil || b.Record == nil {
		return b, err
	}
	rec, k := b.Record, r.source.column
	st := rec.Column(k).(*array.Struct)
	if st.NullN() > 0 {
		b.Release()
		return pipeline.Batch{}, &pipeline.InputError{Source: b.Partition.Path, Place: fmt.Sprintf("the records behind %d", b.First), Position: b.First,
			Err: errors.New("one has null in the place of " + rec.ColumnName(k))}
	}
	cols := append([]arrow.Array(nil), rec.Columns()[:k]...)
	for i := range st.NumField() {
		cols = append(cols, st.Field(i))
	}
	b.Record = array.NewRecord(r.source.schema, append(cols, rec.Columns()[k+1:]...), rec.NumRows())
	rec.Release()
	return b, nil
}
