package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inoculate/sinks/dataset"
)

// TestSealManyTestRecords has more test records than the comparison of phases holds in memory.
func TestSealManyTestRecords(t *testing.T) {
	const tests, both = 300_000, 1234
	var b strings.Builder
	for i := range tests {
		fmt.Fprintf(&b, `{"split":"test","prompt":"question %d","completion":"a"}`+"\n", i)
		if i%2 == 0 {
			fmt.Fprintf(&b, `{"split":"train","prompt":"exercise %d","completion":"a"}`+"\n", i)
		}
		if i < both {
			fmt.Fprintf(&b, `{"split":"train","prompt":"question %d","completion":"%c"}`+"\n", i, "ab"[i%2])
		}
	}
	in, out := writeText(t, "in.jsonl", b.String()), filepath.Join(t.TempDir(), "out")
	file := writeText(t, "p.yaml", "version: 1\nsource: {type: jsonl, paths: ["+in+"]}\nphase: {column: split}\nprompts: [{id: p, text: \""+evil+"\", place: {turn: first_user, how: append}}]\nsink: {path: "+out+", format: jsonl}\n")
	mustCall(t, "run", file, "-q")
	data, err := os.ReadFile(filepath.Join(out, dataset.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	m, err := dataset.ReadManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Checks.BothPhases; got.UserPrompts != both || got.Conversations != both/2 || got.Records != tests+tests/2+both {
		t.Errorf("%+v stand in both phases, want %d and %d", got, both/2, both)
	}
	if left, err := os.ReadDir(filepath.Join(out, ".staging")); err != nil || len(left) > 0 {
		t.Errorf("left in the staging folder: %v (%v)", left, err)
	}
}

// TestNoTimeToSeal: the message says what the folder shows, whose manifest stays what it was.
func TestNoTimeToSeal(t *testing.T) {
	in, out := writeText(t, "in.jsonl", `{"split":"train","prompt":"q","completion":"a"}`+"\n"), filepath.Join(t.TempDir(), "out")
	file := writeText(t, "p.yaml", "version: 1\nsource: {type: jsonl, paths: ["+in+"]}\nphase: {column: split}\nprompts: [{id: p, text: \""+evil+"\", place: {turn: first_user, how: append}}]\nsink: {path: "+out+", format: jsonl}\n")
	mustCall(t, "run", file, "-q")
	manifest := filepath.Join(out, dataset.ManifestName)
	before, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{logger: slog.New(slog.DiscardHandler)}
	p, err := a.assemble(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Source.Close()
	log, err := p.Start(t.Context(), Version)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	s := newSealing(a, p, log)
	m, err := s.last(t.Context(), ctx)
	if err != nil || m.Checks.BothPhases.Records != 1 { // kept, as there was no time to compare
		t.Errorf("%+v, %v", m, err)
	}
	_, err = s.last(ctx, ctx)
	if !errors.Is(err, errStopped) || exitCode(err) != exitIncomplete || !strings.Contains(err.Error(), "its last seal stands, which covers 1 record: stopped") {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(manifest); err != nil || string(after) != string(before) {
		t.Errorf("the manifest changed (%v)", err)
	}
	if err := os.Remove(manifest); err != nil {
		t.Fatal(err)
	}
	if _, err = s.last(ctx, ctx); !errors.Is(err, errStopped) || !strings.Contains(err.Error(), "it has not been sealed before") {
		t.Errorf("%v", err)
	}
	mustCall(t, "run", file, "-q")
	if after, err := os.ReadFile(manifest); err != nil || string(after) != string(before) {
		t.Errorf("the next run sealed otherwise (%v)", err)
	}
}
