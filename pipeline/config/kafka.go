package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Kafka is what a source of type kafka reads, and how it gets there.
type Kafka struct {
	Brokers    []string `yaml:"brokers" json:",omitzero"`    // host:port of some of them
	Topics     Topics   `yaml:"topics" json:",omitzero"`     // a list, or {train: […], test: […]}
	Start      Bound    `yaml:"start" json:",omitzero"`      // earliest, latest, a time, or {topic: {partition: offset}}
	Stop       Bound    `yaml:"stop" json:",omitzero"`       // latest, never, a time, or offsets
	Assign     Assign   `yaml:"assign" json:",omitzero"`     // all, {shard: 0/4}, {group: NAME}, or {topic: [partitions]}
	Isolation  string   `yaml:"isolation" json:",omitzero"`  // read_committed, read_uncommitted
	Value      string   `yaml:"value" json:",omitzero"`      // json, json-schema, arrow, text
	Keep       []string `yaml:"keep" json:",omitzero"`       // of key, headers, timestamp, topic, partition, offset
	OnLost     string   `yaml:"on_lost" json:",omitzero"`    // fail, record
	OnCorrupt  string   `yaml:"on_corrupt" json:",omitzero"` // quarantine, fail
	Tombstones string   `yaml:"tombstones" json:",omitzero"` // reject, skip: what becomes of null values
	Wait       Duration `yaml:"wait" json:",omitzero"`       // how long brokers that are down at the start are waited for
	TLS        *TLS     `yaml:"tls" json:",omitzero"`
	SASL       *SASL    `yaml:"sasl" json:",omitzero"`
}

// TLS says how brokers are talked to. Without a CA, the system's are trusted.
type TLS struct {
	CA   string `yaml:"ca"`   // file
	Cert string `yaml:"cert"` // file with the client's certificate
	Key  string `yaml:"key"`  // file with its key
}

// SASL says who we are. The password is in an environment variable or a file, never here.
type SASL struct {
	Mechanism    string `yaml:"mechanism"` // plain, scram-sha-256, scram-sha-512
	User         string `yaml:"user"`
	PasswordEnv  string `yaml:"password_env"`
	PasswordFile string `yaml:"password_file"`
}

// Topics are the topics to read; those of Train and Test have the phase of their list.
type Topics struct{ List, Train, Test []string }

// All are the topics, sorted.
func (t Topics) All() []string {
	return slices.Sorted(slices.Values(slices.Concat(t.List, t.Train, t.Test)))
}

// Phased tells whether a topic fixes the phase.
func (t Topics) Phased() bool { return len(t.Train)+len(t.Test) > 0 }

func (t *Topics) fromNode(n *yaml.Node) string {
	const want = "it takes a list of topics, or {train: [topics], test: [topics]}"
	var ok bool
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			list, k := &t.Train, n.Content[i].Value
			switch {
			case k == "test":
				list = &t.Test
			case k != "train":
				return want
			}
			if *list, ok = texts(n.Content[i+1]); !ok {
				return want
			}
		}
	default:
		if t.List, ok = texts(n); !ok {
			return want
		}
	}
	return ""
}

// texts reads one text or a list of them.
func texts(n *yaml.Node) (out []string, ok bool) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return []string{n.Value}, true
	}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return nil, false
		}
		out = append(out, c.Value)
	}
	return out, n.Kind == yaml.SequenceNode
}

// Bound is where a stream is begun or left.
type Bound struct {
	At      string                   // "earliest", "latest", "never"; empty with Time or Offsets
	Time    time.Time                // the first record of this time or later
	Offsets map[string]map[int]int64 // by topic and partition
}

// IsZero tells whether nothing was said.
func (b Bound) IsZero() bool { return b.At == "" && b.Time.IsZero() && b.Offsets == nil }

