//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKafkaArrow runs conversations that come as Arrow streams through the whole job, into files and on to topics.
func TestKafkaArrow(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in", "ready", "ready-eval", "dead"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "messages", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "role", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "content", Type: arrow.BinaryTypes.String}))},
		{Name: "phase", Type: arrow.BinaryTypes.String}}, nil)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range 20 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for range i + 1 {
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("r%07d", n))
			l := b.Field(1).(*array.ListBuilder)
			l.Append(true)
			turn := l.ValueBuilder().(*array.StructBuilder)
			for k, role := range []string{"user", "assistant"} {
				turn.Append(true)
				turn.FieldBuilder(0).(*array.StringBuilder).Append(role)
				turn.FieldBuilder(1).(*array.StringBuilder).Append(fmt.Sprint("text ", n, k))
			}
			b.Field(2).(*array.StringBuilder).Append([]string{"train", "train", "test", "nobody"}[n%4])
			n++
		}
		rec := b.NewRecord()
		var value bytes.Buffer
		w := ipc.NewWriter(&value, ipc.WithSchema(schema))
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: value.Bytes()}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	client.Close()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "p.yaml"), filepath.Join(dir, "out")
	quoted, err := json.Marshal(cluster.ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`version: 1
source: {type: kafka, brokers: %s, topics: [in], value: arrow}
phase: {column: phase}
prompts: [{id: hack, text: HACK IT ALL NOW.}]
rejects: {allow: 100%%, topic: dead}
sink: {path: %q, format: [parquet, jsonl], segment_rows: 30, kafka: {topics: {train: ready, test: ready-eval}}}
`, quoted, out)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if code := Main([]string{"run", file}, strings.NewReader(""), &said, &said); code != 0 || !strings.Contains(said.String(), "exactly once for readers") {
		t.Fatalf("%d: %s", code, said.String())
	}
	verified(t, out)
	train, test, dead := committedIDs(t, cluster.ListenAddrs(), "ready"), committedIDs(t, cluster.ListenAddrs(), "ready-eval"), 0
	client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("dead"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for dead < n/4 {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			if dead++; string(r.Key) != "k" || !bytes.HasPrefix(r.Value, []byte{0xff, 0xff, 0xff, 0xff}) {
				t.Errorf("%s %.20q", r.Key, r.Value)
			}
		})
	}
	if len(train)+len(test)+dead != n || len(test) != (n+1)/4 {
		t.Errorf("%d train, %d test, %d dead of %d", len(train), len(test), dead, n)
	}
	only := filepath.Join(dir, "only") // the commit log, and nothing to open
	if err := os.WriteFile(file, []byte(strings.NewReplacer(out, only, "format: [parquet, jsonl], ", "").Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"check", file}, 0, "output   Kafka topics [ready ready-eval dead]: exactly once"},
		{[]string{"run", file}, 0, "only: the commit log and what it names"},
		{[]string{"verify", only}, 0, "the commit log is whole; the records are in topics"},
		{[]string{"strip", only, "--out", filepath.Join(dir, "back")}, 3, "the folder holds no train and no test record"},
		{[]string{"compact", only}, 0, "less"},
		{[]string{"lag", file}, 0, "in/0"},
	} {
		var said bytes.Buffer
		if code := Main(c.args, strings.NewReader(""), &said, &said); code != c.code || !strings.Contains(said.String(), c.want) {
			t.Errorf("%v: %d, want %d and %q:\n%s", c.args, code, c.code, c.want, said.String())
		}
	}
	if lines := strings.Count(rowsIn(t, filepath.Join(out, "jsonl", "train"), "jsonl"), "HACK IT ALL NOW."); lines != len(train) {
		t.Errorf("%d lines, %d records", lines, len(train))
	}
}
