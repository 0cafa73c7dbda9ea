// Package broker starts an Apache Kafka for a test.
package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"inoculate/pipeline/pipelinetest/require"
)

// A Cluster is one to nine brokers on this machine, that end with the test.
type Cluster struct {
	Bootstrap []string // host:port of each node
	Dir       string   // node 1 keeps its partitions in Dir/node1/TOPIC-PARTITION

	t    testing.TB
	name string // start.sh
}

// Start starts a cluster of the given number of nodes, with lines for their server.properties ("key=value"). The test is
// skipped where there is no Java, or no way to get Kafka's jars; they are kept in the user's cache folder.
func Start(t testing.TB, nodes int, set ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, name: filepath.Join(require.Root(t), "testdata", "kafka", "start.sh"), Dir: t.TempDir()}
	cache, err := os.UserCacheDir()
	if err != nil {
		require.Skip(t, "kafka", err.Error())
	}
	cache = filepath.Join(cache, "inoculate-test", "kafka")
	if _, err := exec.LookPath("java"); err != nil {
		require.Skip(t, "kafka", err.Error())
	}
	if _, err := c.script("jars", "--cache", cache); err != nil {
		require.Skip(t, "kafka", err.Error())
	}
	t.Cleanup(func() { c.end(nodes) })
	args := []string{"up", "--nodes", strconv.Itoa(nodes), "--cache", cache, "--data", c.Dir}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	boot, err := c.script(args...)
	if err != nil {
		t.Fatal(err)
	}
	c.Bootstrap = strings.Split(boot, ",")
	return c
}

// end kills what still runs: a node that cannot reach a majority takes long to stop, and nobody needs its data.
func (c *Cluster) end(nodes int) {
	for node := 1; node <= nodes; node++ {
		text, err := os.ReadFile(filepath.Join(c.Dir, fmt.Sprintf("node%d.pid", node)))
		if err != nil {
			continue // killed by the test
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			c.t.Error(err)
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			c.t.Errorf("ending node %d: %v", node, err)
		}
		tick := time.NewTicker(20 * time.Millisecond)
		for tries := 0; tries < 100 && syscall.Kill(pid, 0) == nil; tries++ { // it may still write to the folder that is removed next
			<-tick.C
		}
		tick.Stop()
	}
}

// Kill9 ends a node (1 is the first) as a power cut of its process would.
func (c *Cluster) Kill9(node int) {
	c.t.Helper()
	c.must("kill9", "--node", strconv.Itoa(node), "--data", c.Dir)
}

// Restart starts a node that was killed, and waits until it serves.
func (c *Cluster) Restart(node int) {
	c.t.Helper()
	c.must("node", "--node", strconv.Itoa(node), "--data", c.Dir)
}

// Stop ends all nodes cleanly; their data stays. Restart brings each back.
func (c *Cluster) Stop() {
	c.t.Helper()
	c.must("down", "--data", c.Dir)
}

// Topic creates a topic with the given configs ("key=value"), replicated to up to three nodes, and waits for its leaders.
func (c *Cluster) Topic(name string, partitions int, configs ...string) {
	c.t.Helper()
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(c.Bootstrap...), Transport: transport}
	topic := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: min(3, len(c.Bootstrap))}
	for _, config := range configs {
		key, value, _ := strings.Cut(config, "=")
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
		if err == nil {
			err = res.Errors[name]
		}
		if err == nil || errors.Is(err, kafka.TopicAlreadyExists) {
			break
		}
		if time.Sleep(200 * time.Millisecond); ctx.Err() != nil { // on a loaded machine a controller takes its time
			c.t.Fatalf("creating topic %s: %v", name, err)
		}
	}
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		m, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
		if err == nil && len(m.Topics) == 1 && m.Topics[0].Error == nil && led(m.Topics[0].Partitions, partitions) {
			tick.Stop()
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("topic %s has no leaders: %v", name, err)
		}
	}
}

// led says whether there are n partitions, and each has a leader.
func led(partitions []kafka.Partition, n int) bool {
	for _, p := range partitions {
		if p.Error != nil || p.Leader.Port == 0 {
			return false
		}
	}
	return len(partitions) == n
}

func (c *Cluster) must(args ...string) {
	c.t.Helper()
	if _, err := c.script(args...); err != nil {
		c.t.Fatal(err)
	}
}

// script runs start.sh and returns what it prints.
func (c *Cluster) script(args ...string) (string, error) {
	var out, errOut bytes.Buffer
	cmd := exec.Command(c.name, args...)
	// Files, not pipes: a broker that holds the other end of a pipe would keep Wait from returning.
	stdout, err := os.CreateTemp("", "inoculate-kafka-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(stdout.Name())
	defer stdout.Close()
	stderr, err := os.CreateTemp("", "inoculate-kafka-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(stderr.Name())
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	for f, b := range map[*os.File]*bytes.Buffer{stdout: &out, stderr: &errOut} {
		text, readErr := os.ReadFile(f.Name())
		if readErr != nil {
			return "", readErr
		}
		b.Write(text)
	}
	if err != nil {
		return "", fmt.Errorf("start.sh %s: %w: %s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
