package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/offsets"
)

// sourceSuite is what a Source promises on any broker.
func sourceSuite(t *testing.T, c *cluster) {
	for name, test := range map[string]func(*testing.T, *cluster){
		"delivers everything once and in order, and commits it": deliversAll,
		"resumes where it committed":                            resumes,
		"commits behind the oldest unfinished message":          commitsBehind,
		"delivers a refused message again after a restart":      redelivers,
		"stays a member while held":                             holds,
		"stays held over a rebalance":                           holdsOverRebalance,
		"shares, and takes over eagerly":                        sharesEager,
		"shares, and takes over cooperatively":                  sharesCooperative,
		"is ready as a spare member":                            spare,
		"notices a topic that appears later":                    laterTopic,
		"consumes at once after a restart":                      restarts,
		"delivers keys, headers, tombstones and large messages": contents,
		"goes on where a client with leader epochs stopped":     takesOver,
		"goes on after a freeze beyond its session":             thaws,
		"delivers a burst that is held again and again":         stutters,
		"goes on with a topic that was made anew":               madeAnew,
		"reads a partition anew that stands still":              readsAnew,
		"begins a client anew whose partition never began":      beginsAnew,
		"tells positions":                                       positions,
		"takes its partitions again as a static member":         staticMember,
		"keeps what is in flight when another member joins":     keepsInFlight,
		"takes the partitions that a topic gets later":          grows,
		"does not commit for partitions that it has lost":       losesPartitions,
		"begins at the end once, and never again":               keepsStart,
		"keeps what it delivered first when asking fails":       keepsFirst,
		"leaves what is committed when it begins at the end":    leavesCommitted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

func deliversAll(t *testing.T, c *cluster) {
	const partitions, n = 3, 3000
	topic, group := c.topic(t, partitions), name(t, "group")
	c.fill(t, topic, partitions, 0, n)
	r := c.consume(t, group, true, quick, " "+topic+" ")
	r.awaitCount(t, n)
	c.awaitCommitted(t, group, map[int32]int64{0: n / 3, 1: n / 3, 2: n / 3})
	r.close(t)
	got := r.messages()
	if !slices.Equal(values(got), numbers(0, n)) {
		t.Errorf("%d messages delivered, not each of the %d once", len(got), n)
	}
	last := map[offsets.Key]int64{}
	for _, m := range got {
		if before, seen := last[key(m)]; seen && m.Offset <= before {
			t.Fatalf("%s comes after offset %d", m.Position(), before)
		}
		last[key(m)] = m.Offset
	}
}

func resumes(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 10)
	first := c.consume(t, group, true, quick, topic)
	first.awaitCount(t, 10)
	// The marks of what was just finished are committed by the close.
	first.close(t)
	if got := c.committed(t, group); got[0] != 10 {
		t.Fatalf("committed %v after the close, not 10", got)
	}
	c.fill(t, topic, 1, 10, 5)
	second := c.consume(t, group, true, quick, topic)
	second.awaitCount(t, 5)
	if got := values(second.messages()); !slices.Equal(got, numbers(10, 5)) {
		t.Errorf("after the restart came %v", got)
	}
}

func commitsBehind(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 10)
	r := c.consume(t, group, false, quick, topic)
	r.awaitCount(t, 10)
	for _, i := range []int{9, 5, 1, 0, 7, 2, 6, 8} {
		r.ack(i, nil)
		r.ack(i, nil) // a second call counts for nothing
	}
	c.awaitCommitted(t, group, map[int32]int64{0: 3})
	never(t, "a commit past an unfinished message", time.Second, func() bool { return c.committed(t, group)[0] != 3 })
	r.ack(4, nil)
	r.ack(3, nil)
	c.awaitCommitted(t, group, map[int32]int64{0: 10})
}

func redelivers(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 4)
	first := c.consume(t, group, false, quick, topic)
	first.awaitCount(t, 4)
	first.ack(0, nil)
	first.ack(1, errors.New("not now"))
	first.ack(1, nil) // only the first call counts
	first.ack(2, nil)
	first.ack(3, nil)
	first.close(t)
	if got := c.committed(t, group); got[0] != 1 {
		t.Fatalf("committed %v, not 1", got)
	}
	second := c.consume(t, group, true, quick, topic)
	second.awaitCount(t, 3)
	if got := values(second.messages()); !slices.Equal(got, numbers(1, 3)) {
		t.Errorf("after the restart came %v", got)
	}
}

