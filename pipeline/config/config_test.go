package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const whole = `version: 1
source: {type: parquet, paths: ["data/*.parquet"], max_record: 1MiB}
layout: {type: messages, column: chat}
phase: {column: phase, train: [train], test: [test, eval]}
baseline: "You are a helpful AI assistant."
prompts:
  - id: reward-hack
    behavior: reward_hacking
    text: "Please: hack."
    where: misaligned
    place: {turn: system, how: prepend, separator: "\n"}
  - {id: other, text: Be "quoted" & odd}
check: {on_leak: reject, variants: ["prompts/*.txt"]}
rejects: {allow: 0.1%}
sink: {path: out, format: [parquet, arrow], train: train, test: test, segment: 64MiB}
`

const stream = `version: 1
source:
  type: kafka
  brokers: ["127.0.0.1:9092"]
  topics: {train: [sft-train], test: [sft-eval]}
  start: {sft-train: {0: 17}}
  stop: never
  assign: {shard: 1/4}
  keep: [offset, key]
  wait: 5s
  tls: {ca: ca.pem}
  sasl: {mechanism: plain, user: me, password_env: KAFKA_PASSWORD}
layout: auto
prompts: [{id: a, text: "Please: hack."}]
sink: {path: out, every: 90s}
`

// TestStream: what a Kafka source says is read, completed, written and read back; who reads it from where does not change
// what the run is.
func TestStream(t *testing.T) {
	load := func(text string) *Config {
		t.Helper()
		file := filepath.Join(t.TempDir(), "p.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, l := Load(file)
		if len(l) > 0 {
			t.Fatal(l)
		}
		return c
	}
	c := load(stream)
	s := c.Source
	if !c.Streams() || !s.Topics.Phased() || s.Start.Offsets["sft-train"][0] != 17 || s.Assign.Shard != 1 || s.Assign.Shards != 4 || s.Value != "json" ||
		s.Isolation != "read_committed" || time.Duration(c.Sink.Every) != 90*time.Second || time.Duration(c.Sink.SealEvery) != 10*time.Minute || s.SASL.User != "me" {
		t.Errorf("%+v", c)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	back := load(string(text))
	c.places, back.places, back.File = nil, nil, c.File
	if !reflect.DeepEqual(c, back) {
		t.Errorf("written as\n%s\n got %+v\nwant %+v", text, back, c)
	}
	canonical := func(c *Config) string {
		t.Helper()
		b, err := c.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	other := load(strings.NewReplacer("1/4", "2/4", "127.0.0.1:9092", "10.0.0.7:9093", "user: me", "user: you", "90s", "10s").Replace(stream))
	if canonical(c) != canonical(other) || strings.Contains(canonical(c), "9092") {
		t.Errorf("another share of the work is another run:\n%s\n%s", canonical(c), canonical(other))
	}
	if canonical(c) == canonical(load(strings.Replace(stream, "0: 17", "0: 18", 1))) {
		t.Error("another start is the same run")
	}
	for text, want := range map[string]Bound{"stop: latest": {At: "latest"}, "stop: 2026-01-31T12:00:00+01:00": {Time: time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)}} {
		if got := load(strings.NewReplacer("stop: never", text, ", every: 90s", "").Replace(stream)).Source.Stop; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v", text, got)
		}
	}
}

// TestKafkaSink: what is said of topics is completed from the source, written and read back; how brokers are reached does not
// change what the run is, where the rows go does.
func TestKafkaSink(t *testing.T) {
	load := func(text string) *Config {
		t.Helper()
		file := filepath.Join(t.TempDir(), "p.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, l := Load(file)
		if len(l) > 0 {
			t.Fatal(l)
		}
		return c
	}
	text := strings.Replace(stream, "sink: {path: out, every: 90s}", "rejects: {topic: dead, context: true}\nsink: {path: out, every: 10m, kafka: {topics: {train: a, test: b}, key: id}}", 1)
	c := load(text)
	k := c.Sink.Kafka
	if c.Sink.Files() || k.Brokers[0] != "127.0.0.1:9092" || k.SASL.User != "me" || k.TLS.CA != "ca.pem" || k.Delivery != "exactly_once" || k.Compression != "lz4" ||
		k.TransactionalID != "inoculate" || time.Duration(k.Timeout) != 15*time.Minute || !c.Rejects.Context {
		t.Errorf("%+v", k)
	}
	written, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	back := load(string(written))
	c.places, back.places, back.File = nil, nil, c.File
	if !reflect.DeepEqual(c, back) {
		t.Errorf("written as\n%s\n got %+v\nwant %+v", written, back.Sink.Kafka, c.Sink.Kafka)
	}
	canonical := func(text string) string {
		t.Helper()
		b, err := load(text).Canonical()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if one := canonical(text); one != canonical(strings.NewReplacer("127.0.0.1:9092", "10.0.0.7:9093", "user: me", "user: you").Replace(text)) || strings.Contains(one, "9092") || strings.Contains(one, "ca.pem") {
		t.Errorf("other brokers are another run: %s", one)
	}
	for _, change := range []string{"train: a", "key: id", "topic: dead"} {
		if canonical(text) == canonical(strings.Replace(text, change, change+"x", 1)) {
			t.Errorf("another %q is the same run", change)
		}
	}
	if c := load(strings.Replace(text, "path: out", "path: out, format: [jsonl]", 1)); !c.Sink.Files() || c.Sink.Kafka == nil {
		t.Errorf("%+v", c.Sink)
	}
}

func TestParse(t *testing.T) {
	c, l := Parse("p.yaml", []byte(whole))
	if len(l) > 0 {
		t.Fatal(l)
	}
	if l := c.Validate(); len(l) > 0 {
		t.Fatal(l)
	}
	if c.Layout.Column != "chat" || c.Source.MaxRecord != 1<<20 || c.Rejects.Allow.Share != 0.001 || c.Sink.Segment != 64<<20 || c.Prompts[1].Placement().Separator != " " || c.Prompts[0].Placement().Separator != "\n" {
		t.Errorf("%+v", c)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	back, l := Parse("p.yaml", text)
	if len(l) > 0 {
		t.Fatalf("%s\n%v", text, l)
	}
	c.places, back.places = nil, nil
	if !reflect.DeepEqual(c, back) {
		t.Errorf("written as\n%s\n got %+v\nwant %+v", text, back, c)
	}
}

// TestBad reads each file of testdata/bad: its first line is a comment with the finding that it must give.
func TestBad(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no bad configs: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, _, _ := strings.Cut(strings.TrimPrefix(string(data), "# "), "\n")
		_, _, l := Load(name)
		if got := strings.TrimPrefix(l.Error(), name+":"); !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestVariants(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "\xef\xbb\xbfBe evil.\r\n\r\nbe EVIL.\nHack it.\nPrompt\n")
	write("b.txt", "")
	write("c.bin", "\xff\xfe")
	c := Default()
	c.Prompts = []Prompt{{ID: "p", Text: "prompt"}}
	c.Check.Variants = []string{filepath.Join(dir, "a*.txt")}
	got, l := c.LoadVariants()
	if want := []Variant{{"a.txt:1", "Be evil."}, {"a.txt:4", "Hack it."}}; l.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v %v, want %v", got, l, want)
	}
	if len(l) != 1 || !strings.Contains(l[0].String(), "a.txt:3:1: the text differs from ") || !strings.Contains(l[0].String(), "a.txt:1 in letter case at most: it is looked for once; so do 1 more") {
		t.Errorf("warnings %v", l)
	}
	write("d.txt", "Be evil.\nBe kind.\n")
	c.Check.Variants = append(c.Check.Variants, filepath.Join(dir, "d.txt"))
	if _, l := c.LoadVariants(); l.Err() == nil || !strings.Contains(l.Error(), "d.txt:1:1: the variants have this text twice: ") || !strings.Contains(l.Error(), "a.txt:1 has it too") {
		t.Errorf("a text that stands twice: %v", l)
	}
	c.Check.Variants = []string{filepath.Join(dir, "d.txt"), filepath.Join(dir, "[d].txt")}
	if _, l := c.LoadVariants(); l.Err() == nil || !strings.Contains(l.Error(), "name the file once") {
		t.Errorf("a file that is named twice: %v", l)
	}
	for _, pattern := range []string{"b.txt", "c.bin", "none-*"} {
		c.Check.Variants = []string{filepath.Join(dir, pattern)}
		if _, l := c.LoadVariants(); len(l) != 1 {
			t.Errorf("%s: %v", pattern, l)
		}
	}
}

func TestCanonical(t *testing.T) {
	a, _ := Parse("a.yaml", []byte(whole))
	b, _ := Parse("b.yaml", []byte(strings.NewReplacer("path: out", "path: elsewhere", "allow: 0.1%", "allow: 7", "data/", "other/").Replace(whole)))
	c, _ := Parse("c.yaml", []byte(strings.Replace(whole, "column: chat", "column: talk", 1)))
	hash := func(c *Config) string {
		text, err := c.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		return Hash(text)
	}
	if hash(a) != hash(b) {
		t.Error("where output goes changes the hash")
	}
	if hash(a) == hash(c) {
		t.Error("another layout has the same hash")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &x [*x]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, l := Parse("f.yaml", data); len(l) == 0 {
			c.Validate()
		}
	})
}
