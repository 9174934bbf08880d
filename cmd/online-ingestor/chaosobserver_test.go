package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/offsets"
)

// observer watches a run from outside. Again and again it reads what the group
// has committed and then makes sure that every message below that is finished:
// a committed message is one that no daemon will see again.
type observer struct {
	topic, letterTopic, group string
	admin                     *kafka.Admin
	plan                      map[string]*message // by value
	timeline                  *timeline
	finished                  func(p position, m *message) bool
	found                     func(p position, m *message) // one that is committed and not finished

	mu      sync.Mutex
	at      map[position]*message
	read    map[offsets.Key]int64 // the next offset to be read
	letters map[position][]intake.Message
	strays  []intake.Message // letters about no message
	checked map[int32]int64  // all below is committed and finished
	open    map[position]int // looked at so often, still not finished
	rounds  int
}

func newObserver(admin *kafka.Admin, topic, letterTopic, group string, p *plan, tl *timeline) *observer {
	o := &observer{
		topic: topic, letterTopic: letterTopic, group: group, admin: admin, timeline: tl,
		plan: map[string]*message{}, at: map[position]*message{}, read: map[offsets.Key]int64{},
		letters: map[position][]intake.Message{}, checked: map[int32]int64{}, open: map[position]int{},
	}
	for _, m := range p.messages {
		o.plan[string(m.value)] = m // of the tombstones one stands for all
	}
	return o
}

// follow reads messages and dead letters in a group of its own, until ctx ends.
func (o *observer) follow(ctx context.Context, bootstrap string) error {
	source, err := kafka.New(kafka.Options{Topics: []string{o.topic, o.letterTopic}, Properties: map[string]string{
		"bootstrap.servers": bootstrap, "group.id": o.group + ".observer", "reconnect.backoff.max.ms": "200",
	}, Log: o.logger()})
	if err != nil {
		return err
	}
	return source.Run(ctx, func(m intake.Message, ack intake.Ack) {
		o.take(m)
		ack(nil)
	})
}

// logger puts what the observer's own consumer says into the timeline.
func (o *observer) logger() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.AddHook(o)
	return l
}

// Levels and Fire make a hook of the observer.
func (o *observer) Levels() []logrus.Level { return logrus.AllLevels }

// Fire takes one line of the log.
func (o *observer) Fire(e *logrus.Entry) error {
	o.timeline.add("observer: %s %v", e.Message, e.Data)
	return nil
}

func (o *observer) take(m intake.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := offsets.Key{Topic: m.Topic, Partition: m.Partition}
	if m.Offset < o.read[key] {
		return // a second time, after a rebalance
	}
	o.read[key] = m.Offset + 1
	if m.Topic == o.topic {
		o.at[position{m.Partition, m.Offset}] = o.plan[string(m.Value)]
		return
	}
	p, ok := sourceOf(m, o.topic)
	if !ok {
		o.strays = append(o.strays, m)
		return
	}
	o.letters[p] = append(o.letters[p], m)
}

// sourceOf is where the message of a dead letter stands.
func sourceOf(m intake.Message, topic string) (position, bool) {
	parts := bytes.Split(header(m, "ingestor-source"), []byte("/"))
	if len(parts) != 3 || string(parts[0]) != topic {
		return position{}, false
	}
	partition, err := strconv.Atoi(string(parts[1]))
	offset, err2 := strconv.ParseInt(string(parts[2]), 10, 64)
	return position{int32(partition), offset}, err == nil && err2 == nil
}

func header(m intake.Message, key string) []byte {
	for _, h := range m.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return nil
}

