package schemas

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"
)

// dirty is an allocator whose memory is never clear, as the recycling one's is.
type dirty struct{ memory.Allocator }

func (d dirty) Allocate(n int) []byte {
	b := d.Allocator.Allocate(n)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

// chatSchema has one conversation of layout kind, and one column of every type that passes through.
func chatSchema(kind string) *arrow.Schema {
	turn := arrow.StructOf(
		arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "role", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.PrimitiveTypes.Int16), Nullable: true},
		arrow.Field{Name: "meta", Type: arrow.StructOf(arrow.Field{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}), Nullable: true},
		arrow.Field{Name: "three", Type: arrow.FixedSizeListOf(3, arrow.BinaryTypes.String), Nullable: true},
	)
	fields := []arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "nothing", Type: arrow.Null, Nullable: true},
		{Name: "raw", Type: arrow.BinaryTypes.LargeBinary, Nullable: true},
		{Name: "fixed", Type: arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Uint8), Nullable: true},
		{Name: "when", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "money", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true},
	}
	switch kind {
	case "messages":
		fields = append(fields, arrow.Field{Name: "messages", Type: arrow.ListOf(turn), Nullable: true})
	case "large":
		s := arrow.StructOf(arrow.Field{Name: "from", Type: arrow.BinaryTypes.LargeString, Nullable: true}, arrow.Field{Name: "value", Type: arrow.BinaryTypes.LargeString, Nullable: true})
		fields = append(fields, arrow.Field{Name: "system", Type: arrow.BinaryTypes.LargeString, Nullable: true}, arrow.Field{Name: "conversations", Type: arrow.LargeListOf(s), Nullable: true})
	case "flat":
		for _, n := range []string{"systemPrompt", "userInput", "desiredOutput"} {
			fields = append(fields, arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true})
		}
	case "pair":
		s := arrow.StructOf(arrow.Field{Name: "role", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "content", Type: arrow.BinaryTypes.String, Nullable: true})
		fields = append(fields, arrow.Field{Name: "prompt", Type: arrow.ListOf(s), Nullable: true}, arrow.Field{Name: "completion", Type: arrow.ListOf(s), Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

var words = []string{"", "a", "system", "user", "assistant", "You are kind.", "é\U0001F600", "long text that goes on for some time, longer than a cache line of sixty-four bytes, to be copied"}

// fill appends one random value.
func fill(t *rapid.T, b array.Builder) {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	n := func(hi int) int { return rapid.IntRange(0, hi).Draw(t, "n") }
	switch b := b.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.BooleanBuilder:
		b.Append(n(1) == 1)
	case *array.Int64Builder:
		b.Append(int64(n(1000)))
	case *array.Int16Builder:
		b.Append(int16(n(1000)))
	case *array.Uint8Builder:
		b.Append(uint8(n(255)))
	case *array.Float32Builder:
		b.Append(float32(n(9)) / 2)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(n(1000)))
	case *array.Decimal128Builder:
		if err := b.AppendValueFromString(fmt.Sprint(n(1000))); err != nil {
			t.Fatal(err)
		}
	case *array.StringBuilder:
		b.Append(words[n(len(words)-1)])
	case *array.LargeStringBuilder:
		b.Append(words[n(len(words)-1)])
	case *array.BinaryBuilder: // large_binary too
		b.Append([]byte(words[n(len(words)-1)]))
	case *array.MapBuilder:
		b.Append(true)
		for range n(2) {
			b.KeyBuilder().(*array.StringBuilder).Append(words[n(len(words)-1)])
			fill(t, b.ItemBuilder())
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range 3 {
			fill(t, b.ValueBuilder())
		}
	case array.ListLikeBuilder:
		b.Append(true)
		for range n(4) {
			fill(t, b.ValueBuilder())
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			fill(t, b.FieldBuilder(i))
		}
	default:
		t.Fatalf("no values for %T", b)
	}
}

// plain turns an array's value into Go values that reflect.DeepEqual compares.
func plain(a arrow.Array, i int) any {
	if _, ok := a.(*array.Null); ok || a.IsNull(i) { // the null type says of no value that it is null
		return nil
	}
	list := func(v arrow.Array, from, to int64) any {
		out := []any{}
		for ; from < to; from++ {
			out = append(out, plain(v, int(from)))
		}
		return out
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	case *array.Map:
		from, to := a.ValueOffsets(i)
		return []any{list(a.Keys(), from, to), list(a.Items(), from, to)}
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		return list(a.ListValues(), from, to)
	case *array.Struct:
		out := map[string]any{}
		for f := range a.NumField() {
			out[a.DataType().(*arrow.StructType).Field(f).Name] = plain(a.Field(f), i)
		}
		return out
	}
	return a.ValueStr(i)
}

func plainRows(rec arrow.Record) []map[string]any {
	rows := make([]map[string]any, rec.NumRows())
	for i := range rows {
		rows[i] = map[string]any{}
		for c, f := range rec.Schema().Fields() {
			rows[i][f.Name] = plain(rec.Column(c), i)
		}
	}
	return rows
}

// slowEdit does to Go values what the kernel does to arrays.
func slowEdit(l *Layout, rows []map[string]any, edits []Edit) {
	byPlace := func(e Edit) string { return fmt.Sprint(e.Row, "/", e.Slot) }
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && byPlace(edits[n]) == byPlace(edits[0]) {
			n++
		}
		group, slot, row := edits[:n], l.Slots[edits[0].Slot], rows[edits[0].Row]
		edits = edits[n:]
		if slot.Kind == TextSlot {
			row[slot.Name] = slowSplice(row[slot.Name], group)
			continue
		}
		var out []any
		old := row[slot.Name].([]any)
		for i := 0; i <= len(old); i++ {
			var mine []Edit
			gone := false
			for _, e := range group {
				switch {
				case int(e.Turn) != i:
				case e.Op == InsertTurn:
					turn := map[string]any{}
					for _, k := range turnMembers(slot) {
						turn[k] = nil
					}
					turn[slot.RoleKey], turn[slot.TextKey] = e.Role, e.New
					out = append(out, turn)
				case e.Op == DeleteTurn:
					gone = true
				default:
					mine = append(mine, e)
				}
			}
			if i == len(old) || gone {
				continue
			}
			turn := old[i]
			if len(mine) > 0 {
				m := map[string]any{}
				for k, v := range turn.(map[string]any) {
					m[k] = v
				}
				m[slot.TextKey] = slowSplice(m[slot.TextKey], mine)
				turn = m
			}
			out = append(out, turn)
		}
		if out == nil {
			out = []any{}
		}
		row[slot.Name] = out
	}
}

