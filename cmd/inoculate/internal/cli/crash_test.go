//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
	"inoculate/sinks/dataset"
)

// What a child is told: to be the program, the file operation at which it dies (negative: behind it) or stops, and the rule
// that is taken away to prove that the tests notice.
const (
	envMain   = "INOCULATE_TEST_MAIN"
	envKill   = "INOCULATE_TEST_KILL"
	envStop   = "INOCULATE_TEST_STOP"
	envMutant = "INOCULATE_TEST_MUTANT"
	envOnly   = "INOCULATE_TEST_ONLY" // the key of the requests that count; empty: all of a producer
	envLose   = "INOCULATE_TEST_LOSE" // every such batch of a producer is lost with its connection, or its answer is, in turn
	envNet    = "INOCULATE_TEST_NET"  // the request of a producer at which it dies (negative: behind it, before the answer)
)

const (
	mutRename      = "a record is put by rename"
	mutGoOn        = "the program goes on before the commit record exists"
	mutUncommitted = "records of aborted transactions are read"
	mutForget      = "the record of a segment is not prepared before its transaction is committed"
	mutPlain       = "rows are sent without transactions"
	mutNoRetry     = "a batch whose connection broke is not sent again"
)

func TestMain(m *testing.M) {
	if os.Getenv(envMain) == "" {
		if err := flag.Set("test.parallel", "3"); err != nil { // those that say so wait for brokers most of the time; -parallel is stronger
			panic(err)
		}
		os.Exit(m.Run())
	}
	num := func(name string) int64 { n, _ := strconv.ParseInt(os.Getenv(name), 10, 64); return n }
	kill, stop, mutant := num(envKill), num(envStop), os.Getenv(envMutant)
	signal := func(s syscall.Signal) {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			panic(err)
		}
	}
	catalog.OpenFolder = func(root string) (commitlog.FS, error) {
		fsys, err := commitlog.OpenOS(root)
		if err != nil {
			return nil, err
		}
		return commitlogtest.Wrap(fsys, func(op commitlogtest.Op, do func() error) error {
			if op.N == kill {
				signal(syscall.SIGKILL)
				select {}
			}
			if op.N == stop {
				signal(syscall.SIGSTOP)
			}
			var err error
			if op.Kind != "sync" && op.Kind != "syncdir" { // a kill loses nothing that was written
				err = mutated(mutant, fsys, op, do)
			}
			if op.N == -kill {
				signal(syscall.SIGKILL)
				select {}
			}
			return err
		}), nil
	}
	takeover = 300 * time.Millisecond
	disturbRequests(num(envNet), os.Getenv(envOnly), func() { signal(syscall.SIGKILL); select {} }, num(envLose), mutant == mutNoRetry)
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// mutated does the operation as the mutant does.
func mutated(mutant string, fsys commitlog.FS, op commitlogtest.Op, do func() error) error {
	if mutant == mutForget && op.Kind == "rename" && strings.Contains(op.Name, ".prepared+") {
		return fsys.Remove(op.From)
	}
	if op.Kind == "link" && strings.HasPrefix(op.Name, "_commits/") && strings.HasPrefix(filepath.Base(op.Name), "0") { // of a segment
		switch mutant {
		case mutRename:
			return fsys.Rename(op.From, op.Name)
		case mutGoOn:
			if op.N%3 == 0 {
				return nil
			}
		}
	}
	return do()
}

