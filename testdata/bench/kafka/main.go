// Command kafka measures what a record costs that is consumed from Kafka and thrown away. See run.sh.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"inoculate/pipeline/kafkaconn"
	"inoculate/sources/kafka/fetch"
	"inoculate/sources/parquet"
)

const partitions = 4

func main() {
	brokers := flag.String("brokers", "", "addresses")
	topic := flag.String("topic", "", "topic")
	n := flag.Int("n", 0, "records, or seconds for latency")
	out := flag.String("out", "", "output folder, for latency")
	codec := flag.String("codec", "", "lz4 or zstd, for produce")
	flag.Parse()
	addrs := strings.Split(*brokers, ",")
	var err error
	began := time.Now()
	var bytes int64
	switch flag.Arg(0) {
	case "produce":
		err = produce(addrs, *topic, *codec, *n, flag.Args()[1:])
	case "fetch":
		bytes, err = withFetch(addrs, *topic, *n)
	case "kgo":
		bytes, err = withKgo(addrs, *topic, *n)
	case "latency":
		err = latency(addrs, *topic, *n, *out, flag.Args()[1:])
	case "rows":
		err = rows(flag.Args()[1:])
	default:
		err = errors.New("produce, fetch, kgo, latency or rows")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if flag.Arg(0) == "latency" || flag.Arg(0) == "rows" {
		return
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cpu := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	// CPU in microseconds a record, wall seconds, peak MB, bytes a record
	fmt.Fprintf(os.Stdout, "%.3f %.2f %d %d\n", cpu.Seconds()*1e6/float64(*n), time.Since(began).Seconds(), use.Maxrss>>10, bytes/int64(*n))
}

// produce makes the topic, and writes the lines of files to it, over and over.
func produce(addrs []string, topic, codec string, n int, files []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	admin := &kafka.Client{Addr: kafka.TCP(addrs...), Transport: &kafka.Transport{}}
	res, err := admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		return err
	}
	var lines [][]byte
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 64<<20)
		for sc.Scan() {
			lines = append(lines, []byte(sc.Text()))
		}
		if err := errors.Join(sc.Err(), f.Close()); err != nil {
			return err
		}
	}
	compression := kgo.Lz4Compression()
	if codec == "zstd" {
		compression = kgo.ZstdCompression()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ProducerBatchCompression(compression), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	var mu sync.Mutex
	var first error
	for i := range n {
		client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: lines[i%len(lines)]}, func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				first = err
			}
		})
	}
	return errors.Join(client.Flush(ctx), first)
}

// rows prints how many rows the Parquet files of folders have.
func rows(folders []string) error {
	n := int64(0)
	for _, folder := range folders {
		src, err := parquet.New(context.Background(), parquet.Config{Paths: []string{folder}})
		if err != nil {
			return err
		}
		plan, err := src.Plan(context.Background())
		if err := errors.Join(err, src.Close()); err != nil {
			return err
		}
		for _, p := range plan {
			n += p.End - p.First
		}
	}
	_, err := fmt.Fprintln(os.Stdout, n)
	return err
}

func withFetch(addrs []string, topic string, n int) (bytes int64, err error) {
	ctx := context.Background()
	transport := kafkaconn.Transport("bench", []string{topic}, nil, nil)
	defer transport.CloseIdleConnections()
	client := fetch.New(fetch.Config{Transport: transport, Addr: kafkaconn.Addr(addrs), Committed: true, Patience: 30 * time.Second, Logger: slog.Default()})
	var wg sync.WaitGroup
	counts, sums, errs := [partitions]int{}, [partitions]int64{}, [partitions]error{}
	for p := range int32(partitions) {
		wg.Go(func() {
			end, err := client.Offset(ctx, topic, p, fetch.Latest)
			if err != nil {
				errs[p] = err
				return
			}
			s := client.Stream(topic, p, 0)
			defer s.Close()
			s.StopAt(end)
			for s.Position() < end {
				rec, err := s.Next(ctx)
				if errors.Is(err, fetch.ErrNothing) {
					continue
				}
				if err != nil {
					errs[p] = err
					return
				}
				counts[p]++
				sums[p] += int64(len(rec.Value))
			}
		})
	}
	wg.Wait()
	client.Close()
	total := 0
	for p := range partitions {
		total += counts[p]
		bytes += sums[p]
		err = errors.Join(err, errs[p])
	}
	if total != n {
		err = errors.Join(err, fmt.Errorf("%d records of %d", total, n))
	}
	return bytes, err
}

func withKgo(addrs []string, topic string, n int) (bytes int64, err error) {
	offsets := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		offsets[p] = kgo.NewOffset().At(0)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for total := 0; total < n; {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return 0, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			total++
			bytes += int64(len(r.Value))
		})
	}
	return bytes, nil
}