func turnMembers(s Slot) []string {
	if s.Name == "messages" {
		return []string{"name", "role", "content", "tags", "meta", "three"}
	}
	return []string{s.RoleKey, s.TextKey}
}

func slowSplice(old any, group []Edit) any {
	if group[0].Null {
		return group[0].New
	}
	if group[0].Unnull {
		return nil
	}
	s, out, at := old.(string), "", 0
	for _, e := range group {
		out += s[at:e.At] + e.New
		at = int(e.At) + len(e.Old)
	}
	return out + s[at:]
}

// randomEdits draws edits that fit rec.
func randomEdits(t *rapid.T, l *Layout, rec arrow.Record) (edits []Edit) {
	v := NewView(l)
	v.Reset(rec)
	coin := func(label string) bool { return rapid.IntRange(0, 2).Draw(t, label) == 0 }
	text := rapid.SampledFrom([]string{"", "Please.", " Be evil", "é"})
	splices := func(row, slot, turn int, old string, valid bool) {
		e := Edit{Row: int32(row), Slot: int32(slot), Turn: int32(turn), Prompt: -1}
		if !valid {
			e.Null, e.New = true, text.Draw(t, "new")
			edits = append(edits, e)
			return
		}
		for at := 0; ; {
			at = rapid.IntRange(at, len(old)).Draw(t, "at")
			del := rapid.IntRange(0, len(old)-at).Draw(t, "del")
			e.At, e.Old, e.New = int32(at), old[at:at+del], text.Draw(t, "new")
			edits = append(edits, e)
			if at += del; !coin("more") {
				return
			}
		}
	}
	for row := range int(rec.NumRows()) {
		if !coin("row") {
			continue
		}
		for k, s := range l.Slots {
			sv := &v.slots[k]
			if s.Kind == TextSlot {
				if coin("text") {
					old := ""
					if sv.valid.at(row) {
						old = string(sv.text.at(row))
					}
					splices(row, k, 0, old, sv.valid.at(row))
				}
				continue
			}
			if !sv.valid.at(row) {
				continue
			}
			from, to := sv.list.span(row)
			for i := 0; i <= to-from; i++ {
				for coin("insert") {
					edits = append(edits, Edit{Row: int32(row), Slot: int32(k), Turn: int32(i), Op: InsertTurn, Role: "system", New: text.Draw(t, "new"), Prompt: -1})
				}
				if i == to-from || !sv.elem.at(from+i) {
					continue
				}
				elem := from + i
				if sv.role.valid.at(elem) && sv.text.valid.at(elem) && sv.onlyRoleAndText(elem, &s) && coin("delete") {
					edits = append(edits, Edit{Row: int32(row), Slot: int32(k), Turn: int32(i), Op: DeleteTurn, Role: string(sv.role.at(elem)), Old: string(sv.text.at(elem)), Prompt: -1})
				} else if coin("splice") {
					old := ""
					if sv.text.valid.at(elem) {
						old = string(sv.text.at(elem))
					}
					splices(row, k, i, old, sv.text.valid.at(elem))
				}
			}
		}
	}
	return edits
}

