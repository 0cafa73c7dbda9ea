package parquet

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
)

// A file is an open Parquet file whose footer was found good.
type file struct {
	path   string
	r      io.ReaderAt
	closer io.Closer
	size   int64
	foot   *footer
	fields []*node
	leaves []*node
}

// openFile opens path and checks all that can be checked without reading data.
func openFile(path string) (f *file, err error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.InputError{Source: path, Position: -1, Err: err}
	}
	info, err := r.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = unsupported("not a regular file; a Parquet file is read from its end")
	}
	if err == nil {
		f, err = newFile(path, r, info.Size())
	}
	if err != nil {
		return nil, errors.Join(fault(path, -1, -1, err), r.Close())
	}
	f.closer = r
	return f, nil
}

// newFile reads what the size bytes of r say about themselves. It takes nothing over.
func newFile(path string, r io.ReaderAt, size int64) (f *file, err error) {
	defer recovered(&err)
	foot, err := readFooter(r, size)
	if err != nil {
		return nil, err
	}
	f = &file{path: path, r: r, size: size, foot: foot}
	if f.fields, f.leaves, err = buildSchema(foot.schema); err != nil {
		return nil, err
	}
	refine(f.fields, foot.arrowSchema)
	return f, f.checkChunks()
}

// checkChunks holds the column chunks against the schema.
func (f *file) checkChunks() error {
	for i := range f.foot.groups {
		g := &f.foot.groups[i]
		if len(g.chunks) != len(f.leaves) {
			return fault(f.path, i, -1, corrupt("%d column chunks for %d columns", len(g.chunks), len(f.leaves)))
		}
		for k, n := range f.leaves {
			c := &g.chunks[k]
			var err error
			switch {
			case c.refused != "":
				err = unsupported("%s", c.refused)
			case c.phys != n.phys:
				err = corrupt("the column chunk holds %s, the schema says %s", c.phys, n.phys)
			case !knownCodec(c.codec):
				err = unsupported("compression codec %s (%d)", c.codec, c.codec)
			case c.values < g.rows:
				err = corrupt("%d values for %d rows", c.values, g.rows)
			case n.rep == 0 && c.values > g.rows:
				err = corrupt("%d values for %d rows", c.values, g.rows)
			}
			if err != nil {
				return fault(f.path, i, -1, &fieldError{n.path, -1, err})
			}
		}
	}
	return nil
}

func (f *file) schema() *arrow.Schema {
	fs := make([]arrow.Field, len(f.fields))
	for i, n := range f.fields {
		fs[i] = n.arrowField()
	}
	return arrow.NewSchema(fs, nil)
}

// close closes what openFile opened.
func (f *file) close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// recovered turns a panic into an error, at the edge of the package: damaged input may end nowhere else.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = corrupt("decoding: %v", p)
	}
}

// fault makes err an *pipeline.InputError of a file, unless it is one. group and row (of the file) are -1 where unknown.
func fault(path string, group int, row int64, err error) error {
	if ie, ok := errors.AsType[*pipeline.InputError](err); ok {
		return ie
	}
	e := &pipeline.InputError{Source: path, Position: row, Err: err}
	if fe, ok := errors.AsType[*fieldError](err); ok {
		e.Field, e.Err = fe.field, fe.err
	}
	if errors.Is(err, ErrExpansion) {
		e.Hint = "--max-expansion sets the limit"
	}
	if group >= 0 {
		e.Place = fmt.Sprintf("row group %d", group)
	}
	if row >= 0 {
		e.Place += fmt.Sprintf(", row %d", row)
	}
	return e
}
