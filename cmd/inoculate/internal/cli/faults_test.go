//go:build unix

package cli

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"inoculate/pipeline/pipelinetest/broker"
	"inoculate/sinks/dataset"
)

// stream is a pipeline that reads one topic into a folder.
type stream struct{ file, out string }

// newStream writes the pipeline file; source is put behind the topics.
func newStream(t *testing.T, boot []string, topic, source string) stream {
	t.Helper()
	dir := t.TempDir()
	s := stream{filepath.Join(dir, "stream.yaml"), filepath.Join(dir, "out")}
	quoted, err := json.Marshal(boot)
	if err != nil {
		t.Fatal(err)
	}
	cuts := ""
	if strings.Contains(source, "never") {
		cuts = ", every: 200ms, seal_every: 1s"
	}
	text := fmt.Sprintf("version: 1\nsource: {type: kafka, brokers: %s, topics: [%s]%s}\nphase: {all: train}\nprompts: [{id: p, text: HACK IT.}]\nrejects: {allow: 100%%}\nsink: {path: %q, format: jsonl%s}\n", quoted, topic, source, s.out, cuts)
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// seqs are the numbers of the train records of each partition, in the order of its files.
func (s stream) seqs(t *testing.T) map[int][]int {
	t.Helper()
	got := map[int][]int{}
	for _, line := range linesOf(t, filepath.Join(s.out, "train")) {
		var r struct{ P, Seq int }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got[r.P] = append(got[r.P], r.Seq)
	}
	return got
}

// await waits until the folder has n train records of partition p.
func (s stream) await(t *testing.T, p, n int) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Minute); len(s.seqs(t)[p]) < n; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("partition %d has %d of %d records", p, len(s.seqs(t)[p]), n)
		}
	}
}

// whole checks that partition p has the records 0 to n, each once and in order.
func (s stream) whole(t *testing.T, p, n int) {
	t.Helper()
	got := s.seqs(t)[p]
	for i, seq := range got {
		if i != seq {
			t.Fatalf("partition %d: record %d stands at %d", p, seq, i)
		}
	}
	if len(got) != n {
		t.Errorf("partition %d has %d records, want %d", p, len(got), n)
	}
}

// sealed checks that the folder has a manifest and is verified.
func (s stream) sealed(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(s.out, dataset.ManifestName)); err != nil {
		t.Error(err)
	}
	mustCall(t, "verify", s.out)
}

// longest is the longest time between two commit records of a partition.
func (s stream) longest(t *testing.T) (most time.Duration) {
	t.Helper()
	chains, err := filepath.Glob(filepath.Join(s.out, "_commits", "*", "*-p*"))
	if err != nil || len(chains) == 0 {
		t.Fatal(chains, err)
	}
	for _, chain := range chains {
		var last time.Time
		for _, name := range records(t, chain) {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if !last.IsZero() {
				most = max(most, info.ModTime().Sub(last))
			}
			last = info.ModTime()
		}
	}
	return most
}