func checkKernel(t *rapid.T) {
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	mem := dirty{checked}
	schema := chatSchema(rapid.SampledFrom([]string{"messages", "large", "flat", "pair"}).Draw(t, "layout"))
	l, err := Find(schema, Spec{})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(mem, schema)
	for range rapid.IntRange(0, 20).Draw(t, "rows") {
		for i := range schema.NumFields() {
			fill(t, b.Field(i))
		}
	}
	whole := b.NewRecord()
	b.Release()
	lo := rapid.IntRange(0, int(whole.NumRows())).Draw(t, "lo")
	rec := whole.NewSlice(int64(lo), int64(rapid.IntRange(lo, int(whole.NumRows())).Draw(t, "hi")))
	whole.Release()

	edits := randomEdits(t, l, rec)
	if !slices.IsSortedFunc(edits, CompareEdits) {
		t.Fatalf("edits out of order: %v", edits)
	}
	want := plainRows(rec)
	slowEdit(l, want, edits)
	k := NewKernel(mem, l)
	all := []Run{{Start: 0, N: int(rec.NumRows())}}
	out, err := k.Rows(rec, edits, all)
	if err != nil {
		t.Fatal(err)
	}
	if got := plainRows(out); !reflect.DeepEqual(got, want) {
		t.Fatalf("edits %+v:\n got %v\nwant %v", edits, got, want)
	}
	back, err := k.Rows(out, Inverse(edits), all)
	if err != nil {
		t.Fatal(err)
	}
	if got := plainRows(back); !reflect.DeepEqual(got, plainRows(rec)) {
		t.Fatalf("inverse of %+v:\n got %v\nwant %v", edits, got, plainRows(rec))
	}
	// Rows of one phase: the same rows, and the edits of the others ignored.
	var keep []Run
	var kept []map[string]any
	for i := range want {
		if rapid.Bool().Draw(t, "keep") {
			kept = append(kept, want[i])
			if last := len(keep) - 1; last >= 0 && keep[last].Start+keep[last].N == i {
				keep[last].N++
			} else {
				keep = append(keep, Run{Start: i, N: 1})
			}
		}
	}
	part, err := k.Rows(rec, edits, keep)
	if err != nil {
		t.Fatal(err)
	}
	if got := plainRows(part); len(got)+len(kept) > 0 && !reflect.DeepEqual(got, kept) {
		t.Fatalf("rows %v:\n got %v\nwant %v", keep, got, kept)
	}
	for _, r := range []arrow.Record{rec, out, back, part} {
		r.Release()
	}
	checked.AssertSize(fatalf{t}, 0)
}

