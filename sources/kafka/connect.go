package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"inoculate/pipeline/kafkaconn"
	"inoculate/sources/kafka/fetch"
)

// connect asks for the topics until an answer is there or patience ends. The first request is one for metadata, since only
// those say why credentials are refused.
func (s *Source) connect(ctx context.Context) error {
	deadline := time.Now().Add(s.cfg.Wait)
	for {
		err := s.topics(ctx)
		if err == nil {
			s.ids, err = s.fetch.TopicIDs(ctx, s.cfg.Topics)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, kafkago.UnknownTopicOrPartition):
			return s.inputError(err, "topics are never created; check the names, and whether this user may see them")
		case !fetch.Temporary(err):
			return s.inputError(fmt.Errorf("connecting to %v: %w", s.cfg.Brokers, err), "")
		case time.Now().After(deadline):
			return s.inputError(fmt.Errorf("connecting to %v for %s: %w", s.cfg.Brokers, s.cfg.Wait, err), "are these the addresses, are user and password right, and is TLS as the brokers want it?")
		}
		if err := kafkaconn.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// topics counts the partitions of each topic.
func (s *Source) topics(ctx context.Context) error {
	m, err := s.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: s.cfg.Topics})
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, t := range m.Topics {
		if t.Error != nil {
			return fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		counts[t.Name] = len(t.Partitions)
	}
	for _, t := range s.cfg.Topics {
		if counts[t] == 0 {
			return fmt.Errorf("topic %s: %w", t, kafkago.UnknownTopicOrPartition)
		}
	}
	s.cluster, s.counts = m.ClusterID, counts
	return nil
}

// fingerprint is that of all partitions of a topic. Where the brokers have no topic ids (before Kafka 3.1), it cannot tell a
// topic from one of the same name that was made after it.
func (s *Source) fingerprint(topic string) string { return s.cluster + "/" + s.ids[topic] }

// same says whether a topic that answers again is the one from before.
func (s *Source) same(ctx context.Context, topic string) error {
	if s.ids[topic] == "" {
		return nil
	}
	for try := 0; ; try++ {
		ids, err := s.fetch.TopicIDs(ctx, []string{topic})
		switch {
		case err == nil && ids[topic] == s.ids[topic]:
			return nil
		case err == nil && ids[topic] != "":
			return errors.New("the topic was deleted and made anew")
		case err != nil && !fetch.Temporary(err), try == 20:
			return errors.Join(errors.New("the topic cannot be found again"), err)
		}
		if err := kafkaconn.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}
