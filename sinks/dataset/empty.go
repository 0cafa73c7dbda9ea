package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"

	"inoculate/sinks/internal/columnar"
)

// emptyFile is the file of a split without rows: it has the split's schema. It is not one of part-*, the files
// with rows, and its name begins as those that are no data, so that it does no harm where it stays in a split that grows.
const emptyFile = "_empty."

// splits are the splits that have rows, train first.
func (s *Sealer) splits(m *Manifest) (out []Split) {
	for _, phase := range []string{"train", "test"} {
		if m.Splits[phase].Rows > 0 {
			out = append(out, m.Splits[phase])
		}
	}
	return out
}

// withEmpty are the splits that have rows or could have had: a run that gives every record the same phase has one split.
// load_from_disk opens a split without rows; load_dataset fails on the whole folder for it ("corresponds to no data").
func (s *Sealer) withEmpty(m *Manifest) (out []Split) {
	var c struct{ Phase struct{ All string } }
	if json.Unmarshal(m.Config, &c) != nil {
		return s.splits(m)
	}
	for _, phase := range []string{"train", "test"} {
		if m.Splits[phase].Rows > 0 || c.Phase.All == "" || c.Phase.All == phase {
			out = append(out, m.Splits[phase])
		}
	}
	return out
}

// glob is what the files of a split are called in a format.
func (s *Sealer) glob(format string, sp Split) string {
	name := "part-*."
	if sp.Rows == 0 {
		name = emptyFile
	}
	return path.Join(columnar.Folder(s.Formats, format, sp.Name), name+columnar.Ext(format))
}

// empty writes the files of splits without rows.
func (s *Sealer) empty(ctx context.Context, m *Manifest) error {
	for _, sp := range s.withEmpty(m) {
		if sp.Rows > 0 {
			continue
		}
		schema, err := DecodeSchema(m.ArrowSchema)
		if err != nil {
			return err
		}
		for _, format := range s.Formats {
			if format != columnar.Parquet && format != columnar.Arrow {
				continue
			}
			var b bytes.Buffer
			if err := columnar.WriteEmpty(&b, format, schema); err != nil {
				return fmt.Errorf("writing the split %s, which has no rows: %w", sp.Name, err)
			}
			if err := s.Log.WriteFile(ctx, s.glob(format, sp), b.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}
