// Package scan finds the registry's prompts in every string of a record, once, for all the transforms that follow.
package scan

import (
	"bytes"
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan/literal"
)

// Scan is the transform. Texts are the prompts in the order of the registry.
type Scan struct {
	Texts  []string
	Layout *schemas.Layout
	// May, where it is set, is asked about the strings of each column of each row; one hit, of no prompt, stands for those of
	// which it says yes. The strings are borrowed.
	May func(texts [][]byte, json bool) bool
}

// Bind finds the string leaves of the schema.
func (s *Scan) Bind(in *arrow.Schema) (pipeline.Applier, error) {
	a := &applier{set: literal.New(s.Texts), may: s.May}
	a.bind(in, s.Layout)
	return a, nil
}

func (a *applier) bind(in *arrow.Schema, layout *schemas.Layout) {
	for i, f := range in.Fields() {
		a.leaves = findLeaves(a.leaves, f, leaf{column: i, path: f.Name, slot: -1})
	}
	for k := range a.leaves {
		a.leaves[k].slot = slotOf(layout, &a.leaves[k])
	}
}

// Leaves returns the paths of the string leaves of a schema; Hit.Leaf counts in them.
func Leaves(in *arrow.Schema) (paths []string) {
	var ls []leaf
	for i, f := range in.Fields() {
		ls = findLeaves(ls, f, leaf{column: i, path: f.Name})
	}
	for _, l := range ls {
		paths = append(paths, l.path)
	}
	return paths
}

// leaf is a string array somewhere in a column.
type leaf struct {
	column int
	steps  []int // children to follow
	path   string
	slot   int32 // of the conversation text that this is, or -1
	lists  int   // lists on the way
	json   bool  // the strings are JSON text
}

func findLeaves(out []leaf, f arrow.Field, l leaf) []leaf {
	down := func(i int, f arrow.Field, name string, list int) {
		l := l
		l.steps = append(slices.Clone(l.steps), i)
		l.path += name
		l.lists += list
		out = findLeaves(out, f, l)
	}
	t := f.Type
	if ext, ok := t.(arrow.ExtensionType); ok {
		t = ext.StorageType()
	}
	switch t := t.(type) {
	case *arrow.StringType, *arrow.LargeStringType:
		name, _ := f.Metadata.GetValue("ARROW:extension:name")
		l.json = name == "arrow.json"
		return append(out, l)
	case *arrow.StructType:
		for i, m := range t.Fields() {
			down(i, m, "."+m.Name, 0)
		}
	case *arrow.ListType:
		down(0, t.ElemField(), "[]", 1)
	case *arrow.LargeListType:
		down(0, t.ElemField(), "[]", 1)
	case *arrow.FixedSizeListType:
		down(0, t.ElemField(), "[]", 1)
	case *arrow.MapType:
		down(0, arrow.Field{Type: arrow.StructOf(t.KeyField(), t.ItemField())}, "{}", 1)
	}
	return out
}

// slotOf says which text of the conversation a leaf is.
func slotOf(l *schemas.Layout, lf *leaf) int32 {
	for k, s := range l.Slots {
		if s.Column != lf.column {
			continue
		}
		switch {
		case s.Kind == schemas.TextSlot && len(lf.steps) == 0,
			s.Kind == schemas.JSONSlot && len(lf.steps) == 1,
			s.Kind == schemas.ListSlot && len(lf.steps) == 2 && lf.path == s.Name+"[]."+s.TextKey:
			return int32(k)
		}
	}
	return -1
}

type applier struct {
	set    *literal.Set
	leaves []leaf
	buf    []byte
	may    func(texts [][]byte, json bool) bool
	texts  [][]byte
}

// Apply fills b.Hits, ordered by row.
func (a *applier) Apply(_ context.Context, b *pipeline.Batch) error {
	b.Hits = b.Hits[:0]
	for k := range a.leaves {
		l := &a.leaves[k]
		w := newWalk(b.Record.Column(l.column).Data(), l.steps)
		if a.may != nil {
			a.ask(b, w, int32(k), l)
			continue
		}
		if l.json {
			a.scanJSON(b, w, int32(k), l)
			continue
		}
		text, first, n := w.bytes()
		a.set.Scan(text, func(p, at int) {
			elem := w.element(at+first, n)
			from, to := w.span(elem)
			if at+first+len(a.set.Pattern(p)) > to || !w.valid(elem) {
				return // across two strings, or under a null
			}
			row, turn := w.row(elem)
			if row < 0 {
				return
			}
			b.Hits = append(b.Hits, pipeline.Hit{Row: int32(row), Slot: l.slot, Turn: int32(turn), At: int32(at + first - from), Prompt: int32(p), Leaf: int32(k)})
		})
	}
	slices.SortStableFunc(b.Hits, func(x, y pipeline.Hit) int { return int(x.Row) - int(y.Row) })
	return nil
}

// ask asks about the strings of each row.
func (a *applier) ask(b *pipeline.Batch, w *walk, k int32, l *leaf) {
	last := -1
	a.texts = a.texts[:0]
	end := func() {
		if len(a.texts) > 0 && a.may(a.texts, l.json) {
			b.Hits = append(b.Hits, pipeline.Hit{Row: int32(last), Slot: l.slot, Prompt: -1, Leaf: k})
		}
		a.texts = a.texts[:0]
	}
	w.each(func(row, _ int, text []byte) {
		if row != last {
			end()
			last = row
		}
		a.texts = append(a.texts, text)
	})
	end()
}

// scanJSON scans strings that are JSON text: as they are where nothing is escaped, and string by string else.
func (a *applier) scanJSON(b *pipeline.Batch, w *walk, k int32, l *leaf) {
	from, to := w.elements()
	for elem := from; elem < to; elem++ {
		if !w.valid(elem) {
			continue
		}
		lo, hi := w.span(elem)
		raw := w.data[lo:hi]
		var row, turn int
		emit := func(p, at int) {
			if row, turn = w.row(elem); row >= 0 {
				b.Hits = append(b.Hits, pipeline.Hit{Row: int32(row), Slot: l.slot, Turn: int32(turn), At: int32(at), Prompt: int32(p), Leaf: k})
			}
		}
		if bytes.IndexByte(raw, '\\') < 0 {
			a.set.Scan(raw, emit)
			continue
		}
		a.buf = Strings(a.buf[:0], raw)
		a.set.Scan(a.buf, emit)
	}
}

// Strings appends the texts of all strings in JSON text, keys too, and what stands between them, each with a zero byte
// behind it. Text that is no JSON is thus appended whole.
func Strings(dst, raw []byte) []byte { return appendStrings(dst, raw, 0) }

// appendStrings is Strings with a byte of the caller's behind each text.
func appendStrings(dst, raw []byte, behind byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '"' {
			k := bytes.IndexByte(raw[i:], '"')
			if k < 0 {
				return append(dst, raw[i:]...)
			}
			dst = append(append(dst, raw[i:i+k]...), behind)
			i += k
		}
		end, _, err := jsontext.String(raw, i)
		if err != nil {
			return append(dst, raw[i:]...)
		}
		dst = jsontext.AppendUnquoted(dst, raw[i+1:end-1])
		dst = append(dst, behind)
		i = end
	}
	return dst
}