func (b *Bound) fromNode(n *yaml.Node) string {
	const want = "it takes earliest, latest, never, a time (2026-01-31T12:00:00Z), or {topic: {partition: offset}}"
	switch n.Kind {
	case yaml.ScalarNode:
		if slices.Contains([]string{"earliest", "latest", "never"}, n.Value) {
			b.At = n.Value
			return ""
		}
		t, err := time.Parse(time.RFC3339, n.Value)
		if err != nil {
			return want
		}
		b.Time = t.UTC()
	case yaml.MappingNode:
		b.Offsets = map[string]map[int]int64{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			of := map[int]int64{}
			if n.Content[i+1].Decode(&of) != nil {
				return want
			}
			for p, at := range of {
				if p < 0 || at < 0 {
					return fmt.Sprintf("partition %d has offset %d: neither may be negative", p, at)
				}
			}
			b.Offsets[n.Content[i].Value] = of
		}
	default:
		return want
	}
	return ""
}

// Assign is the share of a process. Its zero value is everything.
type Assign struct {
	Shard, Shards int              // Shards is 0 for no shard
	Group         string           // consumer group
	Partitions    map[string][]int // by topic
}

func (a *Assign) fromNode(n *yaml.Node) string {
	const want = "it takes all, {shard: 0/4}, {group: NAME}, or {topic: [partitions]}"
	if n.Kind == yaml.ScalarNode {
		if n.Value == "all" {
			return ""
		}
		return want
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return want
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i].Value, n.Content[i+1]
		switch {
		case k == "shard" && v.Kind == yaml.ScalarNode && len(n.Content) == 2:
			return a.shard(v.Value)
		case k == "group" && v.Kind == yaml.ScalarNode && len(n.Content) == 2:
			a.Group = v.Value
		default:
			var parts []int
			if v.Decode(&parts) != nil {
				return want
			}
			if a.Partitions == nil {
				a.Partitions = map[string][]int{}
			}
			a.Partitions[k] = parts
		}
	}
	return ""
}

// SetShard makes it a share, written I/N.
func (a *Assign) SetShard(text string) error {
	if a.Group != "" || a.Partitions != nil {
		return errors.New("the file assigns partitions otherwise")
	}
	if problem := a.shard(text); problem != "" {
		return errors.New(problem)
	}
	return nil
}

func (a *Assign) shard(text string) string {
	i, n, ok := strings.Cut(text, "/")
	shard, err := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if !ok || err != nil || err2 != nil || shard < 0 || shard >= shards {
		return "a shard is written I/N, with I from 0 to N-1"
	}
	a.Shard, a.Shards = shard, shards
	return ""
}

// Duration is a span of time, written as 500ms, 1m, 2h30m.
type Duration time.Duration

func (d *Duration) fromNode(n *yaml.Node) string {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < 0 {
		return "it takes a span of time: 500ms, 1m, 2h"
	}
	*d = Duration(v)
	return ""
}

var topicPattern = pattern(`^[A-Za-z0-9._-]{1,249}$`)

// keepNames are what Keep may name.
var keepNames = []string{"key", "headers", "timestamp", "topic", "partition", "offset"}

// oneOf is what a word may be; the first is the default.
var oneOf = map[string][]string{
	"isolation":  {"read_committed", "read_uncommitted"},
	"value":      {"json", "json-schema", "arrow", "text"},
	"on_lost":    {"fail", "record"},
	"on_corrupt": {"quarantine", "fail"},
	"tombstones": {"reject", "skip"},
}

// completeKafka fills in what a source of type kafka leaves open.
func (c *Config) completeKafka() {
	s := &c.Source
	for key, v := range map[string]*string{"isolation": &s.Isolation, "value": &s.Value, "on_lost": &s.OnLost, "on_corrupt": &s.OnCorrupt, "tombstones": &s.Tombstones} {
		if *v == "" {
			*v = oneOf[key][0]
		}
	}
	if s.Start.IsZero() {
		s.Start.At = "earliest"
	}
	if s.Stop.IsZero() {
		s.Stop.At = "latest"
	}
	if s.Wait == 0 {
		s.Wait = Duration(30 * time.Second)
	}
	if s.Stop.At == "never" {
		if c.Sink.Every == 0 {
			c.Sink.Every = Duration(time.Minute)
		}
		if c.Sink.SealEvery == 0 {
			c.Sink.SealEvery = Duration(10 * time.Minute)
		}
	}
}

