package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"inoculate/pipeline"
)

// TestGroupLetsGo: a run that is to end does not wait for a rebalance that goes on, as one does that waits for members which were
// killed.
func TestGroupLetsGo(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"))
	send(t, producer(t, cluster.ListenAddrs()), "a", 0, objects(0, 5)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Stop: Never()})
	joining, over := make(chan struct{}, 10), make(chan struct{})
	defer close(over)
	cluster.ControlKey(int16(kmsg.JoinGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		joining <- struct{}{}
		<-over
		return nil, nil, false
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() {
		done <- s.Shared("g").Assign(ctx, nil, func(context.Context, []pipeline.Partition) error { return nil })
	}()
	select {
	case <-joining:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody joins")
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2*leaveWithin + 5*time.Second):
		t.Error("it waits for the group")
	}
}