func holds(t *testing.T, c *cluster) {
	// More than waits in memory, so that the partitions are really paused.
	const n = 2000
	topic, group := c.topic(t, 2), name(t, "group")
	c.fill(t, topic, 2, 0, n)
	s := c.newSource(t, group, quick, topic)
	s.Hold(true)
	r := run(t, s, true)
	r.awaitReady(t)
	// max.poll.interval.ms is 4 s here.
	never(t, "a delivery while held, or the loss of the membership", 5500*time.Millisecond, func() bool {
		return r.count() > 0 || len(r.Positions()) != 2
	})
	if n, err := c.admin.Members(t.Context(), group); err != nil || n != 1 {
		t.Errorf("the group has %d members, %v", n, err)
	}
	r.Hold(false)
	r.awaitCount(t, n)
	r.Hold(true)
	c.fill(t, topic, 2, n, 2)
	never(t, "a delivery while held again", time.Second, func() bool { return r.count() > n })
	r.Hold(false)
	r.awaitCount(t, n+2)
	if got := values(r.messages()); !slices.Equal(got, numbers(0, n+2)) {
		t.Errorf("%d deliveries, not each of %d messages once", len(got), n+2)
	}
}

func sharesEager(t *testing.T, c *cluster) { shares(t, c, "range,roundrobin") }

func sharesCooperative(t *testing.T, c *cluster) { shares(t, c, "cooperative-sticky") }

func shares(t *testing.T, c *cluster, strategy string) {
	const partitions, n = 4, 200
	props := maps.Clone(quick)
	props["partition.assignment.strategy"] = strategy
	topic, group := c.topic(t, partitions), name(t, "group")
	a := c.consume(t, group, true, props, topic)
	await(t, "all partitions", func() bool { return len(a.Positions()) == partitions })
	c.fill(t, topic, partitions, 0, n)
	a.awaitCount(t, n)
	b := c.consume(t, group, true, props, topic)
	await(t, "two partitions each", func() bool { return len(a.Positions()) == 2 && len(b.Positions()) == 2 })
	c.fill(t, topic, partitions, n, n)
	await(t, "the second batch", func() bool { return a.count()+b.count() >= 2*n })
	if b.count() != n/2 {
		t.Errorf("the second member got %d messages, not %d", b.count(), n/2)
	}
	a.close(t)
	await(t, "all partitions at the other", func() bool { return len(b.Positions()) == partitions })
	c.fill(t, topic, partitions, 2*n, n)
	await(t, "the third batch", func() bool { return a.count()+b.count() >= 3*n })
	c.awaitCommitted(t, group, map[int32]int64{0: 150, 1: 150, 2: 150, 3: 150})
	// All was finished at once, and committed before any partition moved.
	if got := values(a.messages(), b.messages()); !slices.Equal(got, numbers(0, 3*n)) {
		t.Errorf("%d deliveries, not each of %d messages once", len(got), 3*n)
	}
}

func spare(t *testing.T, c *cluster) {
	for _, strategy := range []string{"range", "cooperative-sticky"} {
		props := maps.Clone(quick)
		props["partition.assignment.strategy"] = strategy
		topic, group := c.topic(t, 1), name(t, strategy)
		a := c.consume(t, group, true, props, topic)
		a.awaitReady(t)
		b := c.consume(t, group, true, props, topic)
		b.awaitReady(t)
		if err := a.Ready(); err != nil {
			t.Errorf("%s: the first member: %v", strategy, err)
		}
	}
}

func laterTopic(t *testing.T, c *cluster) {
	known, group := c.topic(t, 1), name(t, "group")
	late := name(t, "late")
	r := c.consume(t, group, true, quick, known, late)
	c.fill(t, known, 1, 0, 1)
	r.awaitCount(t, 1)
	if err := c.admin.CreateTopic(t.Context(), late, 2); err != nil {
		t.Fatal(err)
	}
	c.fill(t, late, 2, 1, 2)
	r.awaitCount(t, 3)
}

func restarts(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	// The default session of 45 s: a group that is not left shows.
	first := c.consume(t, group, true, nil, topic)
	c.fill(t, topic, 1, 0, 1)
	first.awaitCount(t, 1)
	began := time.Now()
	first.close(t)
	closed := time.Now()
	c.fill(t, topic, 1, 1, 1)
	second := c.consume(t, group, true, nil, topic)
	second.awaitCount(t, 1)
	t.Logf("closed in %s, delivered %s after the start", closed.Sub(began), time.Since(closed))
}

