package kafka_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
)

// assigned lists a source's partitions.
func assigned(s *kafka.Source) (list []int32) {
	for _, p := range s.Positions() {
		list = append(list, p.Partition)
	}
	return list
}

// staticMember restarts one of two members within its session: nobody else
// notices, and it goes on where it was.
func staticMember(t *testing.T, c *cluster) {
	const partitions = 4
	topic, group := c.topic(t, partitions), name(t, "group")
	log, hook := test.NewNullLogger()
	member := func(id string, o kafka.Options) *consumer {
		o.Topics, o.Properties = []string{topic}, maps.Clone(quick)
		o.Properties["group.instance.id"] = id
		o.Properties["session.timeout.ms"] = "20000"
		o.Properties["max.poll.interval.ms"] = "20000"
		return run(t, c.newSourceWith(t, group, o), true)
	}
	a, b := member("a", kafka.Options{}), member("b", kafka.Options{Log: log})
	await(t, "two partitions each", func() bool { return len(assigned(a.Source)) == 2 && len(assigned(b.Source)) == 2 })
	before := assigned(a.Source)
	c.fill(t, topic, partitions, 0, 8)
	await(t, "the first messages", func() bool { return a.count()+b.count() == 8 })
	rebalances, _ := told(hook, logrus.InfoLevel, "partitions")
	a.close(t)
	c.fill(t, topic, partitions, 8, 8)
	again := member("a", kafka.Options{})
	await(t, "the same partitions", func() bool { return slices.Equal(assigned(again.Source), before) })
	await(t, "all messages", func() bool { return a.count()+b.count()+again.count() == 16 })
	if got := values(a.messages(), b.messages(), again.messages()); !slices.Equal(got, numbers(0, 16)) {
		t.Errorf("delivered %v", got)
	}
	if n, lines := told(hook, logrus.InfoLevel, "partitions"); n != rebalances {
		t.Errorf("the other member was bothered: %q", lines)
	}
	c.awaitCommitted(t, group, map[int32]int64{0: 4, 1: 4, 2: 4, 3: 4})
}

// keepsInFlight: a cooperative rebalance leaves alone what it does not move.
func keepsInFlight(t *testing.T, c *cluster) {
	const partitions, n = 4, 40
	topic, group := c.topic(t, partitions), name(t, "group")
	props := maps.Clone(quick)
	props["partition.assignment.strategy"] = "cooperative-sticky"
	c.fill(t, topic, partitions, 0, n)
	a := c.consume(t, group, false, props, topic)
	a.awaitCount(t, n)
	b := c.consume(t, group, true, props, topic)
	await(t, "two partitions each", func() bool { return len(assigned(a.Source)) == 2 && len(assigned(b.Source)) == 2 })
	kept := assigned(a.Source)
	// What moved was unfinished: its new owner gets it again.
	b.awaitCount(t, n/2)
	if got := a.count(); got != n {
		t.Errorf("%d deliveries at the first member, not %d", got, n)
	}
	for i := range n {
		a.ack(i, nil)
	}
	c.awaitCommitted(t, group, map[int32]int64{0: n / 4, 1: n / 4, 2: n / 4, 3: n / 4})
	for _, m := range b.messages() {
		if slices.Contains(kept, m.Partition) {
			t.Errorf("%s was in flight in a partition that did not move, and was delivered again", m.Position())
		}
	}
	if b.count() != n/2 {
		t.Errorf("%d deliveries at the second member, not %d", b.count(), n/2)
	}
}

// losesPartitions is a process that does not run for longer than it may. What it
// finishes of partitions that are another's by then counts for nothing.
func losesPartitions(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 3)
	wake := make(chan struct{})
	var stands atomic.Bool
	log, hook := test.NewNullLogger()
	s := c.newSourceWith(t, group, kafka.Options{Topics: []string{topic}, Properties: quick, Log: log})
	var acks []intake.Ack
	ctx, end := context.WithCancel(t.Context())
	defer end()
	ended := make(chan error, 1)
	go func() {
		ended <- s.Run(ctx, func(_ intake.Message, ack intake.Ack) {
			acks = append(acks, ack)
			if len(acks) == 2 {
				stands.Store(true)
				<-wake
				for _, ack := range acks {
					ack(nil)
				}
			}
		})
	}()
	await(t, "two deliveries", stands.Load)
	other := c.consume(t, group, false, quick, topic)
	other.awaitCount(t, 3)
	time.Sleep(4500 * time.Millisecond) // beyond max.poll.interval.ms
	close(wake)
	await(t, "the loss", func() bool {
		lost, _ := told(hook, logrus.InfoLevel, "partitions lost: ")
		// The brokers may have told another generation before.
		revoked, _ := told(hook, logrus.InfoLevel, "partitions revoked: ")
		return lost+revoked > 0
	}, func() string { _, lines := told(hook, logrus.InfoLevel, ""); return strings.Join(lines, "\n") })
	never(t, "a commit for another's partition", time.Second, func() bool { return len(c.committed(t, group)) > 0 })
	if n, lines := told(hook, logrus.WarnLevel, "max.poll.interval.ms"); n != 1 {
		t.Errorf("%q", lines)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	await(t, "all committed by the other", func() bool {
		for i := range other.count() {
			other.ack(i, nil)
		}
		return c.committed(t, group)[0] == 3
	})
}
