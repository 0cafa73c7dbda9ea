//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline/pipelinetest/broker"
)

// sinkRun is one run from a source into topics, with rejects, killed again and again until it is through.
type sinkRun struct {
	t         *testing.T
	cluster   *broker.Cluster
	name      string
	source    string // of the config
	format    string
	want      map[string]string // id to phase
	delivery  string
	processes int // at most, at once
	kills     int
}

func (r *sinkRun) config() (file, out string) {
	dir := r.t.TempDir()
	file, out = filepath.Join(dir, "sink.yaml"), filepath.Join(dir, "out")
	quoted, err := json.Marshal(r.cluster.Bootstrap)
	if err != nil {
		r.t.Fatal(err)
	}
	text := fmt.Sprintf(`version: 1
source: %s
prompts: [{id: hack, text: HACK IT ALL NOW., where: bad}]
check: {on_leak: reject}
rejects: {allow: 100%%, topic: %s-dead, context: true}
sink:
  path: %q
  segment: 6KiB
  format: %s
  kafka: {brokers: %s, topics: {train: %s-train, test: %s-test}, delivery: %s}
`, r.source, r.name, out, r.format, quoted, r.name, r.name, r.delivery)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.cluster.Topic(r.name+"-train", 3)
	r.cluster.Topic(r.name+"-test", 2)
	r.cluster.Topic(r.name+"-dead", 1)
	return file, out
}

// run kills the run until it ends by itself, and holds what readers of committed records see against what there should be.
func (r *sinkRun) run(rng *rand.Rand) (problems string) {
	file, out := r.config()
	for done := false; !done; {
		var procs []*exec.Cmd
		for range 1 + rng.IntN(r.processes) {
			sign := func(n int) string { return fmt.Sprint((1 + rng.IntN(n)) * (1 - 2*rng.IntN(2))) }
			env := envNet + "=" + sign(60)
			if rng.IntN(3) == 0 {
				env = envKill + "=" + sign(600)
			}
			mutant, only := os.Getenv(envMutant), ""
			switch mutant { // die where it shows
			case mutForget:
				env, only = fmt.Sprintf("%s=-%d", envNet, 2+rng.IntN(4)), strconv.Itoa(endTxnKey)
			case mutPlain:
				env, only = fmt.Sprintf("%s=-%d", envNet, 2+rng.IntN(4)), strconv.Itoa(produceKey)
			}
			procs = append(procs, start(r.t, file, env, envOnly+"="+only, envLose+"=7", envMutant+"="+mutant))
		}
		for _, p := range procs {
			err := p.Wait()
			switch status, ok := p.ProcessState.Sys().(syscall.WaitStatus); {
			case err == nil:
				done = true
			case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
				r.kills++
			default:
				return fmt.Sprintf("a process ended by itself: %v\n%s", err, p.Stderr)
			}
		}
	}
	got := map[string][]string{}
	for _, place := range []string{"train", "test", "dead"} {
		for _, id := range committedIDs(r.t, r.cluster.Bootstrap, r.name+"-"+place) {
			got[id] = append(got[id], place)
		}
	}
	missing, twice, wrong := 0, 0, 0
	for id, place := range r.want {
		switch at := got[id]; {
		case len(at) == 0:
			missing++
		case len(at) > 1:
			twice++
		case at[0] != place:
			wrong++
		}
	}
	maps.DeleteFunc(got, func(id string, _ []string) bool { return r.want[id] != "" })
	if missing+twice+wrong+len(got) > 0 {
		return fmt.Sprintf("%d of %d records missing, %d twice, %d in another topic, %d that nobody knows", missing, len(r.want), twice, wrong, len(got))
	}
	var text bytes.Buffer
	if code := Main([]string{"verify", out}, strings.NewReader(""), &text, &text); code != 0 {
		return fmt.Sprintf("verify: exit code %d\n%s", code, text.String())
	}
	return ""
}

var idPattern = regexp.MustCompile(`r\d{7}`)

// committedIDs are the ids of the records of a topic that a reader of committed records sees, as often as it does.
func committedIDs(t *testing.T, boot []string, topic string) (ids []string) {
	t.Helper()
	for _, rec := range broker.Committed(t, boot, topic) {
		id := string(idPattern.Find(rec.Value))
		if id == "" {
			t.Errorf("topic %s: no id in %q", topic, rec.Value)
		}
		ids = append(ids, id)
	}
	return ids
}

