package where

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// value is element i as CEL knows it: bool, int64, uint64, float64, string, time.Time, []any, map[string]any; nil for null.
func value(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	list := func(v arrow.Array, from, to int64) []any {
		out := make([]any, 0, to-from)
		for ; from < to; from++ {
			out = append(out, value(v, int(from)))
		}
		return out
	}
	switch a := a.(type) {
	case *array.Null: // it says of no value that it is null
		return nil
	case *array.Boolean:
		return a.Value(i)
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Uint8:
		return int64(a.Value(i))
	case *array.Uint16:
		return int64(a.Value(i))
	case *array.Uint32:
		return int64(a.Value(i))
	case *array.Uint64:
		return a.Value(i)
	case *array.Float16:
		return float64(a.Value(i).Float32())
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Date32:
		return a.Value(i).ToTime()
	case *array.Date64:
		return a.Value(i).ToTime()
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
	case *array.Binary:
		return a.Value(i)
	case *array.Map:
		from, to := a.ValueOffsets(i)
		out := make(map[string]any, to-from)
		for ; from < to; from++ {
			out[a.Keys().ValueStr(int(from))] = value(a.Items(), int(from))
		}
		return out
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		return list(a.ListValues(), from, to)
	case *array.Struct:
		out := make(map[string]any, a.NumField())
		for f, m := range a.DataType().(*arrow.StructType).Fields() {
			out[m.Name] = value(a.Field(f), i)
		}
		return out
	}
	return a.ValueStr(i)
}
