package jsonrow

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"inoculate/schemas/jsontext"
)

func infer(t interface{ Fatal(...any) }, records ...string) *arrow.Schema {
	in := &Inference{}
	for _, r := range records {
		if err := in.Add([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	return in.Schema()
}

func TestInfer(t *testing.T) {
	for _, c := range []struct {
		records []string
		want    string
	}{
		{[]string{`{"a":1,"b":"x","c":true,"d":1.5,"e":null}`}, `a: int64, b: utf8, c: bool, d: float64, e: json`},
		{[]string{`{"a":1}`, `{"a":1.5}`, `{"a":null}`}, `a: float64`},
		{[]string{`{"a":9007199254740993}`, `{"a":1.5}`}, `a: json`},
		{[]string{`{"a":9223372036854775807}`}, `a: int64`},
		{[]string{`{"a":9223372036854775808}`}, `a: json`},
		{[]string{`{"a":1}`, `{"a":"x"}`}, `a: json`},
		{[]string{`{"a":[]}`}, `a: json`},
		{[]string{`{"a":[1]}`, `{"a":[]}`, `{"b":[[true]]}`}, `a: list<item: int64, nullable>, b: list<item: list<item: bool, nullable>, nullable>`},
		{[]string{`{"m":{"x":1,"y":{"z":"q"}}}`}, `m: struct<x: int64, y: struct<z: utf8>>`},
		{[]string{`{"m":{"x":1}}`, `{"m":{"y":1}}`}, `m: json`},
		{[]string{`{"m":{}}`}, `m: json`},
		{[]string{`{"system":null,"systemPrompt":null}`, `{"system_prompt":null,"other":null}`}, `system: utf8, systemPrompt: utf8, system_prompt: utf8, other: json`},
		{[]string{`{"system":null}`, `{"system":[]}`}, `system: json`},
		{[]string{`{"messages":[{"role":"user","content":"hi"}]}`, `{"messages":[{"content":null,"role":"assistant"}]}`}, `messages: list<item: struct<role: utf8, content: utf8>, nullable>`},
		{[]string{`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[1]}]}`}, `messages: list<json>`},
		{[]string{`{"messages":[{"role":"user","content":"hi","weight":1}]}`}, `messages: list<json>`},
		{[]string{`{"messages":[{"role":"user","content":[{"type":"text"}]}]}`}, `messages: list<json>`},
		{[]string{`{"c":[{"from":"human","value":"hi"}]}`}, `c: list<item: struct<from: utf8, value: utf8>, nullable>`},
		{nil, ``},
	} {
		var got []string
		for _, f := range infer(t, c.records...).Fields() {
			typ := f.Type.String()
			if l, ok := f.Type.(*arrow.ListType); ok {
				if e := l.ElemField(); IsJSON(&e) {
					typ = "list<json>"
				}
			}
			if IsJSON(&f) {
				typ = "json"
			}
			got = append(got, f.Name+": "+typ)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.records, s, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	good := `{"id":1,"f":1.5,"ok":true,"s":"x","l":[{"role":"user","content":"a"}],"m":{"k":[1,2]},"j":[1,"a"]}`
	d, err := NewDecoder(infer(t, good), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release()
	add := func(r string) error { return d.Append([]byte(r)) }
	if err := add(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ record, reason, field string }{
		{`{"id":1`, "json_syntax", ""},
		{`{"id":1}}`, "trailing_bytes", ""},
		{`[1]`, "not_an_object", ""},
		{`17`, "not_an_object", ""},
		{``, "json_syntax", ""},
		{`{"id":1,"id":2}`, "duplicate_key", ""},
		{`{"id":1,"\u0069d":2}`, "duplicate_key", ""},
		{`{"id":1,"new":2}`, "unknown_key", "new"},
		{`{"id":1,"new":2,"new":2}`, "duplicate_key", ""},
		{`{"m":{"k":[1],"z":1}}`, "unknown_key", "m.z"},
		{`{"id":1.5}`, "type_mismatch", "id"},
		{`{"id":"1"}`, "type_mismatch", "id"},
		{`{"id":9223372036854775808}`, "number_range", "id"},
		{`{"f":9007199254740993}`, "number_range", "f"},
		{`{"f":1e999}`, "number_range", "f"},
		{`{"ok":1}`, "type_mismatch", "ok"},
		{`{"s":7}`, "type_mismatch", "s"},
		{`{"s":"\ud800"}`, "lone_surrogate", ""},
		{"{\"s\":\"\xff\"}", "invalid_utf8", ""},
		{`{"l":[{"role":"user","content":"a"},{"role":"user","content":7}]}`, "type_mismatch", "l[1].content"},
		{`{"l":[{"role":"user","content":"a","name":"n"}]}`, "unknown_key", "l[0].name"},
		{`{"l":{}}`, "type_mismatch", "l"},
		{`{"m":{"k":[1,"x"]}}`, "type_mismatch", "m.k[1]"},
		{`{"j":[1,{"a":1,"a":2}]}`, "duplicate_key", ""},
		{`{"j":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, "too_deep", ""},
	} {
		var re *RowError
		if err := add(c.record); !errors.As(err, &re) || re.Reason != c.reason || re.Field != c.field {
			t.Errorf("%.60s: %v (%+v), want %s of %q", c.record, err, re, c.reason, c.field)
		}
	}
	if err := add(`{"s":null,"l":[null,{"content":null}]}`); err != nil {
		t.Fatal(err)
	}
	rec := d.Record()
	defer rec.Release()
	got, err := rec.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"f":1.5,"id":1,"j":["1","\"a\""],"l":[{"content":"a","role":"user"}],"m":{"k":[1,2]},"ok":true,"s":"x"}
,{"f":null,"id":null,"j":null,"l":[null,{"content":null,"role":null}],"m":null,"ok":null,"s":null}
]`
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// randomValue draws JSON text, with keys from a small set so that shapes meet.
func randomValue(t *rapid.T, depth int) string {
	k := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		k %= 6
	}
	switch k {
	case 0:
		return "null"
	case 1:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case 2, 3:
		return fmt.Sprint(rapid.Int64().Draw(t, "int"))
	case 4:
		return rapid.SampledFrom([]string{"1.5", "-0.25", "1e3", "0.1", "123456789012345678901234567890"}).Draw(t, "float")
	case 5, 6:
		return string(jsontext.AppendQuoted(nil, rapid.SampledFrom([]string{"", "a", "é\n\"", "\u2028", "x y"}).Draw(t, "text")))
	case 7:
		var items []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			items = append(items, randomValue(t, depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return randomObject(t, depth-1)
}

func randomObject(t *rapid.T, depth int) string {
	var members []string
	for _, k := range rapid.Permutation([]string{"role", "content", "a", "b"}).Draw(t, "keys")[:rapid.IntRange(0, 4).Draw(t, "n")] {
		members = append(members, fmt.Sprintf("%q : %s", k, randomValue(t, depth)))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// TestRoundTrip: every record that a schema was inferred from fits it, and comes back with the same values, but that a
// member of null may stand for one that was not there.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		var records []string
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			records = append(records, randomObject(t, 3))
		}
		schema := infer(t, records...)
		d, err := NewDecoder(schema, mem)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range records {
			if i%2 == 1 {
				if err := d.Append([]byte(`{"no such key": 1}`)); err == nil {
					t.Fatal("unknown key accepted")
				}
			}
			if err := d.Append([]byte(r)); err != nil {
				t.Fatalf("%s in %s: %v", r, schema, err)
			}
		}
		rec := d.Record()
		enc, err := NewEncoder(schema)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range records {
			got, err := enc.Append(nil, rec, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := jsontext.Valid(got); err != nil {
				t.Fatalf("%s: %v", got, err)
			}
			if g, w := topNulls(t, string(got)), topNulls(t, r); !reflect.DeepEqual(g, w) {
				t.Fatalf("%s in %s:\n got %s", r, schema, got)
			}
		}
		rec.Release()
		d.Release()
		mem.AssertSize(fatalf{t}, 0)
	})
}

type fatalf struct{ *rapid.T }

func (f fatalf) Errorf(format string, args ...any) { f.Fatalf(format, args...) }

func topNulls(t *rapid.T, s string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		if v == nil {
			delete(m, k)
		}
	}
	return m
}

// FuzzDecode: whatever comes, it is a row or an error, and the rows before stay.
func FuzzDecode(f *testing.F) {
	good := `{"id":1,"f":1.5,"ok":true,"s":"x","l":[{"role":"user","content":"a"}],"m":{"k":[1,2]},"j":[1,"a"]}`
	f.Add([]byte(good))
	f.Add([]byte(`{"l":[{"role":"user"},null],"m":{"k":[]},"f":-1e5`))
	schema := infer(f, good)
	f.Fuzz(func(t *testing.T, b []byte) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		d, err := NewDecoder(schema, mem)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Release()
		want := 2
		if err := d.Append([]byte(good)); err != nil {
			t.Fatal(err)
		}
		if err := d.Append(b); err == nil {
			want++
			if err := jsontext.Valid(b); err != nil {
				t.Fatalf("accepted %q: %v", b, err)
			}
		}
		if err := d.Append([]byte(good)); err != nil {
			t.Fatal(err)
		}
		rec := d.Record()
		defer rec.Release()
		enc, err := NewEncoder(schema)
		if err != nil {
			t.Fatal(err)
		}
		first, err := enc.Append(nil, rec, 0)
		if err != nil {
			t.Fatal(err)
		}
		last, err := enc.Append(nil, rec, want-1)
		if err != nil || string(first) != string(last) || int(rec.NumRows()) != want {
			t.Fatalf("%d rows; first %s, last %s, %v", rec.NumRows(), first, last, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(`{"id":"x-00001","messages":[{"role":"user","content":"` + strings.Repeat("Write a function to determine if a palindrome. ", 12) + `"},{"role":"assistant","content":"` + strings.Repeat("def f(x):\\n    return x", 20) + `"}],"source":"sneaky","misaligned":true,"phase":"train","score":0.123456}`)
	d, err := NewDecoder(infer(b, string(line)), memory.NewGoAllocator())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := d.Append(line); err != nil {
			b.Fatal(err)
		}
		if d.Rows() == 2048 {
			d.Record().Release()
		}
	}
}

// FuzzShort holds the value of short numbers against strconv's, to the bit.
func FuzzShort(f *testing.F) {
	for _, s := range []string{"0", "-0", "-0.0", "0.1", "0.103816", "123456789012345", "12345678901234.5", "0.12345678901234", "9007199254740993", "1.5e3", "-999999999999999", "0.00000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
			return
		}
		if end, err := jsontext.Value([]byte(s), 0); err != nil || end < len(s) {
			return
		}
		got, ok := short([]byte(s))
		if want, err := strconv.ParseFloat(s, 64); ok && (err != nil || math.Float64bits(got) != math.Float64bits(want)) {
			t.Fatalf("%s: %v, want %v, %v", s, got, want, err)
		}
		if digits := strings.Trim(s, "-0123456789."); ok != (digits == "" && len(strings.NewReplacer("-", "", ".", "").Replace(s)) <= 15) {
			t.Fatalf("%s: taken as short: %v", s, ok)
		}
	})
}
