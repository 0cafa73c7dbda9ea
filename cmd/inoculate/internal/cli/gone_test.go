//go:build unix

package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inoculate/pipeline/pipelinetest/broker"
)

// TestKafkaGone: while no broker answers, what was read is committed when it is old enough, and a run ends when it is asked to.
func TestKafkaGone(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := broker.Start(t, 1)
	client := manual(t, cluster.Bootstrap)
	streams, runs := map[string]stream{}, map[string]*exec.Cmd{}
	for name, more := range map[string]string{"old": ", assign: all|4s", "asked": ", assign: all|1h", "group": ", assign: {group: gone}|1h"} {
		cluster.Topic(name, 1)
		send(t, client, numbered(name, 0, 0, 100)...)
		source, every, _ := strings.Cut(more, "|")
		s := newStream(t, cluster.Bootstrap, name, ", stop: never"+source)
		text, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.file, bytes.Replace(text, []byte("every: 200ms"), []byte("every: "+every), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		streams[name], runs[name] = s, start(t, s.file)
	}
	for name, s := range streams { // it has records in hand
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if names, _ := filepath.Glob(filepath.Join(s.out, ".staging", "*part-*")); len(names) > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s has read nothing", name)
			}
		}
	}
	cluster.Kill9(1)
	streams["old"].await(t, 0, 100)
	for name, s := range streams {
		if took := terminate(t, runs[name]); took > 15*time.Second {
			t.Errorf("%s ended after %s", name, took)
		}
		s.whole(t, 0, 100)
		s.sealed(t)
	}
}

// TestKafkaNotBegun: a run that is asked to end while it waits for a broker's first answer does so at once.
func TestKafkaNotBegun(t *testing.T) {
	for _, assign := range []string{"all", "{group: g}"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		s := newStream(t, []string{l.Addr().String()}, "silent", ", stop: never, assign: "+assign)
		run := start(t, s.file)
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if took := terminate(t, run); took > 10*time.Second {
			t.Errorf("%s: it ended after %s", assign, took)
		}
		if _, err := os.Stat(s.out); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: there is an output folder: %v", assign, err)
		}
	}
}
