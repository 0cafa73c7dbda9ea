//go:build unix

package cli

import (
	"testing"
	"time"

	"inoculate/pipeline/pipelinetest/broker"
)

// TestKafkaGroupStart measures how long records wait for a reader that starts: the first member of the first group of a new
// cluster, which has no __consumer_offsets yet, and a member behind one that was killed, whose session has to end first. Both
// are held against a fixed share, which waits for nobody.
func TestKafkaGroupStart(t *testing.T) {
	const (
		session = 6 * time.Second // of sources/kafka
		stall   = 5 * time.Second // which kafka-go adds by itself when a group's coordinator is not there yet
	)
	cluster := broker.Start(t, 1)
	took := map[string]time.Duration{}
	for _, assign := range []string{"all", "{group: start}"} {
		topic := map[string]string{"all": "fixed", "{group: start}": "grouped"}[assign]
		cluster.Topic(topic, 2)
		client := manual(t, cluster.Bootstrap)
		s := newStream(t, cluster.Bootstrap, topic, ", stop: never, assign: "+assign)
		for round, name := range []string{"first", "killed"} {
			n := 50 * (round + 1)
			for p := range 2 {
				send(t, client, numbered(topic, p, n-50, n)...)
			}
			began := time.Now()
			run := start(t, s.file)
			s.await(t, 0, n)
			s.await(t, 1, n)
			took[topic+" "+name] = time.Since(began)
			if name == "killed" {
				terminate(t, run)
				continue
			}
			if err := run.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := run.Wait(); err == nil {
				t.Fatal("it ended by itself")
			}
		}
		s.whole(t, 0, 100)
		s.whole(t, 1, 100)
		s.sealed(t)
	}
	t.Logf("%v", took)
	if more := took["grouped first"] - took["fixed first"]; more >= stall {
		t.Errorf("the first group of a cluster reads %s later than a fixed share", more)
	}
	if more := took["grouped killed"] - took["fixed killed"]; more >= session+stall {
		t.Errorf("behind a member that was killed, a group reads %s later than a fixed share", more)
	}
}