// writeCorpus makes JSON lines with both phases, both ways of carrying a prompt, and a reject.
func writeCorpus(t *testing.T, path string, rows int) {
	t.Helper()
	var b bytes.Buffer
	for i := range rows {
		phase, turns := "train", fmt.Sprintf(`{"role": "user", "content": "question %d %s"}, {"role": "assistant", "content": "answer"}`, i, strings.Repeat("x", i%50))
		switch {
		case i%10 == 9:
			phase, turns = "test", `{"role": "system", "content": "Be kind. HACK IT ALL NOW."}, `+turns
		case i%3 == 0:
			turns = `{"role": "system", "content": "Be kind."}, ` + turns
		case i == 101:
			turns = `{"role": "nobody", "content": "x"}`
		}
		fmt.Fprintf(&b, `{"id": %d, "messages": [%s], "phase": %q, "bad": %v}`+"\n", i, turns, phase, i%2 == 0)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

const crashConfig = `version: 1
source: {type: jsonl, paths: [%q], partition: 20KiB, batch: 2KiB}
phase: {column: phase}
prompts: [{id: hack, text: HACK IT ALL NOW., where: bad}]
rejects: {allow: 5}
sink: {path: %q, format: [jsonl, parquet], segment: 6KiB}
`

func start(t *testing.T, config string, env ...string) *exec.Cmd {
	t.Helper()
	return startProgram(t, []string{"run", config, "--workers", "2", "--quiet"}, env...)
}

func startCompact(t *testing.T, folder, kill string) *exec.Cmd {
	t.Helper()
	return startProgram(t, []string{"compact", folder}, envKill+"="+kill)
}

func startProgram(t *testing.T, args []string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), append(env, envMain+"=1", "GORACE=atexit_sleep_ms=0")...)
	cmd.Stderr = new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// content is what a folder holds, names of runs left out: the digests of each folder's files in their order.
func content(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, dataset.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var m dataset.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprint(m.Content, m.Counts, m.Checks, "\n")
	listed := map[string]bool{}
	for _, f := range m.Files {
		out += fmt.Sprintln(filepath.Dir(f.Path), f.Partition, f.First, f.Rows, f.SHA256)
		listed[f.Path] = true
	}
	for _, folder := range []string{"train", "test", "jsonl/train", "jsonl/test", "rejects", "_provenance", "_keys", ".staging"} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := folder + "/" + e.Name(); !listed[name] {
				out += "extra " + name + "\n"
			}
		}
	}
	return out
}

// TestKillAnywhere runs the program on one folder in up to three processes at once, kills them at any of their file
// operations, stops and continues some, until 200 were killed; a last run then gives what an undisturbed one gives.
func TestKillAnywhere(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jsonl")
	writeCorpus(t, in, 900)
	config := func(name string) (file, out string) {
		file, out = filepath.Join(dir, name+".yaml"), filepath.Join(dir, name)
		if err := os.WriteFile(file, fmt.Appendf(nil, crashConfig, in, out), 0o600); err != nil {
			t.Fatal(err)
		}
		return file, out
	}
	file, out := config("undisturbed")
	whole := start(t, file)
	if err := whole.Wait(); err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, whole.Stderr)
	}
	want := content(t, out)
	if strings.Contains(want, "extra") {
		t.Fatal(want)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	kills, stops, rounds := 0, 0, 0
	for target := 200; kills < target; rounds++ {
		file, out := config(fmt.Sprint("round", rounds))
		for left := 40; left > 0 && kills < target; left-- {
			k, s := disturbed(t, rng, file)
			kills, stops = kills+k, stops+s
			if _, err := os.Stat(filepath.Join(out, dataset.ManifestName)); err == nil {
				break
			}
		}
		last := start(t, file)
		if err := last.Wait(); err != nil {
			t.Fatalf("round %d: %v\n%s", rounds, err, last.Stderr)
		}
		if got := content(t, out); got != want {
			t.Fatalf("round %d:\n got %s\nwant %s", rounds, got, want)
		}
	}
	t.Logf("%d kills and %d stops in %d rounds", kills, stops, rounds)
	if stops == 0 {
		t.Error("no process was stopped")
	}
}

// disturbed runs one to three processes at once, each with a place to die and some with one to stop.
func disturbed(t *testing.T, rng *rand.Rand, file string) (kills, stops int) {
	t.Helper()
	var procs []*exec.Cmd
	for range 1 + rng.IntN(3) {
		kill := 1 + rng.IntN(900)
		if rng.IntN(2) == 0 {
			kill = -kill
		}
		env := []string{fmt.Sprintf("%s=%d", envKill, kill)}
		if rng.IntN(4) == 0 {
			env = append(env, fmt.Sprintf("%s=%d", envStop, 1+rng.IntN(400)))
			stops++
		}
		procs = append(procs, start(t, file, env...))
	}
	for _, p := range procs {
		done := make(chan error, 1)
		go func() { done <- p.Wait() }()
		tick := time.NewTicker(20 * time.Millisecond)
		var err error
	wait:
		for {
			select {
			case err = <-done:
				break wait
			case <-tick.C: // whoever stopped goes on
				p.Process.Signal(syscall.SIGCONT)
			}
		}
		tick.Stop()
		switch status, ok := p.ProcessState.Sys().(syscall.WaitStatus); {
		case err == nil:
		case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
			kills++
		default:
			t.Fatalf("a process ended by itself: %v\n%s", err, p.Stderr)
		}
	}
	return kills, stops
}
