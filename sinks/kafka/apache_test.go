package kafka

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/pipelinetest/broker"
)

// TestApacheKafka is one broker for what kfake does not do as Apache Kafka does: markers that are written later than the
// answer says, size limits, and transactions that expire.
func TestApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker")
	}
	cluster := broker.Start(t, 1, "transaction.abort.timed.out.transaction.cleanup.interval.ms=500")
	t.Run("exactly once", func(t *testing.T) {
		cluster.Topic("train", 4)
		cluster.Topic("test", 4)
		exactly(t, Config{Brokers: cluster.Bootstrap, Train: "train", Test: "test"}, cluster.Bootstrap)
	})
	t.Run("transactions in a row", func(t *testing.T) { inARow(t, cluster) })
	t.Run("sizes", func(t *testing.T) { sizes(t, cluster) })
	t.Run("expired", func(t *testing.T) { expired(t, cluster) })
	t.Run("crash", func(t *testing.T) { crash(t, cluster) }) // kills the broker
}

// inARow commits one small transaction right after the other, some of them cut off and begun anew by another owner.
func inARow(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("row", 3)
	s := open(t, Config{Brokers: cluster.Bootstrap, Train: "row", Compression: "gzip"})
	rng := rand.New(rand.NewPCG(1, 1))
	d := opened(t, s)
	began := time.Now()
	const n = 60
	for at := int64(0); at < n; {
		must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(at*10, at*10+10)))
		if rng.IntN(3) == 0 { // another one begins; this one's rows are sent and never committed
			must(t, d.(*delivery).send(t.Context(), d.(*delivery).outs[target{"row", 0}]))
			d = opened(t, s)
			if next, token, ok := d.Position(); ok != (at > 0) || ok && (next != at*10 || token != fmt.Sprint(at)) {
				t.Fatal(next, token, ok, at)
			}
			continue
		}
		at++
		must(t, d.Commit(t.Context(), at*10, fmt.Sprint(at)))
	}
	got := broker.Committed(t, cluster.Bootstrap, "row")
	for i, r := range got {
		if want := fmt.Sprintf(`{"id": %d,`, i); !strings.HasPrefix(string(r.Value), want) {
			t.Fatalf("record %d: %s", i, r.Value)
		}
	}
	if len(got) != 10*n {
		t.Errorf("%d records", len(got))
	}
	t.Logf("%d transactions in %s", n, time.Since(began))
}

func sizes(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("small", 1, "max.message.bytes=20000")
	cluster.Topic("dead", 1, "max.message.bytes=20000")
	s := open(t, Config{Brokers: cluster.Bootstrap, Train: "small", Dead: "dead", Compression: "none"})
	d := opened(t, s)
	must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(0, 1000))) // several times what the topic takes at once
	must(t, d.Reject(t.Context(), &pipeline.DeadLetter{Partition: input, Reject: &pipeline.Reject{Position: 1000, Reason: "leak"}, Origin: pipeline.Origin{Key: []byte("k"), Value: make([]byte, 50_000)}}))
	must(t, d.Commit(t.Context(), 1001, "x"))
	got, dead := broker.Committed(t, cluster.Bootstrap, "small"), broker.Committed(t, cluster.Bootstrap, "dead")
	for i, r := range got {
		if header(r, IDHeader) != fmt.Sprintf("run1/t00-p0003/%d", i) {
			t.Fatalf("record %d is %s", i, header(r, IDHeader))
		}
	}
	if len(got) != 1000 || len(dead) != 1 || dead[0].Value != nil || string(dead[0].Key) != "k" || header(dead[0], IDHeader) == "" {
		t.Errorf("%d records, %d rejects", len(got), len(dead))
	}
	large := pipeline.Rows{N: 1, Positions: []int64{1001}, Lines: append(bytes.Repeat([]byte("x"), 50_000), '\n')}
	err := d.Write(t.Context(), pipeline.PhaseTrain, large)
	if err == nil {
		err = d.Commit(t.Context(), 1002, "y")
	}
	if err == nil || !strings.Contains(err.Error(), "position 1001 has 500") || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Errorf("a row that is too large: %v", err)
	}
}

// expired leaves a transaction open for longer than the brokers wait.
func expired(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("late", 1)
	s := open(t, Config{Brokers: cluster.Bootstrap, Train: "late", Timeout: time.Second})
	d := opened(t, s)
	must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(0, 10)))
	must(t, d.(*delivery).send(t.Context(), d.(*delivery).outs[target{"late", 0}]))
	time.Sleep(3 * time.Second)
	if err := d.Commit(t.Context(), 10, "x"); err == nil || !strings.Contains(err.Error(), "brokers give up transactions after 1s") {
		t.Fatal(err)
	}
	again := opened(t, s)
	if _, _, ok := again.Position(); ok {
		t.Fatal("it was committed")
	}
	must(t, again.Write(t.Context(), pipeline.PhaseTrain, lines(0, 10)))
	must(t, again.Commit(t.Context(), 10, "x"))
	if got := broker.Committed(t, cluster.Bootstrap, "late"); len(got) != 10 {
		t.Errorf("%d records", len(got))
	}
}

// crash kills the broker while transactions are written, and starts it again.
func crash(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("crash", 2)
	s := open(t, Config{Brokers: cluster.Bootstrap, Train: "crash"})
	d := opened(t, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(700 * time.Millisecond)
		cluster.Kill9(1)
		cluster.Restart(1)
	}()
	n := int64(0)
	for up := true; up || n%50 != 0; {
		must(t, d.Write(t.Context(), pipeline.PhaseTrain, lines(n, n+10)))
		n += 10
		must(t, d.Commit(t.Context(), n, "x"))
		select {
		case <-done:
			up = false
		default:
		}
	}
	got := broker.Committed(t, cluster.Bootstrap, "crash")
	for i, r := range got {
		if header(r, IDHeader) != fmt.Sprintf("run1/t00-p0003/%d", i) {
			t.Fatalf("record %d is %s", i, header(r, IDHeader))
		}
	}
	if int64(len(got)) != n {
		t.Errorf("%d records of %d", len(got), n)
	}
}