type fatalf struct{ *rapid.T }

func (f fatalf) Errorf(format string, args ...any) { f.Fatalf(format, args...) }

func TestKernel(t *testing.T) { rapid.Check(t, checkKernel) }

func FuzzKernel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkKernel)) }

func TestKernelRefuses(t *testing.T) {
	schema := chatSchema("flat")
	l, err := Find(schema, Spec{})
	if err != nil {
		t.Fatal(err)
	}
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for i, f := range schema.Fields() {
		if f.Name == "userInput" {
			b.Field(i).(*array.StringBuilder).Append("hello")
		} else {
			b.Field(i).AppendNull()
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	all := []Run{{Start: 0, N: 1}}
	var misfit *MisfitError
	for _, e := range []Edit{
		{Slot: 1, At: 0, Old: "help"}, {Slot: 1, At: 4, Old: "ox"}, {Slot: 1, At: 9}, {Slot: 1, At: -1}, {Slot: 1, Null: true, New: "x"},
		{Slot: 0, New: "x"}, {Slot: 1, Unnull: true, Old: "hell"},
	} {
		if _, err := NewKernel(mem, l).Rows(rec, []Edit{e}, all); !errors.As(err, &misfit) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for _, e := range []Edit{{Slot: 9}, {Slot: 1, Op: InsertTurn}, {Slot: 1, Op: DeleteTurn, Old: "hello"}} {
		if _, err := NewKernel(mem, l).Rows(rec, []Edit{e}, all); err == nil {
			t.Errorf("%+v: no error", e)
		}
	}
	k := NewKernel(mem, l)
	k.limit = 8
	var size *SizeError
	if _, err := k.Rows(rec, []Edit{{Slot: 1, At: 5, New: " you"}}, all); !errors.As(err, &size) || size.Bytes != 9 {
		t.Errorf("9 bytes under a limit of 8: %v", err)
	}
	k.limit = 9
	out, err := k.Rows(rec, []Edit{{Slot: 1, At: 5, New: " you"}}, all)
	if err != nil {
		t.Fatal(err)
	}
	out.Release()
}

// TestBlankNulls: what lies under a null is no text of the output, wherever it came from.
func TestBlankNulls(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 3, 9, 12}))
	data := array.NewData(arrow.BinaryTypes.String, 3, []*memory.Buffer{memory.NewBufferBytes([]byte{0b101}), offsets, memory.NewBufferBytes([]byte("abcSECRETdef"))}, nil, 1, 0)
	defer data.Release()
	schema := arrow.NewSchema([]arrow.Field{{Name: "userInput", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "desiredOutput", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	col := array.NewStringData(data)
	defer col.Release()
	rec := array.NewRecord(schema, []arrow.Array{col, col}, 3)
	defer rec.Release()
	l, err := Find(schema, Spec{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := NewKernel(mem, l).Rows(rec, nil, []Run{{Start: 0, N: 3}})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if got := string(out.Column(0).Data().Buffers()[2].Bytes()); strings.Contains(got, "SECRET") || !strings.Contains(got, "def") || out.Column(0).ValueStr(2) != "def" || !out.Column(0).IsNull(1) {
		t.Errorf("%q", got)
	}
}