func (c *Config) validateKafka(say func(path, hint, format string, args ...any)) {
	s := &c.Source
	if len(s.Paths) > 0 {
		say("source.paths", "write topics: [NAME]", "a kafka source has no paths")
	}
	if len(s.Brokers) == 0 {
		say("source", `write brokers: ["127.0.0.1:9092"]`, "source has no brokers")
	}
	topics := s.Topics.All()
	if len(topics) == 0 {
		say("source", "write topics: [NAME]", "source has no topics")
	}
	for i, t := range topics {
		switch {
		case !topicPattern().MatchString(t) || t == "." || t == "..":
			say("source.topics", "letters, digits, and . _ -", "%q cannot name a topic", t)
		case i > 0 && topics[i-1] == t:
			say("source.topics", "", "topic %q stands twice", t)
		}
	}
	if s.Topics.Phased() && !c.Phase.zero() {
		say("phase", "take phase away, or write topics as a list", "the topics fix the phase already")
	}
	for key, v := range map[string]string{"isolation": s.Isolation, "value": s.Value, "on_lost": s.OnLost, "on_corrupt": s.OnCorrupt, "tombstones": s.Tombstones} {
		if !slices.Contains(oneOf[key], v) {
			say("source."+key, "", "%s is %s, not %q", key, strings.Join(oneOf[key], " or "), v)
		}
	}
	for i, k := range s.Keep {
		if !slices.Contains(keepNames, k) || slices.Index(s.Keep, k) != i {
			say(fmt.Sprintf("source.keep[%d]", i), "", "keep takes each of %s once, not %q", strings.Join(keepNames, ", "), k)
		}
	}
	if s.Start.At == "never" {
		say("source.start", "", "a run that never starts reads nothing")
	}
	if s.Stop.At == "earliest" {
		say("source.stop", "", "a run that stops at the earliest record reads nothing")
	}
	for key, of := range map[string]Bound{"start": s.Start, "stop": s.Stop} {
		for _, t := range slices.Sorted(maps.Keys(of.Offsets)) {
			if !slices.Contains(topics, t) {
				say("source."+key, "", "%s is not one of the topics", t)
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(s.Assign.Partitions)) {
		if !slices.Contains(topics, t) {
			say("source.assign", "", "%s is not one of the topics", t)
		}
	}
	if s.SASL != nil {
		validateSASL("source.sasl", s.SASL, say)
	}
	if s.TLS != nil && (s.TLS.Cert == "") != (s.TLS.Key == "") {
		say("source.tls", "", "a client certificate needs both cert and key")
	}
}

// zero tells whether nothing was said of phases.
func (p Phase) zero() bool {
	return p.Column == "" && p.Path == nil && p.All == "" && p.Hash == "" && p.Train == nil && p.Test == nil && p.Drop == nil
}

func validateSASL(at string, s *SASL, say func(path, hint, format string, args ...any)) {
	known := []string{"plain", "scram-sha-256", "scram-sha-512"}
	if !slices.Contains(known, s.Mechanism) {
		say(at+".mechanism", "", "mechanism is %s, not %q", strings.Join(known, " or "), s.Mechanism)
	}
	if s.User == "" {
		say(at, "", "sasl has no user")
	}
	if (s.PasswordEnv == "") == (s.PasswordFile == "") {
		say(at, "the password itself does not belong into the file", "sasl takes password_env or password_file")
	}
}

var kafkaType = reflect.TypeFor[Kafka]()

// noKafka refuses what only a kafka source has.
func (c *Config) noKafka(say func(path, hint, format string, args ...any)) {
	for _, key := range keysOf(kafkaType) {
		if _, there := c.places["source."+key]; there {
			say("source."+key, "", "%s is for sources of type kafka, not %q", key, c.Source.Type)
		}
	}
}

// Streams tells whether the run goes on until it is told to stop.
func (c *Config) Streams() bool { return c.Source.Type == "kafka" && c.Source.Stop.At == "never" }
