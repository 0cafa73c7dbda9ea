package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"inoculate/pipeline"
)

// Times of a consumer group. A member that was killed holds its partitions until its session ends.
const (
	sessionTimeout   = 6 * time.Second
	heartbeat        = time.Second
	rebalanceTimeout = 20 * time.Second
	joinPause        = 500 * time.Millisecond
	watchPartitions  = 5 * time.Second
	// leaveWithin is how long a run waits for the group to let it go. A rebalance may keep it for longer than a run has that is to end,
	// and so may a broker that does not answer; then its session ends by itself.
	leaveWithin = 3 * time.Second
)

// Group is a source that shares its partitions with the other members of a consumer group. The group says who works on what;
// where reading goes on is never taken from it.
type Group struct {
	*Source
	id string

	mu         sync.Mutex
	generation *kafkago.Generation // the current one; nil between two
}

// Shared makes a source whose partitions the consumer group id assigns.
func (s *Source) Shared(id string) *Group { return &Group{Source: s, id: id} }

// Assign joins the group, and calls serve with what it assigns.
func (g *Group) Assign(ctx context.Context, plan []pipeline.Partition, serve func(context.Context, []pipeline.Partition) error) (err error) {
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: g.id, Brokers: g.cfg.Brokers, Topics: g.cfg.Topics,
		Dialer:            &kafkago.Dialer{ClientID: clientID, Timeout: 10 * time.Second, TLS: g.cfg.TLS, SASLMechanism: g.cfg.SASL},
		HeartbeatInterval: heartbeat, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout, JoinGroupBackoff: joinPause,
		WatchPartitionChanges: true, PartitionWatchInterval: watchPartitions, StartOffset: kafkago.FirstOffset,
	})
	if err != nil {
		return fmt.Errorf("joining the consumer group %s: %w", g.id, err)
	}
	defer func() { err = errors.Join(err, g.leave(group)) }()
	var failing time.Time
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if failing.IsZero() {
				failing = time.Now()
				g.cfg.Logger.Warn("joining the consumer group; trying again", "group", g.id, "cause", err)
			}
			if since := time.Since(failing); since > g.cfg.Patience {
				return g.inputError(fmt.Errorf("joining the consumer group %s for %s: %w", g.id, since.Round(time.Second), err), "")
			}
			continue // it waits for joinPause itself
		}
		failing = time.Time{}
		if over, err := g.serve(ctx, generation, plan, serve); over || err != nil {
			return err
		}
	}
}

func (g *Group) leave(group *kafkago.ConsumerGroup) error {
	left := make(chan error, 1)
	go func() { left <- group.Close() }()
	select {
	case err := <-left:
		return err
	case <-time.After(leaveWithin):
		g.cfg.Logger.Warn("the consumer group does not let go; its session ends by itself", "group", g.id, "session", sessionTimeout)
		return nil
	}
}

// serve works on the partitions of one generation. Over says that there is nothing more to do.
func (g *Group) serve(ctx context.Context, generation *kafkago.Generation, plan []pipeline.Partition, serve func(context.Context, []pipeline.Partition) error) (over bool, err error) {
	parts := g.assigned(generation, plan)
	g.cfg.Logger.Info("the consumer group assigns", "group", g.id, "generation", generation.ID, "partitions", len(parts))
	g.current(generation)
	defer g.current(nil)
	done := make(chan struct{})
	generation.Start(func(revoked context.Context) {
		defer close(done)
		mine, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(revoked, cancel)()
		err = serve(mine, parts)
		over = mine.Err() == nil || ctx.Err() != nil
	})
	<-done
	return over, err
}

// assigned are the partitions of a generation, as the plan has them; those that it does not have begin at their first record.
func (g *Group) assigned(generation *kafkago.Generation, plan []pipeline.Partition) (parts []pipeline.Partition) {
	for topic, list := range generation.Assignments {
		for _, a := range list {
			p := g.partition(extent{topic: topic, partition: int32(a.ID), end: -1})
			i := slices.IndexFunc(plan, func(q pipeline.Partition) bool { return q.ID == p.ID })
			switch {
			case i >= 0:
				parts = append(parts, plan[i])
			case g.cfg.Stop.kind == never:
				parts = append(parts, p)
			}
		}
	}
	slices.SortFunc(parts, func(a, b pipeline.Partition) int { return strings.Compare(a.ID, b.ID) })
	return parts
}

func (g *Group) current(generation *kafkago.Generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.generation = generation
}

// Ack leaves next as the group's offset, for tools that show lag. Nothing is ever read from there.
func (g *Group) Ack(_ context.Context, p pipeline.Partition, next int64) error {
	g.mu.Lock()
	generation := g.generation
	g.mu.Unlock()
	if generation == nil {
		return nil
	}
	x, err := g.extentOf(p)
	if err != nil {
		return err
	}
	if err := generation.CommitOffsets(map[string]map[int]int64{x.topic: {int(x.partition): next}}); err != nil {
		return fmt.Errorf("committing offset %d of %s to group %s: %w", next, p.Source, g.id, err)
	}
	return nil
}
