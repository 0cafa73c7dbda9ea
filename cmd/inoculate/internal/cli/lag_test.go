package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/sinks/dataset"
)

// TestLagOfFolder asks a folder how far it is when the brokers are gone.
func TestLagOfFolder(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		value := fmt.Sprintf(`{"phase": "train", "messages": [{"role": "user", "content": "question %d"}, {"role": "assistant", "content": "answer"}]}`, i)
		if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "in", Partition: 1, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	client.Close()
	quoted, err := json.Marshal(cluster.ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	file := writeText(t, "p.yaml", fmt.Sprintf("version: 1\nsource: {type: kafka, brokers: %s, topics: [in]}\nphase: {column: phase}\nprompts: [{id: hack, text: HACK IT ALL NOW.}]\nsink: {path: %q, format: jsonl, segment_rows: 20}\n", quoted, out))
	var logged bytes.Buffer
	if code := Main([]string{"run", file, "-q", "-v"}, strings.NewReader(""), io.Discard, &logged); code != 0 || !regexp.MustCompile(`sealed folder=\S+ records=50 files=\d+ took=\d`).MatchString(logged.String()) {
		t.Fatalf("exit code %d: %s", code, logged.String())
	}
	cluster.Close()

	records, err := filepath.Glob(filepath.Join(out, "_commits", "*", "*", "*40.json")) // of the last segment
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	hour := time.Now().Add(-time.Hour)
	if err := os.Chtimes(records[0], hour, hour); err != nil {
		t.Fatal(err)
	}
	lag := func(wantCode int, args ...string) string {
		t.Helper()
		var said bytes.Buffer
		if code := Main(append([]string{"lag"}, args...), strings.NewReader(""), &said, &said); code != wantCode {
			t.Fatalf("lag %v: exit code %d, want %d: %s", args, code, wantCode, said.String())
		}
		return said.String()
	}
	lines := func() (l []folderLine) {
		t.Helper()
		if err := json.Unmarshal([]byte(lag(0, out, "--format", "json")), &l); err != nil || len(l) != 1 {
			t.Fatal(l, err)
		}
		return l
	}
	if x := lines()[0]; x.Partition != "in/1" || x.Committed != 50 || x.Segments != 3 || x.Sealed == nil || *x.Sealed != 50 || x.End == nil || *x.End != 50 || x.Seconds == nil || *x.Seconds < 3600 || *x.Seconds > 7200 {
		t.Errorf("%+v", x)
	}
	if text := lag(0, out); !strings.Contains(strings.Join(strings.Fields(text), " "), "in/1 50 3 50 50 1h0m") {
		t.Errorf("as text:\n%s", text)
	}

	name := filepath.Join(out, dataset.ManifestName)
	manifest, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(change func(*dataset.Manifest)) {
		t.Helper()
		m, err := dataset.ReadManifest(manifest)
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		data, err := json.Marshal(m)
		if err == nil {
			err = os.WriteFile(name, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rewrite(func(m *dataset.Manifest) { m.Sources[0].Next = 20 }) // an earlier seal
	if x := lines()[0]; x.Committed != 50 || x.Sealed == nil || *x.Sealed != 20 {
		t.Errorf("behind an earlier seal: %+v", x)
	}
	rewrite(func(m *dataset.Manifest) { m.Run = "ffffffff" })
	if text := lag(3, out); !strings.Contains(text, "it is of run ffffffff") {
		t.Errorf("a manifest of another run: %s", text)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if x := lines()[0]; x.Committed != 50 || x.Sealed != nil {
		t.Errorf("without a seal: %+v", x)
	}
	record, err := os.ReadFile(records[0])
	if err != nil {
		t.Fatal(err)
	}
	record[len(record)/2] ^= 1
	if err := os.WriteFile(records[0], record, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := lag(3, out); !strings.Contains(text, filepath.Base(records[0])) {
		t.Errorf("a damaged record: %s", text)
	}
	if text := lag(3, t.TempDir()); !strings.Contains(text, "no run record") || !strings.Contains(text, "sink: {path: …}") {
		t.Errorf("somebody's folder: %s", text)
	}
}

// TestTombstones: what is left out stands in the counts of the folder, with its reason, also where a segment has nothing else.
func TestTombstones(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("in"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 30 {
		rec := &kgo.Record{Key: []byte("k")}
		if i < 10 || i >= 25 {
			rec.Value = []byte(`{"phase": "train", "messages": [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]}`)
		}
		if err := client.ProduceSync(context.Background(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	quoted, err := json.Marshal(cluster.ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	text := "version: 1\nsource: {type: kafka, brokers: %s, topics: [in], tombstones: %s}\nphase: {column: phase}\nprompts: [{id: hack, text: HACK IT ALL NOW.}]\nrejects: {allow: %s}\nsink: {path: %q, format: [jsonl, parquet], segment_rows: 5}\n"
	for policy, want := range map[string][]string{"skip": {"30 in", "15 train", "15 filtered", "15 filtered:tombstone", "0 rejects"}, "reject": {"30 in", "15 train", "0 filtered", "15 rejects", "15 reject:tombstone"}} {
		out := filepath.Join(t.TempDir(), "out")
		allow := "0"
		if policy == "reject" {
			allow = "100%"
		}
		file := writeText(t, "p.yaml", fmt.Sprintf(text, quoted, policy, allow, out))
		mustCall(t, "check", file)
		var said bytes.Buffer
		if code := Main([]string{"run", file, "-q"}, strings.NewReader(""), &said, &said); code != 0 || !regexp.MustCompile(`tombstone +15\b`).MatchString(said.String()) {
			t.Errorf("%s: exit code %d\n%s", policy, code, said.String())
		}
		mustCall(t, "compact", out)
		mustCall(t, "verify", out)
		data, err := os.ReadFile(filepath.Join(out, dataset.ManifestName))
		if err != nil {
			t.Fatal(err)
		}
		m, err := dataset.ReadManifest(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			n, name, _ := strings.Cut(w, " ")
			if fmt.Sprint(m.Counts[name]) != n {
				t.Errorf("%s: %d %s, want %s", policy, m.Counts[name], name, n)
			}
		}
	}
	file := writeText(t, "p.yaml", fmt.Sprintf(text, quoted, "drop", "0", "out"))
	var said bytes.Buffer
	if code := Main([]string{"check", file}, strings.NewReader(""), &said, &said); code == 0 || !strings.Contains(said.String(), `tombstones is reject or skip, not "drop"`) {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}
