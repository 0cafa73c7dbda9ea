package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest/broker"
)

// TestFailover kills each of three brokers in turn, while transactions are written: the leader of the topic's partition, the
// coordinator of the transactions and that of the positions are among them. A reader of committed records sees each once, in
// their order; transactions that were cut off are written by the next owner.
func TestFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("starts brokers")
	}
	cluster := broker.Start(t, 3, "broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500")
	cluster.Topic("train", 2, "min.insync.replicas=2")
	s := open(t, Config{Brokers: cluster.Bootstrap, Train: "train"})
	d := opened(t, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for node := 1; node <= 3; node++ {
			time.Sleep(500 * time.Millisecond)
			cluster.Kill9(node)
			time.Sleep(4 * time.Second) // the others notice
			cluster.Restart(node)
		}
	}()
	owners, transactions := 1, 0
	n := int64(0)
	for up := true; up; {
		at := n
		err := d.Write(t.Context(), pipeline.PhaseTrain, lines(at, at+20))
		if err == nil {
			err = d.Commit(t.Context(), at+20, fmt.Sprint(at+20))
		}
		switch {
		case errors.Is(err, pipeline.ErrTaken): // the brokers have given the transaction up, or nobody knows: the position does
			must(t, d.Close(context.Background()))
			d = opened(t, s)
			owners++
			n = 0
			if next, token, ok := d.Position(); ok {
				if n = next; token != fmt.Sprint(next) {
					t.Fatalf("position %d has the token %s", next, token)
				}
			}
			if n != at && n != at+20 {
				t.Fatalf("position %d behind the commits of %d and %d", n, at, at+20)
			}
		case err != nil:
			t.Fatal(err)
		default:
			n = at + 20
			transactions++
		}
		select {
		case <-done:
			up = false
		default:
		}
	}
	got := broker.Committed(t, cluster.Bootstrap, "train")
	for i, r := range got {
		if header(r, IDHeader) != fmt.Sprintf("run1/t00-p0003/%d", i) {
			t.Fatalf("record %d is %s", i, header(r, IDHeader))
		}
	}
	if int64(len(got)) != n {
		t.Errorf("%d records of %d", len(got), n)
	}
	t.Logf("%d transactions, %d records, %d owners", transactions, len(got), owners)
}