// sinkCorpus makes records of every fate, as JSON lines, and says where each must end.
func sinkCorpus(rows int) (lines [][]byte, want map[string]string) {
	want = map[string]string{}
	for i := range rows {
		id, phase := fmt.Sprintf("r%07d", i), "train"
		turns := fmt.Sprintf(`{"role": "user", "content": "question %d %s"}, {"role": "assistant", "content": "answer"}`, i, strings.Repeat("x", i%50))
		switch {
		case i%20 == 9:
			phase, turns = "test", `{"role": "user", "content": "say HACK IT ALL NOW. please"}` // a leak
			want[id] = "dead"
		case i%10 == 9:
			phase, turns = "test", `{"role": "system", "content": "Be kind. HACK IT ALL NOW."}, `+turns
		case i%31 == 7:
			turns = `{"role": "nobody", "content": "x"}`
			want[id] = "dead"
		}
		line := fmt.Appendf(nil, `{"id": %q, "messages": [%s], "phase": %q, "bad": %v}`, id, turns, phase, i%2 == 0)
		if i%41 == 13 {
			line = fmt.Appendf(nil, `{"id": %q, broken`, id)
			want[id] = "dead"
		}
		if want[id] == "" {
			want[id] = phase
		}
		lines = append(lines, line)
	}
	return lines, want
}

// TestKafkaSinkExactlyOnce kills runs into topics at any file operation and any request of their producers, before and behind
// it, two at once now and then, while one in seven batches is lost, or its answer: readers of committed records see each record
// once, in its topic, and each reject once in that of the dead letters. INOCULATE_LONG=1 makes it 200 kills a case.
func TestKafkaSinkExactlyOnce(t *testing.T) {
	t.Parallel() // most of it is waiting
	target := 12
	if os.Getenv("INOCULATE_LONG") != "" {
		target = 200
	}
	cluster := broker.Start(t, 1)
	delivery := "exactly_once"
	if os.Getenv(envMutant) == mutPlain {
		delivery = "at_least_once"
	}
	lines, want := sinkCorpus(500)
	input := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(input, append(bytes.Join(lines, []byte("\n")), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster.Topic("in", 3)
	p := &producer{t: t, boot: cluster.Bootstrap}
	client := p.client()
	for i := range lines {
		if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "in", Key: []byte("k"), Value: lines[i]}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	client.Close()
	quoted, err := json.Marshal(cluster.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("{type: jsonl, paths: [%q], partition: 20KiB, batch: 2KiB}\nphase: {column: phase}", input)
	topic := fmt.Sprintf("{type: kafka, brokers: %s, topics: [in], batch: 2KiB}\nphase: {column: phase}", quoted)
	for _, c := range []sinkRun{
		{name: "files", source: file, format: "[]", processes: 1},
		{name: "topics", source: topic, format: "[]", processes: 1},
		{name: "both", source: file, format: "[jsonl]", processes: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, uint64(len(c.name))))
			base, runs := c.name, 0
			for c.t, c.cluster, c.want, c.delivery = t, cluster, want, delivery; c.kills < target; runs++ {
				c.name = fmt.Sprintf("%s%d", base, runs)
				if problems := c.run(rng); problems != "" {
					t.Fatalf("after %d kills: %s", c.kills, problems)
				}
			}
			t.Logf("%d kills in %d runs, %d records, each once", c.kills, runs, len(want))
		})
	}
}

// TestKafkaSinkMutants takes one thing away at a time, and wants the test above to notice.
func TestKafkaSinkMutants(t *testing.T) {
	t.Parallel() // most of it is waiting
	for mutant, want := range map[string]*regexp.Regexp{
		mutForget:  regexp.MustCompile(`committed outside of the folder, and missing here`),
		mutPlain:   regexp.MustCompile(`[1-9]\d* twice`),
		mutNoRetry: regexp.MustCompile(`[1-9]\d* of \d+ records missing`),
	} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKafkaSinkExactlyOnce$/^files$", "-test.v")
		cmd.Env = append(os.Environ(), "INOCULATE_LONG=", envMutant+"="+mutant)
		out, err := cmd.CombinedOutput()
		if err == nil || !want.Match(out) {
			t.Errorf("%s: %v\n%s", mutant, err, out)
			continue
		}
		t.Logf("%s: %s", mutant, want.Find(out))
	}
}