// watch looks until ctx ends.
func (o *observer) watch(ctx context.Context) {
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for {
		if err := o.look(ctx); err == nil {
			o.mu.Lock()
			o.rounds++
			o.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// readAll waits until everything below the ends of both topics is read.
func (o *observer) readAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, topic := range []string{o.topic, o.letterTopic} {
		ends, err := o.admin.Ends(ctx, topic)
		if err != nil {
			return err
		}
		if !o.caughtUp(ctx, ends) {
			o.mu.Lock()
			defer o.mu.Unlock()
			return fmt.Errorf("a consumer on %s alone has read to %v of %v", topic, o.read, ends)
		}
	}
	return nil
}

// look is one round. An error is a broker that is away.
func (o *observer) look(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	committed, err := o.admin.Committed(ask, o.group)
	if err != nil {
		return err
	}
	// A letter was sent before its message was committed, so it is below this.
	ends, err := o.admin.Ends(ask, o.letterTopic)
	if err != nil {
		return err
	}
	if !o.caughtUp(ask, ends) {
		return fmt.Errorf("the dead letters are not read yet: %w", ask.Err())
	}
	for key, offset := range committed {
		if key.Topic == o.topic {
			o.check(key.Partition, offset)
		}
	}
	return nil
}

// caughtUp waits until all below the ends is read.
func (o *observer) caughtUp(ctx context.Context, ends map[offsets.Key]int64) bool {
	for {
		behind := false
		o.mu.Lock()
		for key, end := range ends {
			behind = behind || o.read[key] < end
		}
		o.mu.Unlock()
		if !behind || ctx.Err() != nil {
			return !behind
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// check looks at what has been committed since the last time.
func (o *observer) check(partition int32, committed int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for offset := o.checked[partition]; offset < committed; offset++ {
		p := position{partition, offset}
		m, known := o.at[p]
		if !known {
			return // not read yet: next time
		}
		if m == nil || !o.finished(p, m) {
			// What a log says comes through a pipe, a little later than the commit.
			if o.open[p]++; o.open[p] <= 5 && m != nil && o.byLog(m) {
				return
			}
			o.timeline.fail("partition %d is committed to %d, and message %d of it is not finished", partition, committed, offset)
			o.found(p, m)
		}
		o.checked[partition] = offset + 1
	}
}

// byLog says that only the logs of the daemons tell that a message is finished.
func (o *observer) byLog(m *message) bool { return !m.good() && !m.bad() }

func (o *observer) lettersOf(p position) []intake.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.letters[p])
}

// positionsOf is where a message stands; more than once if its sender was not
// sure of the first time.
func (o *observer) positionsOf(m *message) (list []position) {
	for p, x := range o.positions() {
		if x == m {
			list = append(list, p)
		}
	}
	return list
}

func (o *observer) positions() map[position]*message {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[position]*message, len(o.at))
	for p, m := range o.at {
		all[p] = m
	}
	return all
}

// The observer finds what it is there to find.
func TestChaosObserver(t *testing.T) {
	p := newPlan(1, time.Minute, 100, 1, sevenFaults)
	for _, m := range p.messages {
		m.run.path, m.value = "/x", []byte(fmt.Sprint(m.number))
	}
	var found []position
	done := map[int64]bool{}
	o := newObserver(nil, "t", "letters", "g", p, newTimeline())
	o.finished = func(p position, _ *message) bool { return done[p.offset] }
	o.found = func(p position, _ *message) { found = append(found, p) }
	for i := range int64(5) {
		o.take(intake.Message{Topic: "t", Offset: i, Value: []byte(fmt.Sprint(i))})
		done[i] = i != 3
	}
	o.check(0, 3)
	if o.check(0, 3); len(found) != 0 {
		t.Errorf("committed to 3, found %v", found)
	}
	o.check(0, 9) // which is further than it has read
	if len(found) != 1 || found[0].offset != 3 || !o.timeline.failed() || o.checked[0] != 5 {
		t.Errorf("committed to 9, found %v, checked %v", found, o.checked)
	}
	o.take(intake.Message{Topic: "letters", Headers: []intake.Header{{Key: "ingestor-source", Value: []byte("t/2/77")}}})
	o.take(intake.Message{Topic: "letters", Headers: []intake.Header{{Key: "ingestor-source", Value: []byte("t/2/77")}}}) // read again
	if n := len(o.lettersOf(position{2, 77})); n != 1 {
		t.Errorf("%d letters of t/2/77", n)
	}
}
