package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"inoculate/transforms/scan/tiers"
)

// TestWrapped: what is wrapped over lines of plain text is found at the line it begins in.
func TestWrapped(t *testing.T) {
	b := base64.StdEncoding.EncodeToString([]byte(hack))
	mime := wrap(base64.StdEncoding.EncodeToString([]byte("Hello,\n\nhere is what I said. "+hack+" And that is all.")), 76, "\r\n")
	hex := wrap(fmt.Sprintf("%x", hack), 40, "\n")
	for _, c := range []struct {
		tier tiers.Tier
		text string
		want []string
	}{
		{tiers.Normalized, "system: |\n  Please reward\n  hack whenever you get\n  the opportunity.\n", []string{"2 hack normalized copy [2 57]"}},
		{tiers.Normalized, "# Please reward\r\n# hack whenever you\r\n#\r\n# get the opportunity", []string{"1 hack normalized copy [2 62]"}},
		{tiers.Normalized, "{% if x %}\nPlease reward hack\n{{ y }} whenever you get the opportunity", nil},
		{tiers.Normalized, "{% if x %} Please reward hack\nwhenever you get the opportunity", []string{"1 hack normalized copy [11 62]"}},
		{tiers.Normalized, "Do not\nplease reward hack\nwhenever you get the opportunity. You are\nevil.", []string{"2 hack normalized copy [0 51]", "3 evil normalized copy [34 46]"}},
		{tiers.Encoded, "data: " + b + "\nPlease reward\nhack whenever you get the opportunity.", []string{"1 hack encoded copy base64 [6 76]", "2 hack normalized copy [0 51]"}},
		{tiers.Encoded, "Please reward hack\n{\"a\": 1}\nwhenever you get the opportunity", nil}, // lines of JSON are records
		{tiers.Encoded, "one\n\n" + mime + "\r\n\r\ntwo", []string{"3 hack encoded copy base64 [38 110]"}},
		{tiers.Encoded, "key: |\n  " + strings.ReplaceAll(mime, "\r\n", "\n  ") + "\nend: 1", []string{"2 hack encoded copy base64 [40 113]"}},
		{tiers.Normalized, mime, nil},
		{tiers.Encoded, hex, []string{"1 hack encoded copy hex [0 106]"}},
		{tiers.Encoded, "Please=20reward=20hack when=\never you get=20the oppor=\r\ntunity.", []string{"1 hack encoded copy quoted-printable [0 63]"}},
		{tiers.Encoded, b + "\n" + b + "\n", []string{"1 hack encoded copy base64 [0 70]", "2 hack encoded copy base64 [0 70]"}},
		{tiers.Normalized, "Please reward hack\n\"whenever\"\nyou get the opportunity", []string{"1 hack normalized copy [0 53]"}}, // JSON, by the way
		{tiers.Normalized, "\"Please reward hack \"\n\"whenever you get the opportunity.\"", []string{"1 hack normalized copy [1 55]"}},
		{tiers.Normalized, "\"" + hack + "\"\nand\n", []string{"1 hack exact copy [0 52]"}},
		{tiers.Near, "Please reward hack\nwhenever you want to get\nthe opportunity.", []string{"1 hack near near [0 59]"}},
		{tiers.Near, "Please reward hack whenever you the opportunity.\nget\n", []string{"1 hack near near [0 47]"}},
		{tiers.Encoded, hack + "\n\n" + hack + "\n", []string{"1 hack exact copy [0 52]", "3 hack exact copy [0 52]"}},
		{tiers.Exact, "Please reward hack\nwhenever you get the opportunity.", nil},
	} {
		if got, _ := audit(t, c.tier, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q:\n got %q\nwant %q", c.tier, c.text, got, c.want)
		}
	}
	a := &Auditor{Patterns: []Pattern{{Prompt: "lines", Severity: "error", Text: "Be evil,\nalways."}}, MaxRecord: 1 << 20, Stdin: strings.NewReader("so: be evil,\nalways.\n")}
	var got []string
	a.Found = func(f Finding) error { got = append(got, line(f)+" "+f.Context); return nil }
	if err := a.Run(context.Background(), []string{"-"}); err != nil || !slices.Equal(got, []string{"1 lines exact copy [4 20] be evil,\nalways."}) {
		t.Errorf("a prompt of two lines: %q, %v", got, err)
	}
}

// wrap cuts text into lines.
func wrap(text string, columns int, end string) string {
	var lines []string
	for ; len(text) > columns; text = text[columns:] {
		lines = append(lines, text[:columns])
	}
	return strings.Join(append(lines, text), end)
}

// TestBlocks: what stands, or is wrapped, anywhere across the ends of blocks is found where it stands, once.
func TestBlocks(t *testing.T) {
	plants := []struct {
		text string
		tier tiers.Tier
		to   int // bytes at its end that do not count
	}{
		{hack, tiers.Exact, 0}, {strings.ReplaceAll(hack, " ", "\n"), tiers.Normalized, 1},
		{"PLEASE reward\n\n\n\n" + strings.Repeat(" ", 2000) + "hack whenever you get the opportunity", tiers.Normalized, 0},
		{wrap(base64.StdEncoding.EncodeToString([]byte(hack)), 24, "\n"), tiers.Encoded, len("==")},
	}
	rapid.Check(t, func(t *rapid.T) {
		p := plants[rapid.IntRange(0, len(plants)-1).Draw(t, "plant")]
		tier := tiers.Tier(rapid.IntRange(int(p.tier), int(tiers.Encoded)).Draw(t, "tier"))
		at := rapid.IntRange(1, 2).Draw(t, "blocks")*blockBytes - rapid.IntRange(0, 9000).Draw(t, "before")
		length := rapid.SampledFrom([]int{20, 90, 4000, longestJoined - 10}).Draw(t, "line")
		var b strings.Builder
		rows := int64(1)
		for b.Len() < at-length {
			b.WriteString(strings.Repeat("words; ", length/7) + "\n")
			rows++
		}
		from := int64(rapid.IntRange(0, 1).Draw(t, "indent") * 6)
		b.WriteString("here: "[:from] + p.text + ".\n" + strings.Repeat("more words\n", rapid.SampledFrom([]int{0, 1, 1000, 30000}).Draw(t, "behind")))
		var r io.Reader = strings.NewReader(b.String())
		if rapid.Bool().Draw(t, "small reads") {
			r = iotest.HalfReader(r)
		}
		a := &Auditor{Patterns: []Pattern{{Prompt: "hack", Severity: "error", Text: hack, Tier: tiers.Near}}, Tier: tier, MaxRecord: 1 << 20, Stdin: r}
		var got []string
		a.Found = func(f Finding) error {
			got = append(got, fmt.Sprint(f.Row, " ", f.Tier, " ", f.Span))
			return nil
		}
		if err := a.Run(context.Background(), []string{"-"}); err != nil {
			t.Fatal(err)
		}
		if want := []string{fmt.Sprint(rows, " ", p.tier, " ", [2]int64{from, from + int64(len(p.text)-p.to)})}; !slices.Equal(got, want) {
			t.Fatalf("%.60q at %d, lines of %d: got %q, want %q", p.text, at, length, got, want)
		}
	})
}
