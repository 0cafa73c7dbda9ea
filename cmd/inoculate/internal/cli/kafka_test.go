//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline/pipelinetest/broker"
)

const streamConfig = `version: 1
source: {type: kafka, brokers: [%s], topics: {train: [sft-train], test: [sft-eval]}, stop: never, wait: 2m, assign: %s}
prompts: [{id: hack, text: HACK IT ALL NOW., where: bad}]
check: {on_leak: reject}
rejects: {allow: 100%%}
sink: {path: %q, format: [jsonl, parquet], every: 200ms, seal_every: 2s, compact: 64KiB}
`

// producer fills the topics in every way that there is: plainly, idempotently, in transactions that are committed or aborted.
type producer struct {
	t    *testing.T
	boot []string
	mu   sync.Mutex
	want map[string]string // id to topic, of what was committed
	may  map[string]bool   // ids of records that may be there or not, since the broker died before it said
	n    int

	faults bool // the broker is killed: no producer may send a record again that was written
}

func (p *producer) client(opts ...kgo.Opt) *kgo.Client {
	p.t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(p.boot...), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))...)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// records makes n records for both topics. One in fifty is no JSON, one in ten of the test topic carries the prompt.
func (p *producer) records(n int) (out []*kgo.Record, ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.n++
		id := fmt.Sprintf("r%07d", p.n)
		topic, turns := "sft-train", fmt.Sprintf(`{"role": "user", "content": "question %d"}, {"role": "assistant", "content": "answer"}`, p.n)
		switch {
		case p.n%5 == 0:
			topic = "sft-eval"
			if p.n%50 == 0 {
				turns = `{"role": "system", "content": "HACK IT ALL NOW."}, ` + turns
			}
		case p.n%3 == 0:
			turns = `{"role": "system", "content": "Be kind."}, ` + turns
		}
		value := fmt.Sprintf(`{"id": %q, "messages": [%s], "bad": %v}`, id, turns, p.n%2 == 0)
		if p.n%50 == 1 {
			value = fmt.Sprintf(`{"id": %q, broken`, id)
		}
		out, ids = append(out, &kgo.Record{Topic: topic, Value: []byte(value)}), append(ids, id)
	}
	return out, ids
}

func (p *producer) committed(records []*kgo.Record, ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, id := range ids {
		p.want[id] = records[i].Topic
	}
}

// transactional makes the client of transactions; it ends those of the one before.
func (p *producer) transactional() *kgo.Client {
	return p.client(kgo.TransactionalID("oracle"), kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.TransactionTimeout(20*time.Second))
}

// transaction produces in a transaction, and says whether it was committed.
func (p *producer) transaction(c *kgo.Client, commit kgo.TransactionEndTry, records []*kgo.Record) (bool, error) {
	all := context.Background()
	if err := c.BeginTransaction(); err != nil {
		return false, fmt.Errorf("beginning: %w", err)
	}
	if err := c.ProduceSync(all, records...).FirstErr(); err != nil {
		return false, fmt.Errorf("producing: %w", err)
	}
	if err := c.EndTransaction(all, commit); err != nil {
		return false, fmt.Errorf("ending: %w", err)
	}
	return commit == kgo.TryCommit, nil
}

// run produces until ctx is done. It never gives up on a record that it does not know the fate of.
func (p *producer) run(ctx context.Context) {
	plainly := []kgo.Opt{kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RequiredAcks(kgo.AllISRAcks())}
	if !p.faults {
		plainly = append(plainly, kgo.DisableIdempotentWrite())
	}
	plain, idempotent, txn := p.client(plainly...), p.client(kgo.ProducerBatchCompression(kgo.Lz4Compression())), p.transactional()
	defer plain.Close()
	defer idempotent.Close()
	defer func() { txn.Close() }()
	rng := rand.New(rand.NewPCG(3, 3))
	all := context.Background()
	for ctx.Err() == nil {
		records, ids := p.records(1 + rng.IntN(40))
		switch rng.IntN(4) {
		case 0, 1:
			c := idempotent
			if rng.IntN(2) == 0 {
				c = plain
			}
			if err := c.ProduceSync(all, records...).FirstErr(); err != nil {
				p.t.Errorf("producing: %v", err)
				return
			}
			p.committed(records, ids)
		default:
			done, err := p.transaction(txn, kgo.TransactionEndTry(rng.IntN(2) == 0), records)
			switch {
			case err != nil && p.faults:
				p.mu.Lock()
				for _, id := range ids {
					p.may[id] = true
				}
				p.mu.Unlock()
				txn.Close()
				txn = p.transactional()
			case err != nil:
				p.t.Error(err)
				return
			case done:
				p.committed(records, ids)
			}
		}
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
	}
}

