package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"inoculate/pipeline"
)

// Reject sends a record that was rejected to the topic for those, with its own key, value and headers, and those that
// Kafka Connect gives its dead letters.
func (d *delivery) Reject(ctx context.Context, l *pipeline.DeadLetter) error {
	if d.sink.cfg.Dead == "" {
		return nil
	}
	o := pipeline.Origin{Key: l.Origin.Key, Value: l.Origin.Value}
	o.Headers = append(o.Headers, l.Origin.Headers...)
	if d.sink.cfg.Context {
		o.Headers = append(o.Headers, d.connect(l)...)
	}
	o.Headers = append(o.Headers, d.identity(l.Reject.Position))
	return d.add(ctx, d.sink.cfg.Dead, l.Reject.Position, &o)
}

// connect are the headers of Kafka Connect's dead letters. What has no partition of Kafka has no such header.
func (d *delivery) connect(l *pipeline.DeadLetter) []pipeline.Header {
	text := func(name, value string) pipeline.Header {
		return pipeline.Header{Key: "__connect.errors." + name, Value: []byte(value)}
	}
	topic, partition := l.Partition.Source, ""
	if n, ok := strings.CutPrefix(l.Partition.Source, l.Partition.Path+"/"); ok {
		if _, err := strconv.ParseUint(n, 10, 31); err == nil {
			topic, partition = l.Partition.Path, n
		}
	}
	stage, message := "TRANSFORMATION", l.Reject.Reason
	if l.Source {
		stage = "VALUE_CONVERTER"
	}
	if l.Reject.Field != "" {
		message += ": field " + l.Reject.Field
	}
	if l.Reject.Detail != "" {
		message += ": " + l.Reject.Detail
	}
	out := []pipeline.Header{text("topic", topic)}
	if partition != "" {
		out = append(out, text("partition", partition))
	}
	return append(out, text("offset", strconv.FormatInt(l.Reject.Position, 10)), text("connector.name", d.sink.cfg.Prefix+"-"+d.run), text("task.id", d.partition.ID),
		text("stage", stage), text("class.name", "inoculate"), text("exception.class.name", l.Reject.Reason), text("exception.message", message), text("exception.stacktrace", l.Reject.Detail))
}

// tooLarge deals with a batch that the topic does not take: several records are sent one by one, a single reject without its
// value, and a single row stops the run.
func (d *delivery) tooLarge(ctx context.Context, to *out, cause error) error {
	one := to.batch.len() == 1
	switch {
	case one && to.topic == d.sink.cfg.Dead && !to.batch.bare:
		d.sink.cfg.Logger.Warn("a reject is larger than its topic takes; its value is left out", "partition", d.partition.Source, "position", to.batch.positions[0])
		to.batch.strip()
		return d.send(ctx, to)
	case one:
		return d.failed(fmt.Errorf("topic %s: the record of position %d has %d bytes: %w", to.topic, to.batch.positions[0], len(to.batch.parts), cause), "raise the topic's max.message.bytes, or lower max_record")
	}
	head, tail := to.batch.halves()
	to.batch = head
	if err := d.send(ctx, to); err != nil {
		return err
	}
	to.batch = tail
	return d.send(ctx, to)
}
