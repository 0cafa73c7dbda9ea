//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline/pipelinetest/broker"
)

// TestKafkaSinkFolds kills a stream into topics, whose commit records are folded while it prepares others, and the command that
// folds beside it: readers of committed records see each record once, and the last run's metrics tell of its transactions.
func TestKafkaSinkFolds(t *testing.T) {
	t.Parallel() // most of it is waiting
	const kills = 10
	cluster := broker.Start(t, 1)
	cluster.Topic("in", 1)
	cluster.Topic("ready", 1)
	dir := t.TempDir()
	file, out := filepath.Join(dir, "stream.yaml"), filepath.Join(dir, "out")
	quoted, err := json.Marshal(cluster.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`version: 1
source: {type: kafka, brokers: %s, topics: [in], stop: never}
phase: {all: train}
prompts: [{id: p, text: HACK IT.}]
sink: {path: %q, format: [jsonl, parquet], segment_rows: 3, every: 100ms, seal_every: 500ms, compact: 64KiB, kafka: {topics: {train: ready}}}
`, quoted, out)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client := manual(t, cluster.Bootstrap)
	produced := 0
	more := func() {
		var recs []*kgo.Record
		for range 250 {
			recs = append(recs, &kgo.Record{Topic: "in", Value: fmt.Appendf(nil, `{"id": "r%07d", "messages": [{"role": "user", "content": "question %d"}]}`, produced, produced)})
			produced++
		}
		send(t, client, recs...)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	folded, killed, rounds := 0, 0, 0
	for ; killed < kills && rounds < 40; rounds++ {
		more()
		at := func(n int) string { return fmt.Sprint((1 + rng.IntN(n)) * (1 - 2*rng.IntN(2))) }
		env := envNet + "=" + at(300)
		if rounds%3 == 0 {
			env = envKill + "=" + at(2500)
		}
		run := start(t, file, env)
		compact := exec.Cmd{}
		if rounds > 0 {
			compact = *startCompact(t, out, at(200))
		}
		done := make(chan error, 1)
		go func() { done <- run.Wait() }()
		var runErr error
		select {
		case runErr = <-done:
		case <-time.After(8 * time.Second):
			if err := run.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			runErr = <-done
		}
		killed += ending(t, run, runErr)
		if compact.Process != nil {
			ending(t, &compact, compact.Wait())
		}
		names, err := filepath.Glob(filepath.Join(out, "_commits", "*", "*", "fold-*"))
		if err != nil {
			t.Fatal(err)
		}
		folded += len(names)
	}
	more()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	last := startProgram(t, []string{"run", file, "--quiet", "--listen", at})
	s := stream{file, out}
	for deadline := time.Now().Add(5 * time.Minute); len(s.ids(t)) < produced; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records stand in files after five minutes", len(s.ids(t)), produced)
		}
	}
	resp, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`inoculate_sink_transactions_total\{result="committed"\} [1-9]`, `inoculate_sink_records_total\{kind="row"\} [1-9]`, `inoculate_sink_bytes_total [1-9]`, `inoculate_sink_transaction_seconds_count [1-9]`} {
		if !regexp.MustCompile(want).Match(metrics) {
			t.Errorf("there is no %s in\n%s", want, metrics)
		}
	}
	terminate(t, last)
	var report bytes.Buffer
	if code := Main([]string{"compact", out}, strings.NewReader(""), &report, &report); code != 0 {
		t.Fatal(report.String())
	}
	places := map[string]int{}
	for _, id := range committedIDs(t, cluster.Bootstrap, "ready") {
		places[id]++
	}
	files := s.ids(t)
	for i := range produced {
		id := fmt.Sprintf("r%07d", i)
		if places[id] != 1 || files[id] != 1 {
			t.Fatalf("%s stands %d times in the topic, which has %d records, and %d times in files, of %d produced", id, places[id], len(places), files[id], produced)
		}
	}
	if len(places) != produced || len(files) != produced || folded == 0 || killed < kills {
		t.Errorf("%d records in the topic, %d in files, of %d; %d folds seen, %d kills", len(places), len(files), produced, folded, killed)
	}
	s.sealed(t)
	t.Logf("%d records, each once; %d kills in %d rounds, %d times a fold was there", produced, killed, rounds, folded)
}

// ending counts a process that was killed; any other end but success fails the test.
func ending(t *testing.T, cmd *exec.Cmd, err error) int {
	t.Helper()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
		return 0
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return 1
	}
	t.Fatalf("a process ended by itself: %v\n%s", err, cmd.Stderr)
	return 0
}

// ids counts the ids of the train records in files.
func (s stream) ids(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for id, places := range idsOf(t, s.out) {
		n[id] = len(places)
	}
	return n
}
