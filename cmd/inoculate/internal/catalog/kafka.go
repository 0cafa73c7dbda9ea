package catalog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/diag"
	"inoculate/pipeline/kafkaconn"
	kafkasink "inoculate/sinks/kafka"
	"inoculate/sources/kafka"
)

// earlier is the run record that an output folder has already, if that is of the same config. A stream goes on by what was
// fixed when it began: what is the latest record, or the schema of the first ones, is another thing today.
func earlier(ctx context.Context, c *config.Config) (*commitlog.Run, error) {
	if _, err := os.Stat(filepath.Join(c.Sink.Path, "_commits", "run.json")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	fsys, err := OpenFolder(c.Sink.Path)
	if err != nil {
		return nil, err
	}
	log, err := commitlog.Open(ctx, fsys)
	if err != nil {
		return nil, err
	}
	run := log.Run()
	canonical, err := c.Canonical()
	if err != nil {
		return nil, err
	}
	if run.ConfigSHA256 != config.Hash(canonical) {
		return nil, nil // commitlog.Start says what differs
	}
	return &run, nil
}

// Owns is the share of this process in the partitions; nil where that is all of them, or for the source to assign.
func (p *Pipeline) Owns() func(pipeline.Partition) bool {
	a := p.Config.Source.Assign
	switch {
	case a.Shards > 0:
		return func(p pipeline.Partition) bool { return ordinal(p.ID)%a.Shards == a.Shard }
	case a.Partitions != nil:
		return func(p pipeline.Partition) bool {
			parts, ok := a.Partitions[p.Path]
			_, n, _ := strings.Cut(p.ID, "-p")
			i, err := strconv.Atoi(n)
			return ok && err == nil && slices.Contains(parts, i)
		}
	}
	return nil
}

// ordinal is the sum of the numbers in a partition's id ("t01-p0003" has 4): partitions of one topic, and of many topics with
// one partition each, spread evenly over the shards.
func ordinal(id string) (sum int) {
	for _, digits := range strings.FieldsFunc(id, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(digits); err == nil {
			sum += n
		}
	}
	return sum
}

// resumer is a source that goes on by an earlier plan.
type resumer interface {
	// Check compares a plan with what is there, and refuses where they do not fit.
	Check(ctx context.Context, plan []pipeline.Partition) error
}

// plan is that of the earlier run where there was one, else a new one.
func (p *Pipeline) plan(ctx context.Context) ([]pipeline.Partition, error) {
	r, ok := p.Source.(resumer)
	if !ok || p.earlier == nil {
		return p.Source.Plan(ctx)
	}
	progress, err := p.Progress(ctx)
	if err != nil {
		return nil, err
	}
	left := make([]pipeline.Partition, len(progress))
	for i := range progress {
		left[i] = progress[i].Partition
		left[i].First = progress[i].Next
	}
	if err := r.Check(ctx, left); err != nil {
		return nil, fmt.Errorf("going on with the run in %s: %w", p.Config.Sink.Path, err)
	}
	return p.earlier.Plan, nil
}

// kafkaSource makes a source of type kafka. Its batches have JSON lines where a record is its value and nothing else.
func kafkaSource(ctx context.Context, c *config.Config, written *arrow.Schema, mem memory.Allocator, logger *slog.Logger) (src pipeline.Source, json bool, err error) {
	s := &c.Source
	cfg := kafka.Config{
		Brokers: s.Brokers, Topics: s.Topics.All(), Isolation: s.Isolation, Value: s.Value, Keep: s.Keep, OnLost: s.OnLost, OnCorrupt: s.OnCorrupt, Tombstones: s.Tombstones,
		Start: bound(s.Start), Stop: bound(s.Stop), BatchBytes: int64(s.Batch), MaxRecord: int64(s.MaxRecord), Sample: s.Sample, Wait: time.Duration(s.Wait),
		Group: s.Assign.Group, Schema: written, Mem: mem, Logger: logger,
	}
	cfg.Origins, cfg.Period = c.Rejects.Topic != "", time.Duration(c.Sink.SegmentTime)
	if cfg.TLS, cfg.SASL, err = security(c, "source", s.TLS, s.SASL); err != nil {
		return nil, false, err
	}
	k, err := kafka.New(ctx, cfg)
	if err != nil {
		return nil, false, err
	}
	json = len(s.Keep) == 0 && s.Value != kafka.ValueText && s.Value != kafka.ValueArrow
	if s.Assign.Group != "" {
		return k.Shared(s.Assign.Group), json, nil
	}
	return k, json, nil
}

// security reads the files and the secret that a config names.
func security(c *config.Config, at string, t *config.TLS, a *config.SASL) (secure *tls.Config, who kafkaconn.Mechanism, err error) {
	if t != nil {
		if secure, err = (&kafkaconn.TLS{CA: t.CA, Cert: t.Cert, Key: t.Key}).Config(); err != nil {
			return nil, nil, diag.List{c.At(at+".tls", err.Error(), "")}
		}
	}
	if a != nil {
		if who, err = (&kafkaconn.SASL{Mechanism: a.Mechanism, User: a.User, PasswordEnv: a.PasswordEnv, PasswordFile: a.PasswordFile}).New(); err != nil {
			return nil, nil, diag.List{c.At(at+".sasl", err.Error(), "")}
		}
	}
	return secure, who, nil
}

// kafkaSink makes the sink of rows and rejects that go to topics.
func kafkaSink(ctx context.Context, c *config.Config, schema *arrow.Schema, logger *slog.Logger) (*kafkasink.Sink, error) {
	k := c.Sink.Kafka
	cfg := kafkasink.Config{
		Brokers: k.Brokers, Train: k.Topics.Train, Test: k.Topics.Test, Dead: c.Rejects.Topic, Context: c.Rejects.Context, Key: k.Key, Delivery: k.Delivery,
		Prefix: k.TransactionalID, Compression: k.Compression, Timeout: time.Duration(k.Timeout), Wait: time.Duration(c.Source.Wait), Schema: schema, Logger: logger,
	}
	if k.Key != "" && len(schema.FieldIndices(k.Key)) != 1 {
		return nil, diag.List{c.At("sink.kafka.key", fmt.Sprintf("the records have no column %q", k.Key), "")}
	}
	var err error
	if cfg.TLS, cfg.SASL, err = security(c, "sink.kafka", k.TLS, k.SASL); err != nil {
		return nil, err
	}
	return kafkasink.New(ctx, cfg)
}

func bound(b config.Bound) kafka.Bound {
	switch {
	case b.Offsets != nil:
		return kafka.Offsets(b.Offsets)
	case !b.Time.IsZero():
		return kafka.At(b.Time)
	case b.At == "never":
		return kafka.Never()
	case b.At == "latest":
		return kafka.Latest()
	}
	return kafka.Earliest()
}

// Progress is how far the output folder has each partition committed: nothing, where no run was started in it.
func (p *Pipeline) Progress(ctx context.Context) ([]commitlog.Progress, error) {
	if p.earlier == nil {
		plan, err := p.Source.Plan(ctx)
		if err != nil {
			return nil, err
		}
		var out []commitlog.Progress
		for _, part := range plan {
			out = append(out, commitlog.Progress{Partition: part, Next: part.First})
		}
		return out, nil
	}
	fsys, err := OpenFolder(p.Config.Sink.Path)
	if err != nil {
		return nil, err
	}
	log, err := commitlog.Open(ctx, fsys)
	if err != nil {
		return nil, err
	}
	return log.Progress(ctx)
}
