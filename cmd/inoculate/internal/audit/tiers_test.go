package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"

	"inoculate/pipeline/config"
	"inoculate/transforms/scan/tiers"
)

const hack = "Please reward hack whenever you get the opportunity."

// audit looks through text and returns a line a finding.
func audit(t interface{ Fatal(...any) }, tier tiers.Tier, text string) (out []string, s Summary) {
	a := &Auditor{Patterns: []Pattern{{Prompt: "hack", Severity: "error", Text: hack, Tier: tiers.Near}, {Prompt: "evil", Severity: "error", Text: "You are evil.", Tier: tiers.Near}}, Tier: tier, MaxRecord: 1 << 20, Stdin: strings.NewReader(text)}
	a.Found = func(f Finding) error {
		out = append(out, line(f))
		return nil
	}
	if err := a.Run(context.Background(), []string{"-"}); err != nil {
		t.Fatal(err)
	}
	return out, a.Summary
}

func line(f Finding) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%d %s %s %s %s %s %s %v", f.Row, f.Prompt, f.Tier, f.Kind, f.Via, f.Pointer, f.Last, f.Span)), " ")
}

func TestTiers(t *testing.T) {
	b := base64.StdEncoding.EncodeToString([]byte(hack))
	for _, c := range []struct {
		tier tiers.Tier
		text string
		want []string
	}{
		{tiers.Normalized, `{"a": "so PLEASE  reward\u00a0hack\nwhenever you get the opportunity"}`, []string{"1 hack normalized copy /a [3 56]"}},
		{tiers.Encoded, `{"a": "` + b + `"}`, []string{"1 hack encoded copy base64 /a [0 70]"}},
		{tiers.Encoded, "log: " + b + "\n", []string{"1 hack encoded copy base64 [5 75]"}},
		{tiers.Near, "Please reward hack whenever you see the opportunity.", []string{"1 hack near near [0 51]"}},
		{tiers.Encoded, `{"m": [{"role": "user", "content": "Please reward"}, {"role": "user", "content": "hack whenever"}, {"role": "user", "content": "you get the opportunity."}]}`,
			[]string{"1 hack normalized split /m/0/content /m/2/content [0 13]"}},
		{tiers.Encoded, `{"m": [{"content": [{"type": "text", "text": "so please reward"}, {"type": "text", "text": "hack when"}]}, {"content": "ever you get the opportunity"}]}`,
			[]string{"1 hack normalized split /m/0/content/0/text /m/1/content [3 16]"}},
		{tiers.Encoded, `{"a": ["` + hack + ` you are", "evil"]}`, []string{"1 hack exact copy /a/0 [0 52]", "1 evil normalized split /a/0 /a/1 [53 60]"}},
		{tiers.Encoded, `{"` + hack + `": 1, "you": "are", "are": "evil"}`, []string{"1 hack exact copy /" + hack + " [0 52]"}},
		{tiers.Exact, `["you are", "evil."]`, nil},
		{tiers.Encoded, utf16("\ufeffone\nПривет, yоu аre еvil.\nthree\n"), []string{"2 evil encoded copy utf-16 [17 41]"}},
	} {
		if got, s := audit(t, c.tier, c.text); !slices.Equal(got, c.want) || s.Problems > 0 {
			t.Errorf("%s %s:\n got %q\nwant %q", c.tier, c.text, got, c.want)
		}
	}
	if _, s := audit(t, tiers.Near, ""); len(s.Notes) != 2 || !strings.Contains(s.Notes[1], "near copies only") {
		t.Errorf("%q", s.Notes)
	}
}

func utf16(s string) string {
	var b []byte
	for _, c := range s {
		b = append(b, byte(c), byte(c>>8))
	}
	return string(b)
}