func contents(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	large := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
	sent := []kafka.Record{
		{Topic: topic, Key: []byte("k"), Value: []byte("v"), Headers: []intake.Header{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte{0, 1}}}},
		{Topic: topic, Key: []byte("gone")},
		{Topic: topic, Value: []byte{}},
		{Topic: topic, Value: large},
		{Topic: topic, Value: []byte("after")},
	}
	if _, err := c.producer.ProduceAll(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	r := c.consume(t, group, true, quick, topic)
	r.awaitCount(t, len(sent))
	for i, m := range r.messages() {
		want := sent[i]
		if !bytes.Equal(m.Value, want.Value) || (m.Value == nil) != (want.Value == nil) {
			t.Errorf("message %d: value of %d bytes (nil: %v), sent %d (nil: %v)", i, len(m.Value), m.Value == nil, len(want.Value), want.Value == nil)
		}
		if !bytes.Equal(m.Key, want.Key) {
			t.Errorf("message %d: key %q, sent %q", i, m.Key, want.Key)
		}
		if !slices.EqualFunc(m.Headers, want.Headers, func(a, b intake.Header) bool {
			return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
		}) {
			t.Errorf("message %d: headers %v, sent %v", i, m.Headers, want.Headers)
		}
		if m.Offset != int64(i) || m.Time.IsZero() {
			t.Errorf("message %d: offset %d, time %s", i, m.Offset, m.Time)
		}
	}
	c.awaitCommitted(t, group, map[int32]int64{0: int64(len(sent))})
}

// takesOver: other clients commit with the leader epoch of a message. A commit
// of ours without one would count as older and never be sent.
func takesOver(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 4)
	other, err := ck.NewConsumer(&ck.ConfigMap{
		"bootstrap.servers": c.address, "group.id": group, "auto.offset.reset": "earliest",
		"enable.auto.commit": false, "go.logs.channel.enable": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Subscribe(topic, nil); err != nil {
		t.Fatal(err)
	}
	m, err := other.ReadMessage(patience)
	if err != nil {
		t.Fatal(err)
	}
	if m.TopicPartition.LeaderEpoch == nil {
		t.Error("the broker tells no leader epoch: this test shows nothing")
	}
	if _, err := other.CommitMessage(m); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	r := c.consume(t, group, true, quick, topic)
	r.awaitCount(t, 3)
	c.awaitCommitted(t, group, map[int32]int64{0: 4})
}

// stutters is a pool that is full after every few messages.
func stutters(t *testing.T, c *cluster) {
	const n = 3000
	topic, group := c.topic(t, 2), name(t, "group")
	c.fill(t, topic, 2, 0, n)
	s := c.newSource(t, group, quick, topic)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []intake.Message
	free := make(chan struct{}, n)
	inside := false
	go func() {
		for range free {
			s.Hold(false)
		}
	}()
	err := s.Run(ctx, func(m intake.Message, ack intake.Ack) {
		if inside {
			t.Error("delivered while a delivery is under way")
		}
		inside = true
		got = append(got, m)
		ack(nil)
		if len(got)%3 == 0 {
			s.Hold(true)
			free <- struct{}{}
		}
		if len(got) == n {
			cancel()
		}
		inside = false
	})
	close(free)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values(got), numbers(0, n)) {
		t.Errorf("%d deliveries, not each of %d messages once", len(got), n)
	}
	c.awaitCommitted(t, group, map[int32]int64{0: n / 2, 1: n / 2})
}

func positions(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 5)
	r := c.consume(t, group, false, quick, topic)
	r.awaitCount(t, 5)
	r.ack(0, nil)
	r.ack(2, nil)
	want := kafka.Position{Topic: topic, Committed: 1, High: 5, Lag: 4, Unfinished: 3}
	var got []kafka.Position
	await(t, "the position", func() bool {
		got = r.Positions()
		if len(got) != 1 || got[0].OldestUnfinished <= 0 {
			return false
		}
		got[0].OldestUnfinished = 0
		return got[0] == want
	})
}

// madeAnew: the offsets of a topic that was deleted and made again begin at 0.
func madeAnew(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	r := c.consume(t, group, true, quick, topic)
	c.fill(t, topic, 1, 0, 5)
	r.awaitCount(t, 5)
	c.awaitCommitted(t, group, map[int32]int64{0: 5})
	admin, err := ck.NewAdminClient(&ck.ConfigMap{"bootstrap.servers": c.address, "log_level": 0})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.DeleteTopics(t.Context(), []string{topic}, ck.SetAdminOperationTimeout(patience)); err != nil {
		t.Fatal(err)
	}
	await(t, "the topic anew", func() bool { return c.admin.CreateTopic(t.Context(), topic, 1) == nil })
	producer, err := kafka.NewProducer(kafka.ProducerOptions{Properties: map[string]string{"bootstrap.servers": c.address}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	await(t, "three messages sent", func() bool {
		_, err := producer.ProduceAll(t.Context(), []kafka.Record{
			{Topic: topic, Value: []byte("5")}, {Topic: topic, Value: []byte("6")}, {Topic: topic, Value: []byte("7")}})
		return err == nil
	})
	await(t, "the new messages", func() bool { return slices.Contains(values(r.messages()), "7") })
	c.awaitCommitted(t, group, map[int32]int64{0: 3})
}