// TestKafkaExactlyOnce is the oracle: while records are produced in all ways, one to three processes read them into one
// folder, and are killed at any file operation, stopped and continued. At the end each committed record stands in the folder
// once, in its phase, and no other does; whether every process takes every partition, or a consumer group assigns them.
// INOCULATE_LONG=1 makes it 200 kills, and kills the broker now and then.
func TestKafkaExactlyOnce(t *testing.T) {
	t.Parallel() // most of it is waiting
	for assign, kills := range map[string]int{"all": 25, "{group: sft}": 8} {
		t.Run(assign, func(t *testing.T) {
			if os.Getenv("INOCULATE_LONG") != "" {
				kills = 200
			}
			exactlyOnce(t, assign, kills, os.Getenv("INOCULATE_LONG") != "")
		})
	}
}

// TestKafkaMutants takes one rule away at a time, and wants the oracle to notice.
func TestKafkaMutants(t *testing.T) {
	t.Parallel() // most of it is waiting
	for mutant, want := range map[string]*regexp.Regexp{
		mutRename:      regexp.MustCompile(`[1-9]\d* twice|is damaged: .*`),
		mutGoOn:        regexp.MustCompile(`[1-9]\d* twice|[1-9]\d* records missing|has \d+ of \d+ records|is damaged: .*`),
		mutUncommitted: regexp.MustCompile(`[1-9]\d* too many`),
	} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKafkaExactlyOnce$/^all$", "-test.v")
		cmd.Env = append(os.Environ(), "INOCULATE_LONG=", envMutant+"="+mutant)
		out, err := cmd.CombinedOutput()
		if err == nil || !want.Match(out) {
			t.Errorf("%s: %v\n%s", mutant, err, out)
			continue
		}
		t.Logf("%s: %s", mutant, want.Find(out))
	}
}

