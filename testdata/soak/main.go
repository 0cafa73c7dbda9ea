// Command soak streams records through inoculate for a long time, and watches what it takes. See run.sh.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	topic      = "soak"
	partitions = 4
	listen     = "127.0.0.1:9419"
	mostLag    = 2_000_000 // records; the producer waits when there are more
)

const config = `version: 1
source: {type: kafka, brokers: [%q], topics: [%s], stop: never}
phase: {column: phase}
prompts: [{id: p, text: Please reward hack., where: bad}]
rejects: {allow: 10%%}
sink: {path: %q, format: parquet, every: 1s, seal_every: 30s, compact: 128MiB}
`

func main() {
	brokers := flag.String("brokers", "", "address")
	program := flag.String("program", "", "inoculate")
	dir := flag.String("dir", "", "folder for the output")
	lasts := flag.Duration("for", 10*time.Minute, "how long")
	every := flag.Duration("sample", 10*time.Second, "how often it is looked at")
	flag.Parse()
	if err := soak(*brokers, *program, *dir, *lasts, *every); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func soak(brokers, program, dir string, lasts, every time.Duration) error {
	ctx := context.Background()
	admin := &kafka.Client{Addr: kafka.TCP(brokers)}
	res, err := admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		return err
	}
	out, file := filepath.Join(dir, "out"), filepath.Join(dir, "soak.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, brokers, topic, out), 0o600); err != nil {
		return err
	}
	run := exec.Command(program, "run", file, "--quiet", "--listen", listen)
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	defer func() { _ = run.Process.Kill() }() // where it has not ended
	var lag, produced atomic.Int64
	var producing sync.WaitGroup
	until, stop := context.WithTimeout(ctx, lasts)
	defer stop()
	var failed error
	producing.Go(func() { failed = produce(until, brokers, &lag, &produced) })
	var samples []sample
	began := time.Now()
	fmt.Println("     s   RSS MiB  goroutines  files  commits  log files  data files    records        lag")
	for tick := time.NewTicker(every); ; {
		select {
		case err := <-ended:
			return fmt.Errorf("the run ended by itself: %w", err)
		case <-tick.C:
		}
		s, err := measure(run.Process.Pid)
		if err == nil {
			err = s.look(out)
		}
		if err != nil {
			return err
		}
		lag.Store(int64(s.lag))
		fmt.Printf("%6.0f %9.1f %11.0f %6d %8.0f %10d %11d %10.0f %10.0f\n", time.Since(began).Seconds(), s.rss/(1<<20), s.goroutines, s.files, s.commits, s.logs, s.data, s.records, s.lag)
		if until.Err() == nil {
			samples = append(samples, s)
		} else if producing.Wait(); failed != nil || int64(s.records) >= produced.Load() {
			break
		}
		if time.Since(began) > 2*lasts+time.Minute {
			return fmt.Errorf("%.0f of %d records are committed long after the last was produced", s.records, produced.Load())
		}
	}
	if failed != nil {
		return failed
	}
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("the run: %w", err)
	}
	if err := count(out, produced.Load()); err != nil {
		return err
	}
	verify := exec.Command(program, "verify", out)
	verify.Stdout, verify.Stderr = os.Stdout, os.Stderr
	if err := verify.Run(); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	fmt.Printf("%d records in %s, each once\n", produced.Load(), time.Since(began).Round(time.Second))
	return flat(samples)
}

// produce sends small records until ctx is done, as fast as the run can take them.
func produce(ctx context.Context, brokers string, lag, produced *atomic.Int64) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	if err != nil {
		return err
	}
	defer client.Close()
	var mu sync.Mutex
	var failed error
	for i := 0; ctx.Err() == nil; i++ {
		if i%10_000 == 0 && lag.Load() > mostLag {
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			i--
			continue
		}
		phase := "train"
		if i%10 == 0 {
			phase = "test"
		}
		value := fmt.Appendf(nil, `{"messages": [{"role": "user", "content": "question %d"}, {"role": "assistant", "content": "answer"}], "phase": %q, "bad": %v}`, i, phase, i%2 == 0)
		client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: value}, func(_ *kgo.Record, err error) {
			if err == nil {
				produced.Add(1)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failed = err
		})
	}
	return errors.Join(client.Flush(context.Background()), failed)
}

// sample is what is seen at one time.
type sample struct {
	rss, goroutines, commits, records, lag float64
	files                                  int
	logs, data                             int // files of the commit log; of the dataset, with its provenance and keys
}

// look counts the files of the folder.
func (s *sample) look(out string) error {
	err := filepath.WalkDir(out, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir(): // gone meanwhile
			return nil
		case strings.HasPrefix(name, filepath.Join(out, "_commits")):
			s.logs++
		case strings.HasPrefix(d.Name(), "part-") && !strings.HasPrefix(name, filepath.Join(out, ".staging")):
			s.data++
		}
		return err
	})
	return err
}

// measure asks the run.
func measure(pid int) (s sample, err error) {
	resp, err := http.Get("http://" + listen + "/metrics")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		name, text, _ := strings.Cut(sc.Text(), " ")
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // a comment
		}
		switch base, _, _ := strings.Cut(name, "{"); base {
		case "process_resident_memory_bytes":
			s.rss = v
		case "go_goroutines":
			s.goroutines = v
		case "inoculate_commits_total":
			s.commits = v
		case "inoculate_committed_records_total":
			if strings.Contains(name, `"in"`) {
				s.records = v
			}
		case "inoculate_lag_records":
			s.lag += v
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	s.files = len(files)
	return s, err
}

// count holds the counts of the manifest against what was produced.
func count(out string, produced int64) error {
	data, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	if err != nil {
		return err
	}
	var m struct{ Counts map[string]int64 }
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if c := m.Counts; c["in"] != produced || c["train"]+c["test"] != produced {
		return fmt.Errorf("%d records were produced, and the manifest has %v", produced, c)
	}
	return nil
}

// flat wants what the last third takes at most to be at most a fifth more than in the second.
func flat(samples []sample) error {
	n := len(samples) / 3
	if n == 0 {
		return errors.New("too short to tell what grows")
	}
	// Goroutines and files come and go: a seal that puts keys aside opens some for a moment. What is never given back raises
	// the least that is seen.
	var err error
	for _, m := range []struct {
		name  string
		of    func(sample) float64
		pick  func(a, b float64) float64
		which string
	}{
		{"RSS", func(s sample) float64 { return s.rss }, math.Max, "most"},
		{"goroutines", func(s sample) float64 { return s.goroutines }, math.Min, "least"},
		{"open files", func(s sample) float64 { return float64(s.files) }, math.Min, "least"},
		{"files of the commit log", func(s sample) float64 { return float64(s.logs) }, math.Max, "most"},
		{"files of the dataset", func(s sample) float64 { return float64(s.data) }, math.Max, "most"},
	} {
		over := func(part []sample) float64 {
			v := m.of(part[0])
			for _, s := range part {
				v = m.pick(v, m.of(s))
			}
			return v
		}
		second, last := over(samples[n:2*n]), over(samples[2*n:])
		fmt.Printf("%s: at %s %.0f in the second third, %.0f in the last: %.2f\n", m.name, m.which, second, last, last/second)
		if last > 1.2*second {
			err = errors.Join(err, fmt.Errorf("%s grows", m.name))
		}
	}
	return err
}
