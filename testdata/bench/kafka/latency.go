package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// latency produces perSecond records a second for some seconds while program (inoculate run FILE) is at work, and tells how old
// records are when they stand in a committed file below out/jsonl/train: milliseconds, the median, 99 % and the most.
func latency(addrs []string, topic string, seconds int, out string, program []string) error {
	const perSecond = 1000
	if err := produce(addrs, topic, "lz4", 0, nil); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.ProducerLinger(5*time.Millisecond), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx := context.Background()
	send := func() {
		value := fmt.Sprintf(`{"at": %d, "messages": [{"role": "user", "content": "What is it? %s"}, {"role": "assistant", "content": "It is."}]}`, time.Now().UnixMilli(), strings.Repeat("word ", 100))
		client.Produce(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}, nil)
	}
	send() // there is a schema
	if err := client.Flush(ctx); err != nil {
		return err
	}
	run := exec.Command(program[0], program[1:]...)
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // it has started
	var producing sync.WaitGroup
	producing.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; i < seconds*100; i++ {
			<-tick.C
			for range perSecond / 100 {
				send()
			}
		}
	})
	seen, ages := map[string]bool{}, []int64{}
	for deadline := time.Now().Add(time.Duration(seconds+15) * time.Second); len(ages) < seconds*perSecond && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := look(out, seen, &ages); err != nil {
			return err
		}
	}
	producing.Wait()
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := run.Wait(); err != nil {
		return err
	}
	if len(ages) < seconds*perSecond {
		return fmt.Errorf("%d of %d records came", len(ages), seconds*perSecond)
	}
	slices.Sort(ages)
	at := func(share float64) int64 { return ages[min(len(ages)-1, int(share*float64(len(ages))))] }
	fmt.Printf("%d records at %d a second: p50 %d ms, p99 %d ms, most %d ms\n", len(ages), perSecond, at(0.5), at(0.99), at(1))
	return nil
}

// look adds the ages of the records in files that were not there before.
func look(out string, seen map[string]bool, ages *[]int64) error {
	names, err := filepath.Glob(filepath.Join(out, "jsonl", "train", "part-*"))
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			var r struct{ At int64 }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				return err
			}
			*ages = append(*ages, now-r.At)
		}
	}
	return nil
}
