package kafka_test

import (
	"slices"
	"testing"
	"time"

	"ingestor/internal/kafka"
)

func holdsOverRebalance(t *testing.T, c *cluster) {
	// More than waits in memory, so that partitions are paused when they move.
	const partitions, n = 16, 1600
	topic, group := c.topic(t, partitions), name(t, "group")
	c.fill(t, topic, partitions, 0, n)
	a := c.newSource(t, group, quick, topic)
	a.Hold(true)
	ra := run(t, a, true)
	await(t, "all partitions", func() bool { return len(ra.Positions()) == partitions })
	b := c.newSource(t, group, quick, topic)
	b.Hold(true)
	rb := run(t, b, true)
	await(t, "half of them each", func() bool { return len(ra.Positions()) == partitions/2 && len(rb.Positions()) == partitions/2 })
	rb.close(t)
	await(t, "all partitions again", func() bool { return len(ra.Positions()) == partitions })
	never(t, "a delivery while held", time.Second, func() bool { return ra.count()+rb.count() > 0 })
	ra.Hold(false)
	ra.awaitCount(t, n)
	if got := values(ra.messages()); !slices.Equal(got, numbers(0, n)) {
		t.Errorf("%d deliveries, not each of %d messages once", len(got), n)
	}
}

// impatient is a source that soon finds that a partition stands still.
func (c *cluster) impatient(t *testing.T, group, topic string) *kafka.Source {
	return c.newSourceWith(t, group, kafka.Options{Topics: []string{topic}, Properties: quick, Stall: time.Second})
}

// readsAnew: a partition that fetched before.
func readsAnew(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 2), name(t, "group")
	c.fill(t, topic, 2, 0, 4)
	s := c.impatient(t, group, topic)
	r := run(t, s, true)
	r.awaitCount(t, 4)
	if err := s.Jam(topic, 0); err != nil {
		t.Fatal(err)
	}
	c.fill(t, topic, 2, 4, 6)
	r.awaitCount(t, 10)
	c.awaitCommitted(t, group, map[int32]int64{0: 5, 1: 5})
	if got := values(r.messages()); !slices.Equal(got, numbers(0, 10)) {
		t.Errorf("delivered %v", got)
	}
	if n := s.Stalls(); n != 1 {
		t.Errorf("%d stalls are counted", n)
	}
	// It is as good as ever.
	c.fill(t, topic, 2, 10, 2)
	r.awaitCount(t, 12)
}

// beginsAnew: a partition of which nothing came yet.
func beginsAnew(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 2), name(t, "group")
	s := c.impatient(t, group, topic)
	r := run(t, s, true)
	await(t, "both partitions", func() bool { return len(r.Positions()) == 2 })
	if err := s.Jam(topic, 0); err != nil {
		t.Fatal(err)
	}
	c.fill(t, topic, 2, 0, 4)
	r.awaitCount(t, 4)
	c.awaitCommitted(t, group, map[int32]int64{0: 2, 1: 2})
	if got := values(r.messages()); !slices.Equal(got, numbers(0, 4)) {
		t.Errorf("delivered %v", got)
	}
	if n := s.Stalls(); n != 1 {
		t.Errorf("%d stalls are counted", n)
	}
}