// records are the files of a chain's records, in order.
func records(t *testing.T, chain string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(chain, "0*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// terminate ends a program by SIGTERM, and wants exit code 0.
func terminate(t *testing.T, cmd *exec.Cmd) time.Duration {
	t.Helper()
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	return time.Since(began)
}

// numbered makes the records from to before to of a partition.
func numbered(topic string, p, from, to int) (out []*kgo.Record) {
	for i := from; i < to; i++ {
		out = append(out, &kgo.Record{Topic: topic, Partition: int32(p), Value: fmt.Appendf(nil, `{"p": %d, "seq": %d, "messages": [{"role": "user", "content": "question %d"}]}`, p, i, i)})
	}
	return out
}

func manual(t *testing.T, boot []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(boot...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func send(t *testing.T, c *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := c.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// TestKafkaLeaderKilled kills the leader of a partition twice under a steady producer of 10,000 records a second. It runs
// with INOCULATE_LONG=1 only.
func TestKafkaLeaderKilled(t *testing.T) {
	if os.Getenv("INOCULATE_LONG") == "" {
		t.Skip("it takes minutes: INOCULATE_LONG=1 runs it")
	}
	const rate, pause = 10_000, 15 * time.Second // Kafka takes 9 s to notice
	cluster := broker.Start(t, 3)
	cluster.Topic("a", 2, "min.insync.replicas=2")
	s := newStream(t, cluster.Bootstrap, "a", ", stop: never")
	client := manual(t, cluster.Bootstrap, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MaxBufferedRecords(1_000_000))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var producing sync.WaitGroup
	var failed error
	n := 0
	producing.Go(func() {
		var mu sync.Mutex
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for each := rate / 200; ctx.Err() == nil; n += each {
			for p := range 2 {
				for _, r := range numbered("a", p, n, n+each) {
					client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
						mu.Lock()
						defer mu.Unlock()
						failed = errors.Join(failed, err)
					})
				}
			}
			<-tick.C
		}
		failed = errors.Join(client.Flush(context.Background()), failed)
	})
	run := start(t, s.file)
	s.await(t, 0, 1)
	admin := &kafka.Client{Addr: kafka.TCP(cluster.Bootstrap...), Transport: &kafka.Transport{MetadataTTL: 100 * time.Millisecond}}
	for range 2 {
		time.Sleep(pause)
		m, err := admin.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(m.Topics[0].Partitions, func(p kafka.Partition) bool { return p.ID == 0 })
		leader := m.Topics[0].Partitions[i].Leader.ID
		cluster.Kill9(leader)
		time.Sleep(pause)
		cluster.Restart(leader)
	}
	stop()
	producing.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	s.await(t, 0, n)
	s.await(t, 1, n)
	terminate(t, run)
	s.whole(t, 0, n)
	s.whole(t, 1, n)
	s.sealed(t)
	t.Logf("%d records, each once and in order; at most %s between two commits of a partition", 2*n, s.longest(t).Round(time.Millisecond))
}

// TestKafkaFaults has faults around one broker.
func TestKafkaFaults(t *testing.T) {
	cluster := broker.Start(t, 1)
	t.Run("beside", func(t *testing.T) {
		for name, f := range map[string]func(*testing.T, *broker.Cluster){"grown": grown, "frozen": frozen, "values": oddValues, "damaged": damagedLog, "drained": drained} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f(t, cluster)
			})
		}
	})
	t.Run("flipped", func(t *testing.T) { flipped(t, cluster) })
}

// grown has a partition come up while a run goes on.
func grown(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("grown", 1)
	client := manual(t, cluster.Bootstrap)
	send(t, client, numbered("grown", 0, 0, 50)...)
	s := newStream(t, cluster.Bootstrap, "grown", ", stop: never")
	run := start(t, s.file)
	s.await(t, 0, 50)
	admin := &kafka.Client{Addr: kafka.TCP(cluster.Bootstrap...)}
	res, err := admin.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: "grown", Count: 2}}})
	if err == nil {
		err = res.Errors["grown"]
	}
	if err != nil {
		t.Fatal(err)
	}
	later := manual(t, cluster.Bootstrap)
	send(t, later, numbered("grown", 1, 0, 70)...)
	send(t, later, numbered("grown", 0, 50, 60)...)
	s.await(t, 1, 70)
	terminate(t, run)
	s.whole(t, 0, 60)
	s.whole(t, 1, 70)
	s.sealed(t)
}

// frozen stops a member of a group for longer than its session, and continues it.
func frozen(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("frozen", 2)
	client := manual(t, cluster.Bootstrap)
	s := newStream(t, cluster.Bootstrap, "frozen", ", stop: never, assign: {group: frozen}")
	produced := 0
	more := func() {
		for p := range 2 {
			send(t, client, numbered("frozen", p, produced, produced+100)...)
		}
		produced += 100
	}
	more()
	one := start(t, s.file)
	s.await(t, 0, produced)
	s.await(t, 1, produced)
	if err := one.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	more()
	two := start(t, s.file)
	s.await(t, 0, produced) // once the session of the first is over
	s.await(t, 1, produced)
	more()
	if err := one.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	more()
	s.await(t, 0, produced)
	s.await(t, 1, produced)
	terminate(t, one)
	more()
	s.await(t, 0, produced)
	s.await(t, 1, produced)
	terminate(t, two)
	s.whole(t, 0, produced)
	s.whole(t, 1, produced)
	s.sealed(t)
}

