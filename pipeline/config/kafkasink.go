package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// KafkaSink says to which topics rows go on, and how they get there.
type KafkaSink struct {
	Brokers         []string   `yaml:"brokers" json:",omitzero"`          // as those of a kafka source, with its tls and sasl, where nothing is said
	Topics          SinkTopics `yaml:"topics" json:",omitzero"`           // of the phases
	Key             string     `yaml:"key" json:",omitzero"`              // column
	Delivery        string     `yaml:"delivery" json:",omitzero"`         // exactly_once, at_least_once
	TransactionalID string     `yaml:"transactional_id" json:",omitzero"` // what the ids of producers, and the groups that keep positions, begin with
	Compression     string     `yaml:"compression" json:",omitzero"`      // lz4, none, gzip, snappy, zstd
	Timeout         Duration   `yaml:"timeout" json:",omitzero"`          // after which brokers give up a transaction
	TLS             *TLS       `yaml:"tls" json:",omitzero"`
	SASL            *SASL      `yaml:"sasl" json:",omitzero"`
}

// SinkTopics are the topics of the phases; a phase without one is not sent.
type SinkTopics struct {
	Train string `yaml:"train" json:",omitzero"`
	Test  string `yaml:"test" json:",omitzero"`
}

func init() {
	oneOf["delivery"] = []string{"exactly_once", "at_least_once"}
	oneOf["compression"] = []string{"lz4", "none", "gzip", "snappy", "zstd"}
}

// maxTransaction is the longest transaction that brokers allow by default.
const maxTransaction = 15 * time.Minute

// completeKafkaSink fills in what a Kafka sink leaves open. Topics for both phases, and nothing said of files, means none.
func (c *Config) completeKafkaSink() {
	k := c.Sink.Kafka
	if k == nil && c.Rejects.Topic != "" { // the source's cluster
		k = &KafkaSink{}
		c.Sink.Kafka = k
	}
	if k == nil {
		return
	}
	if len(k.Brokers) == 0 && c.Source.Type == "kafka" {
		k.Brokers = c.Source.Brokers
		if k.TLS == nil && k.SASL == nil {
			k.TLS, k.SASL = c.Source.TLS, c.Source.SASL
		}
	}
	for key, v := range map[string]*string{"delivery": &k.Delivery, "compression": &k.Compression} {
		if *v == "" {
			*v = oneOf[key][0]
		}
	}
	if k.TransactionalID == "" {
		k.TransactionalID = "inoculate"
	}
	if k.Timeout == 0 {
		k.Timeout = min(Duration(maxTransaction), max(Duration(5*time.Minute), 2*c.Sink.Every+Duration(time.Minute)))
	}
	if _, said := c.places["sink.format"]; !said && k.Topics.Train != "" && k.Topics.Test != "" {
		c.Sink.Format = nil
	}
}

// Files tells whether records are written to files.
func (s *Sink) Files() bool { return len(s.Format) > 0 }

func (c *Config) validateKafkaSink(say func(path, hint, format string, args ...any)) {
	k, dead := c.Sink.Kafka, c.Rejects.Topic
	if dead == "" && c.Rejects.Context {
		say("rejects.context", "write topic: NAME", "context is for rejects that go to a topic")
	}
	if k == nil {
		return
	}
	if len(k.Brokers) == 0 {
		say("sink.kafka", `write brokers: ["127.0.0.1:9092"]`, "the kafka sink has no brokers")
	}
	named := map[string]string{}
	for _, t := range []struct{ at, name string }{{"sink.kafka.topics.train", k.Topics.Train}, {"sink.kafka.topics.test", k.Topics.Test}, {"rejects.topic", dead}} {
		switch other, twice := named[t.name]; {
		case t.name == "":
			continue
		case !topicPattern().MatchString(t.name) || t.name == "." || t.name == "..":
			say(t.at, "letters, digits, and . _ -", "%q cannot name a topic", t.name)
		case twice:
			say(t.at, "", "%s and %s are the same topic %q", other, t.at, t.name)
		case c.Source.Type == "kafka" && slices.Contains(c.Source.Topics.All(), t.name) && slices.ContainsFunc(k.Brokers, func(b string) bool { return slices.Contains(c.Source.Brokers, b) }):
			say(t.at, "take another topic", "%q is a topic of the source: the run would read what it writes", t.name)
		}
		named[t.name] = t.at
	}
	if len(named) == 0 {
		say("sink.kafka", "write topics: {train: NAME, test: NAME}", "the kafka sink has no topics")
	}
	if !c.Sink.Files() && (k.Topics.Train == "" || k.Topics.Test == "") {
		say("sink.kafka", "name topics for train and test, or a format: [parquet]", "a phase has neither a topic nor files")
	}
	for key, v := range map[string]string{"delivery": k.Delivery, "compression": k.Compression} {
		if !slices.Contains(oneOf[key], v) {
			say("sink.kafka."+key, "", "%s is %s, not %q", key, strings.Join(oneOf[key], " or "), v)
		}
	}
	if !idPattern().MatchString(k.TransactionalID) {
		say("sink.kafka.transactional_id", "letters, digits, and _ . - behind the first", "%q cannot begin a transactional id", k.TransactionalID)
	}
	if k.SASL != nil && k.SASL != c.Source.SASL {
		validateSASL("sink.kafka.sasl", k.SASL, say)
	}
	if k.TLS != nil && (k.TLS.Cert == "") != (k.TLS.Key == "") {
		say("sink.kafka.tls", "", "a client certificate needs both cert and key")
	}
	if k.Timeout < Duration(time.Second) {
		say("sink.kafka.timeout", "", "a transaction of %s has no time for a segment", time.Duration(k.Timeout))
	}
	if k.Delivery == "exactly_once" && c.Sink.Every > 0 && k.Timeout <= c.Sink.Every {
		say("sink.kafka.timeout", "make every shorter, or timeout longer", "a segment is %s old when it is committed, and brokers give its transaction up after %s", time.Duration(c.Sink.Every), time.Duration(k.Timeout))
	}
	if len(c.Arms) > 0 {
		say("sink.kafka", fmt.Sprintf("write the %d arms to files", len(c.Arms)), "arms go to folders of their own, not to topics")
	}
}