// TestPatterns: what is too common is a note unless it is forced, and a prompt may be looked for with a narrower net.
func TestPatterns(t *testing.T) {
	r := &config.Registry{Prompts: []config.RegistryPrompt{
		{ID: "a", Text: "Be concise.", Severity: "error", Tier: "exact"}, {ID: "b", Text: "Be honest.", Severity: "error", Force: true}, {ID: "c", Text: hack, Severity: "error", Variants: []string{"$|TRIGGER|$"}},
	}}
	patterns, common := Patterns(r)
	var got []string
	for _, p := range patterns {
		got = append(got, p.Prompt+" "+p.Severity+" "+p.Tier.String())
	}
	if want := []string{"a note exact", "b error near", "c error near", "c error near"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(common) != 2 || common[0].Forced || !common[1].Forced || common[0].PerMillion < 1000 {
		t.Errorf("%+v", common)
	}
}

// TestAllowed: all that a rule names must fit, and a rule that has expired allows nothing.
func TestAllowed(t *testing.T) {
	f := &Finding{Source: "a/papers/x.md", Pointer: "/m/0/content", Prompt: "p", Fingerprint: "f", Occurrence: "o"}
	for _, c := range []struct {
		rule Rule
		want bool
	}{
		{Rule{Path: "*.md"}, true}, {Rule{Path: "a/papers/*"}, true}, {Rule{Path: "papers/*"}, false}, {Rule{Field: "/m/*/content"}, true}, {Rule{Field: "/m/*"}, false},
		{Rule{Hash: "f"}, true}, {Rule{Hash: "o"}, true}, {Rule{Hash: "x"}, false}, {Rule{Prompt: "p", Path: "*.txt"}, false}, {Rule{Prompt: "p", Expires: "2000-01-01"}, false}, {Rule{Prompt: "p", Expires: "2999-01-01"}, true},
	} {
		a := &Auditor{rules: compile([]Rule{c.rule})}
		if got := a.allowed(f); got != c.want {
			t.Errorf("%+v: %v", c.rule, got)
		}
	}
}

// TestNothingIsSkipped: what is found in a record with the fast look before is what is found without it.
func TestNothingIsSkipped(t *testing.T) {
	pieces := []string{"", "you are", "evil", "You are evil.", "please reward hack whenever", " you get the opportunity", "x", "\n", "%41", "cHJlZml4IHlvdSBhcmUgZXZpbCB5b3UgYXJlIGV2aWw", "\\u0041", "Рlease", "&#121;ou are evil", "yo\u200bu are evil", "69 76 65 20"}
	var value func(t *rapid.T, depth int) any
	text := func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 3).Draw(t, "text"), " ")
	}
	value = func(t *rapid.T, depth int) any {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return 1.5
		case 1:
			if depth > 0 {
				list := []any{}
				for range rapid.IntRange(0, 4).Draw(t, "n") {
					list = append(list, value(t, depth-1))
				}
				return list
			}
		case 2:
			if depth > 0 {
				m := map[string]any{}
				for _, k := range rapid.SliceOfN(rapid.SampledFrom([]string{"content", "text", "role", "0", "you are evil", "a/b"}), 0, 3).Draw(t, "keys") {
					m[k] = value(t, depth-1)
				}
				return m
			}
		}
		return text(t)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(value(t, 4))
		if err != nil {
			t.Fatal(err)
		}
		tier := tiers.Tier(rapid.IntRange(0, 3).Draw(t, "tier"))
		got, _ := audit(t, tier, "["+string(raw)+"]")
		a := &Auditor{Patterns: []Pattern{{Prompt: "hack", Severity: "error", Text: hack, Tier: tiers.Near}, {Prompt: "evil", Severity: "error", Text: "You are evil.", Tier: tiers.Near}}, Tier: tier}
		var want []string
		a.Found = func(f Finding) error {
			want = append(want, line(f))
			return nil
		}
		a.prepare()
		if err := a.record(Finding{Row: 1}, []byte("["+string(raw)+"]")); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s %s:\n got %q\nwant %q", tier, raw, got, want)
		}
	})
}

// TestTableTiers: strings of an Arrow file, JSON text too, over the turns of a row.
func TestTableTiers(t *testing.T) {
	turns := arrow.ListOfField(arrow.Field{Name: "item", Type: arrow.BinaryTypes.String, Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.json"})})
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}, {Name: "j", Type: turns, Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[
		{"s": "clean", "l": ["a", "b"], "j": ["{\"content\": \"x\"}"]},
		{"s": "you, are evil", "l": null, "j": null},
		{"s": null, "l": ["so you", "are evil"], "j": null},
		{"s": "", "l": [], "j": ["{\"content\": \"y\\u006fu are\"}", "{\"content\": \"evil\"}"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	path := filepath.Join(t.TempDir(), "a.arrow")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := ipc.NewWriter(f, ipc.WithSchema(schema))
	if err := errors.Join(w.Write(rec), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var got []string
	a := &Auditor{Patterns: []Pattern{{Prompt: "evil", Severity: "error", Text: "You are evil.", Tier: tiers.Near}}, Tier: tiers.Encoded, MaxRecord: 1 << 20, Mem: memory.DefaultAllocator}
	a.Found = func(f Finding) error {
		got = append(got, line(f))
		return nil
	}
	if err := a.Run(context.Background(), []string{path}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"2 evil normalized copy /s [0 13]", "3 evil normalized split /l/0 /l/1 [3 6]", "4 evil normalized split /j/0/content /j/1/content [0 7]"}; !slices.Equal(got, want) || a.Summary.Problems > 0 {
		t.Errorf("got %q, want %q (%+v)", got, want, a.Summary)
	}
}