// oddValues has values that are no records, and one of 50 MB.
func oddValues(t *testing.T, cluster *broker.Cluster) {
	const size = 50 << 20
	cluster.Topic("values", 1, fmt.Sprintf("max.message.bytes=%d", size+1<<20))
	client := manual(t, cluster.Bootstrap, kgo.ProducerBatchMaxBytes(size+1<<20), kgo.BrokerMaxWriteBytes(size+2<<20), kgo.MaxBufferedBytes(2*size), kgo.ProducerBatchCompression(kgo.NoCompression()))
	good := numbered("values", 0, 0, 4)
	huge := &kgo.Record{Topic: "values", Value: fmt.Appendf(nil, `{"p": 0, "seq": 2, "messages": [{"role": "user", "content": %q}]}`, strings.Repeat("x", size))}
	odd := func(value []byte) *kgo.Record { return &kgo.Record{Topic: "values", Value: value} }
	send(t, client, good[0], odd(nil), odd([]byte{}), odd([]byte("no JSON")), odd([]byte(`{"p": 0, "seq": 9, "messages": [`)), odd([]byte("\x00\x00\x00\x00\x07{}")), good[1])
	send(t, client, huge)
	send(t, client, good[3])
	rejected := func(s stream) (out []string) {
		for _, line := range linesOf(t, filepath.Join(s.out, "rejects")) {
			var r struct {
				Reason   string
				Position int
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(r.Position, " ", r.Reason))
		}
		return out
	}
	const reasons = "1 tombstone, 2 empty_value, 3 json_syntax, 4 json_syntax, 5 registry_framing"
	s := newStream(t, cluster.Bootstrap, "values", "")
	mustCall(t, "run", s.file, "-q")
	s.whole(t, 0, 4)
	if got := strings.Join(rejected(s), ", "); got != reasons {
		t.Errorf("rejects %s", got)
	}
	small := newStream(t, cluster.Bootstrap, "values", ", max_record: 1MiB")
	mustCall(t, "run", small.file, "-q")
	if got := strings.Join(rejected(small), ", "); got != reasons+", 7 too_large" {
		t.Errorf("rejects %s", got)
	}
	if got := small.seqs(t)[0]; !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("records %v", got)
	}
	framed := newStream(t, cluster.Bootstrap, "values", ", value: json-schema")
	mustCall(t, "run", framed.file, "-q")
	if got := strings.Count(strings.Join(rejected(framed), ", "), "no_registry_framing"); got != 6 {
		t.Errorf("%d without framing: %v", got, rejected(framed))
	}
}