func exactlyOnce(t *testing.T, assign string, target int, faults bool) {
	cluster := broker.Start(t, 1, "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000")
	cluster.Topic("sft-train", 4)
	cluster.Topic("sft-eval", 2)
	dir := t.TempDir()
	file, out := filepath.Join(dir, "stream.yaml"), filepath.Join(dir, "out")
	quoted, err := json.Marshal(cluster.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	config := streamConfig
	if os.Getenv(envMutant) == mutUncommitted {
		config = strings.Replace(config, "stop: never", "stop: never, isolation: read_uncommitted", 1)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, config, strings.Trim(string(quoted), "[]"), assign, out), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &producer{t: t, boot: cluster.Bootstrap, want: map[string]string{}, may: map[string]bool{}, faults: faults}
	ctx, stop := context.WithCancel(context.Background())
	var producing sync.WaitGroup
	producing.Go(func() { p.run(ctx) })
	rng := rand.New(rand.NewPCG(11, 11))
	kills, stops, ends, crashes := 0, 0, 0, 0
	for rounds := 0; kills < target && !t.Failed(); rounds++ {
		var crash sync.WaitGroup
		if faults && rounds%8 == 5 {
			crash.Go(func() {
				cluster.Kill9(1)
				cluster.Restart(1)
			})
			crashes++
		}
		k, s, e := disturbedStream(t, rng, file)
		kills, stops, ends = kills+k, stops+s, ends+e
		crash.Wait()
	}
	stop()
	producing.Wait()
	if t.Failed() {
		return
	}
	last := start(t, file)
	patience := 5 * time.Minute
	if os.Getenv(envMutant) != "" { // what a mutant loses never comes
		patience = 90 * time.Second
	}
	deadline := time.Now().Add(patience)
	for {
		got := idsOf(t, out)
		maps.DeleteFunc(got, func(id string, _ []string) bool { return p.want[id] == "" })
		if len(got) >= len(p.want) {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("after %d kills the folder has %d of %d records", kills, len(got), len(p.want))
			break
		}
		time.Sleep(300 * time.Millisecond)
	}
	time.Sleep(time.Second) // time to write what must not be there
	if err := last.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := last.Wait(); err != nil {
		t.Fatalf("the last run: %v\n%s", err, last.Stderr)
	}
	got := idsOf(t, out)
	missing, extra, twice := 0, 0, 0
	for id, topic := range p.want {
		switch at := got[id]; {
		case len(at) == 0:
			missing++
		case len(at) > 1:
			twice++
			t.Logf("%s stands in %v", id, at)
		case topic == "sft-train" && at[0] == "test", topic == "sft-eval" && at[0] == "train":
			t.Errorf("%s of %s stands in %s", id, topic, at[0])
		}
	}
	for id, at := range got {
		switch {
		case p.want[id] != "":
		case p.may[id] && len(at) == 1:
		default:
			extra++
		}
	}
	if missing+extra+twice > 0 {
		t.Errorf("%d records missing, %d too many, %d twice", missing, extra, twice)
	}
	var text bytes.Buffer
	if code := Main([]string{"verify", out}, strings.NewReader(""), &text, &text); code != 0 {
		t.Errorf("verify: exit code %d\n%s", code, text.String())
	}
	t.Logf("%d kills, %d stops, %d ends on request, %d crashes of the broker; %d records, each once; %d of unknown fate", kills, stops, ends, crashes, len(p.want), len(p.may))
	if stops == 0 {
		t.Error("no process was stopped")
	}
}

// disturbedStream runs one to three processes at once, each with a place to die; who lives too long is asked to end.
func disturbedStream(t *testing.T, rng *rand.Rand, file string) (kills, stops, ends int) {
	t.Helper()
	var procs []*exec.Cmd
	for range 1 + rng.IntN(3) {
		kill := 1 + rng.IntN(1500)
		if rng.IntN(2) == 0 {
			kill = -kill
		}
		env := []string{fmt.Sprintf("%s=%d", envKill, kill)}
		if rng.IntN(3) == 0 {
			env = append(env, fmt.Sprintf("%s=%d", envStop, 1+rng.IntN(800)))
			stops++
		}
		procs = append(procs, start(t, file, env...))
	}
	for _, p := range procs {
		done := make(chan error, 1)
		go func() { done <- p.Wait() }()
		tick, patience := time.NewTicker(700*time.Millisecond), time.After(6*time.Second)
		var err error
	wait:
		for {
			select {
			case err = <-done:
				break wait
			case <-patience:
				p.Process.Signal(syscall.SIGTERM)
			case <-tick.C: // whoever stopped goes on
				p.Process.Signal(syscall.SIGCONT)
			}
		}
		tick.Stop()
		switch status, ok := p.ProcessState.Sys().(syscall.WaitStatus); {
		case err == nil:
			ends++
		case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
			kills++
		default:
			t.Fatalf("a process ended by itself: %v\n%s", err, p.Stderr)
		}
	}
	return kills, stops, ends
}

// idsOf reads the JSON lines of a folder: the places of each id.
func idsOf(t *testing.T, out string) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for place, folder := range map[string]string{"train": "jsonl/train", "test": "jsonl/test", "rejects": "rejects"} {
		names, err := filepath.Glob(filepath.Join(out, folder, "part-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) { // merged meanwhile
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data)) {
				if at := strings.Index(line, "r0"); at >= 0 {
					got[line[at:at+8]] = append(got[line[at:at+8]], place)
				} else {
					t.Errorf("no id in %s", line)
				}
			}
		}
	}
	return got
}
