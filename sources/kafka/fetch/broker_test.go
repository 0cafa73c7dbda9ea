package fetch

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"inoculate/pipeline/pipelinetest/broker"
)

func TestApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker")
	}
	cluster := broker.Start(t, 1)
	cluster.Topic("t", 1)
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond}
	defer transport.CloseIdleConnections()
	c := New(Config{Transport: transport, Addr: kafka.TCP(cluster.Bootstrap...), Committed: true})
	produce(t, cluster.Bootstrap, 0, 50)
	s := c.Stream("t", 0, 0)
	defer s.Close()
	take(t, s, 0, 50)
	ids, err := c.TopicIDs(t.Context(), []string{"t"})
	if err != nil || len(ids["t"]) != 32 {
		t.Errorf("%v %v", ids, err)
	}
}