// damagedLog damages the commit log of a run that was stopped: the next start names the file.
func damagedLog(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("damaged", 1)
	client := manual(t, cluster.Bootstrap)
	s := newStream(t, cluster.Bootstrap, "damaged", ", stop: never")
	run := start(t, s.file)
	for n := 0; n < 5; n++ {
		send(t, client, numbered("damaged", 0, 10*n, 10*n+10)...)
		s.await(t, 0, 10*n+10)
	}
	terminate(t, run)
	chains, err := filepath.Glob(filepath.Join(s.out, "_commits", "*", "*-p*"))
	if err != nil || len(chains) != 1 {
		t.Fatal(chains, err)
	}
	names := records(t, chains[0])
	if len(names) < 4 {
		t.Fatal(names)
	}
	victim := names[1]
	whole, err := os.ReadFile(victim)
	if err != nil {
		t.Fatal(err)
	}
	flip := slices.Clone(whole)
	flip[len(flip)/2] ^= 4
	for name, damaged := range map[string][]byte{"truncated": whole[:len(whole)/2], "flipped": flip, "missing": nil} {
		if damaged == nil {
			err = os.Remove(victim)
		} else {
			err = os.WriteFile(victim, damaged, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := start(t, s.file)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
		}
		if code := cmd.ProcessState.ExitCode(); code != exitIncomplete || !strings.Contains(fmt.Sprint(cmd.Stderr), filepath.Base(victim)) {
			t.Errorf("%s: exit %d: %s", name, code, cmd.Stderr)
		}
		if err := os.WriteFile(victim, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	send(t, client, numbered("damaged", 0, 50, 60)...)
	run = start(t, s.file) // nothing was spoiled
	s.await(t, 0, 60)
	terminate(t, run)
	s.whole(t, 0, 60)
	s.sealed(t)
}

// drained ends a run under load.
func drained(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("drained", 1)
	client := manual(t, cluster.Bootstrap)
	send(t, client, numbered("drained", 0, 0, 100)...)
	s := newStream(t, cluster.Bootstrap, "drained", ", stop: never")
	run := start(t, s.file)
	s.await(t, 0, 1)
	ctx, stop := context.WithCancel(t.Context())
	var producing sync.WaitGroup
	n := 100
	producing.Go(func() {
		for ; ctx.Err() == nil; n += 100 {
			if err := client.ProduceSync(context.Background(), numbered("drained", 0, n, n+100)...).FirstErr(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	s.await(t, 0, 1000)
	if took := terminate(t, run); took > 10*time.Second {
		t.Errorf("it ended after %s", took)
	}
	stop()
	producing.Wait()
	s.whole(t, 0, len(s.seqs(t)[0]))
	s.sealed(t)
	run = start(t, s.file)
	s.await(t, 0, n)
	terminate(t, run)
	s.whole(t, 0, n)
}

// flipped changes a byte on the broker's disk: the batch becomes a reject, all others are read.
func flipped(t *testing.T, cluster *broker.Cluster) {
	cluster.Topic("flipped", 1)
	client := manual(t, cluster.Bootstrap)
	for n := range 10 {
		send(t, client, numbered("flipped", 0, 100*n, 100*n+100)...)
	}
	client.Close()
	cluster.Stop()
	logs, err := filepath.Glob(filepath.Join(cluster.Dir, "node1", "flipped-0", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(b); at += 12 + int(binary.BigEndian.Uint32(b[at+8:])) {
		if binary.BigEndian.Uint64(b[at:]) == 500 {
			b[at+100] ^= 1
		}
	}
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	cluster.Restart(1)
	s := newStream(t, cluster.Bootstrap, "flipped", "")
	began := time.Now()
	mustCall(t, "run", s.file, "-q")
	took := time.Since(began)
	got := s.seqs(t)[0]
	want := slices.DeleteFunc(slices.Collect(func(yield func(int) bool) {
		for i := range 1000 {
			if !yield(i) {
				return
			}
		}
	}), func(i int) bool { return 500 <= i && i < 600 })
	if !slices.Equal(got, want) {
		t.Errorf("%d records", len(got))
	}
	rejects := linesOf(t, filepath.Join(s.out, "rejects"))
	if len(rejects) != 1 || !strings.Contains(rejects[0], `"reason": "corrupt_batch"`) || !strings.Contains(rejects[0], `"position": 500`) || !strings.Contains(rejects[0], "offsets 500-599") {
		t.Errorf("rejects %.300q", rejects)
	}
	s.sealed(t)
	t.Logf("read in %s", took.Round(time.Millisecond))
}

// TestKafkaRefusals starts against brokers that are not there, or do not give what is asked for.
func TestKafkaRefusals(t *testing.T) {
	refused := func(s stream, want string, least, most time.Duration) {
		t.Helper()
		began := time.Now()
		code, _, e := call("run", s.file, "-q")
		if took := time.Since(began); code != exitIncomplete || !strings.Contains(e, want) || took < least || took > most {
			t.Errorf("exit %d after %s, want %q: %s", code, took, want, e)
		}
	}
	refused(newStream(t, []string{"127.0.0.1:1"}, "a", ", wait: 1s"), "connection refused", time.Second, 5*time.Second)
	cluster, err := kfake.NewCluster(kfake.SeedTopics(1, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	refused(newStream(t, cluster.ListenAddrs(), "absent", ", wait: 20s"), "topics are never created", 0, 5*time.Second)
	safe, err := kfake.NewCluster(kfake.SeedTopics(1, "a"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"))
	if err != nil {
		t.Fatal(err)
	}
	defer safe.Close()
	safe.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		safe.KeepControl()
		res := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		res.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return res, nil, true
	})
	t.Setenv("KAFKA_PASSWORD", "wrong")
	refused(newStream(t, safe.ListenAddrs(), "a", ", wait: 20s, sasl: {mechanism: plain, user: u, password_env: KAFKA_PASSWORD}"), "SASL Authentication Failed", 0, 5*time.Second)
}
