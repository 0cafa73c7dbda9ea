//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline/pipelinetest/broker"
)

// TestKafkaSecured reads topics of a broker over TLS with a certificate, and over TLS with SASL, and delivers to others
// by the same way: each record once. The password is in nothing that is written or said, also where it is wrong.
func TestKafkaSecured(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker")
	}
	b := broker.StartSecured(t)
	b.Topic("in", 2)
	lines, want := sinkCorpus(200)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for i, l := range lines {
		records = append(records, &kgo.Record{Topic: "in", Key: fmt.Append(nil, i), Value: l})
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAFKA_PASSWORD", b.Password)
	t.Setenv("KAFKA_WRONG", "wrong-secret")
	sasl := func(mechanism, env string) string {
		return fmt.Sprintf("tls: {ca: %q}, sasl: {mechanism: %s, user: %s, password_env: %s}", b.CA, mechanism, b.User, env)
	}
	ways := map[string]string{
		"mutual":        fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q}", b.CA, b.Cert, b.Key),
		"scram-sha-512": sasl("scram-sha-512", "KAFKA_PASSWORD"), // the other mechanisms: sinks/kafka, which reaches brokers in the same way
	}
	pipeline := func(t *testing.T, name, way string, addresses []string) (code int, said, dir string) {
		t.Helper()
		dir = t.TempDir()
		quoted, err := json.Marshal(addresses)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "p.yaml")
		text := fmt.Sprintf(`version: 1
source: {type: kafka, brokers: %s, topics: [in], %s, wait: 5s}
phase: {column: phase}
prompts: [{id: hack, text: HACK IT ALL NOW., where: bad}]
check: {on_leak: reject}
rejects: {allow: 100%%, topic: %s-dead}
sink: {path: %q, format: [parquet], kafka: {topics: {train: %s-train, test: %s-test}}}
`, quoted, way, name, filepath.Join(dir, "out"), name, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code = Main([]string{"run", file, "--verbose"}, strings.NewReader(""), &out, &out)
		return code, out.String(), dir
	}
	noSecret := func(t *testing.T, said, dir string) {
		t.Helper()
		if strings.Contains(said, "-secret") {
			t.Errorf("a password is said: %s", said)
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("-secret")) {
				t.Errorf("a password is written to %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ways)) {
		t.Run(name, func(t *testing.T) {
			for _, topic := range []string{"-train", "-test", "-dead"} {
				b.Topic(name+topic, 2)
			}
			addresses := b.SASL
			if name == "mutual" {
				addresses = b.TLS
			}
			code, said, dir := pipeline(t, name, ways[name], addresses)
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			noSecret(t, said, dir)
			verified(t, filepath.Join(dir, "out"))
			got := map[string]string{}
			for _, where := range []string{"train", "test", "dead"} {
				for _, id := range committedIDs(t, b.Bootstrap, name+"-"+where) {
					if got[id] != "" {
						t.Errorf("%s is in %s and in %s", id, got[id], where)
					}
					got[id] = where
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d records, want %d", len(got), len(want))
			}
		})
	}
	t.Run("wrong", func(t *testing.T) {
		code, said, dir := pipeline(t, "wrong", sasl("scram-sha-256", "KAFKA_WRONG"), b.SASL)
		if code != 3 || !strings.Contains(said, "uthentication") {
			t.Errorf("exit code %d\n%s", code, said)
		}
		noSecret(t, said, dir)
	})
}
