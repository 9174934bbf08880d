package kafka_test

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// atEnd are the properties of a group that begins with what is sent from then on.
func atEnd() map[string]string {
	props := maps.Clone(quick)
	props["auto.offset.reset"] = "latest"
	return props
}

// keepsStart: a group that begins at the end begins there once, not at each
// start of a daemon.
func keepsStart(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 2), name(t, "group")
	c.fill(t, topic, 2, 0, 6)
	first := c.consume(t, group, false, atEnd(), topic)
	first.awaitReady(t)
	c.awaitCommitted(t, group, map[int32]int64{0: 3, 1: 3})
	first.close(t)
	c.fill(t, topic, 2, 6, 4) // nobody is there
	second := c.consume(t, group, false, atEnd(), topic)
	second.awaitCount(t, 4)
	never(t, "a commit of what is not finished", time.Second, func() bool {
		return !maps.Equal(c.committed(t, group), map[int32]int64{0: 3, 1: 3})
	})
	second.close(t) // with all of them unfinished
	third := c.consume(t, group, true, atEnd(), topic)
	third.awaitCount(t, 4)
	for _, r := range []*consumer{second, third} {
		if got := values(r.messages()); !slices.Equal(got, numbers(6, 4)) {
			t.Errorf("delivered %v", got)
		}
	}
	c.awaitCommitted(t, group, map[int32]int64{0: 5, 1: 5})
	if n := first.count(); n > 0 {
		t.Errorf("%d messages from before the group's start", n)
	}
}

// keepsFirst: the start could not be asked for. What was delivered is delivered
// again all the same until it is finished.
func keepsFirst(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 3)
	s := c.newSource(t, group, atEnd(), topic)
	s.AskForNoStart()
	first := run(t, s, false)
	await(t, "a first message", func() bool {
		// Where the client begins shows in what it delivers only.
		c.fill(t, topic, 1, 7, 1)
		return first.count() > 0
	})
	from := first.messages()[0].Offset
	c.awaitCommitted(t, group, map[int32]int64{0: from})
	first.close(t)
	second := c.consume(t, group, true, atEnd(), topic)
	second.awaitCount(t, 1)
	if got := second.messages()[0].Offset; got != from || from < 3 {
		t.Errorf("begins at offset %d, then at %d", from, got)
	}
}

// leavesCommitted: what a group has committed stays as it is, wherever a group
// without would begin.
func leavesCommitted(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 2), name(t, "group")
	c.fill(t, topic, 2, 0, 6)
	before := c.consume(t, group, false, quick, topic) // from the beginning
	before.awaitCount(t, 6)
	for i, m := range before.messages() {
		if m.Partition == 0 && m.Offset == 0 {
			before.ack(i, nil)
		}
	}
	before.close(t)
	if got := c.committed(t, group); !maps.Equal(got, map[int32]int64{0: 1}) {
		t.Fatalf("committed %v", got)
	}
	r := c.consume(t, group, false, atEnd(), topic)
	r.awaitCount(t, 2)
	c.awaitCommitted(t, group, map[int32]int64{0: 1, 1: 3})
	// Another member takes over from what is committed, finished or not.
	other := c.consume(t, group, true, atEnd(), topic)
	r.close(t)
	c.fill(t, topic, 2, 6, 2)
	await(t, "the rest", func() bool { return len(slices.Compact(values(other.messages()))) == 4 })
	c.awaitCommitted(t, group, map[int32]int64{0: 4, 1: 4})
	if got := slices.Compact(values(other.messages())); !slices.Equal(got, []string{"2", "4", "6", "7"}) {
		t.Errorf("delivered %v", got)
	}
}
