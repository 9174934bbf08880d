package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/offsets"
)

const (
	// pollWait is how long one poll blocks in C, where nothing can wake it: the
	// end of the context and new marks are noticed after at most so long. Ten
	// wake-ups a second are hardly measurable as load.
	pollWait = 100 * time.Millisecond
	// restWait is pollWait while nothing is unfinished: then only a hold or an
	// end could come that a poll does not bring, and neither is urgent. It shows
	// in a daemon that is idle.
	restWait = 500 * time.Millisecond
	// storeEvery is how often marks are handed on to be committed.
	storeEvery = 100 * time.Millisecond
	// commitTimeout and leaveTimeout bound the two steps of the end. Together
	// they stay below the 5 s that a stop may take beyond its drain.
	commitTimeout = 3 * time.Second
	leaveTimeout  = 1500 * time.Millisecond
	// silence is how long no broker may have answered in a source that is ready.
	silence = 15 * time.Second
	// refreshEvery is how often the ends of paused partitions are asked for.
	refreshEvery = 5 * time.Second
)

// session is one client of the library and what is known of its partitions. Its
// methods belong to the polling goroutine, but for those that take mu.
type session struct {
	source  *Source
	c       *ck.Consumer
	log     logrus.FieldLogger
	reports *reports
	book    *offsets.Book
	deliver func(intake.Message, intake.Ack)
	login   credentials

	pending    pending
	flow       flow
	watched    watched
	storedAt   time.Time
	began      time.Time
	cutOff     cutOff
	leaving    bool
	failing    bool // the last commit failed, and was told
	background sync.WaitGroup

	mu       sync.Mutex
	parts    map[offsets.Key]*partition
	member   bool
	left     time.Time // since when it is no member
	heard    time.Time // when a broker last answered
	silent   bool      // an outage was told
	lastWord string    // the last error, for ready
}

func newSession(s *Source, c *ck.Consumer, properties map[string]string) *session {
	return &session{
		source: s, c: c, log: s.log, began: time.Now(),
		reports: s.reports,
		login:   credentials{s.password, properties[saslUsername], properties[saslPassword], s.secrets, s.reports},
		book:    offsets.New(),
		parts:   map[offsets.Key]*partition{},
	}
}

// run polls until ctx ends (nil) or the client is of no more use (error), and
// closes the client either way.
func (s *session) run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	s.deliver = deliver
	logs := s.c.Logs()
	s.background.Go(func() { s.reports.forward(logs) })

	inner, cancel := context.WithCancel(ctx)
	var refresher sync.WaitGroup
	refresher.Go(func() { s.refresh(inner) })

	err := s.c.SubscribeTopics(s.source.options.Topics, s.rebalance)
	if err == nil {
		err = s.loop(ctx)
	} else {
		err = fmt.Errorf("subscribe: %w", err)
	}
	cancel()
	// It uses the client, which must not be destroyed under it.
	refresher.Wait()
	// A client with a stalled partition can still commit for the others.
	s.leave(err == nil || errors.Is(err, errStalled))
	return err
}

func (s *session) loop(ctx context.Context) error {
	timer := time.NewTimer(pollWait)
	defer timer.Stop()
	wait := pollWait
	for ctx.Err() == nil {
		s.storeDue()
		s.deliverPending(ctx)
		s.steer()
		s.login.renew(s.c, time.Now())
		if err := s.watch(time.Now()); err != nil {
			return err
		}
		if !s.source.held.Load() {
			event := s.c.Poll(int(wait.Milliseconds()))
			if err := s.handle(event); err != nil {
				return err
			}
			wait = pollWait
			if event == nil && s.rests() {
				wait = max(pollWait, min(restWait, s.source.options.Stall/8))
			}
			continue
		}
		// Held: nothing that polling brings is urgent, but the end of the hold
		// is, and a poll that blocks in C would not notice it.
		event := s.c.Poll(0)
		if err := s.handle(event); err != nil {
			return err
		}
		if event == nil {
			timer.Reset(pollWait)
			select {
			case <-timer.C:
			case <-s.source.wake:
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// rests says that all that was delivered is finished and committed.
func (s *session) rests() bool {
	for k := range s.parts { // written by this goroutine only
		if s.book.Unfinished(k) > 0 {
			return false
		}
	}
	return len(s.book.Marks()) == 0
}

// deliverPending delivers what waits until it is empty or the source is held.
func (s *session) deliverPending(ctx context.Context) {
	for !s.source.held.Load() && ctx.Err() == nil {
		m, ok := s.pending.pop()
		if !ok {
			return
		}
		s.begin(m)
	}
}

// begin tracks a message and hands it over.
func (s *session) begin(m *ck.Message) {
	k := keyOf(m.TopicPartition)
	offset := int64(m.TopicPartition.Offset)
	p := s.parts[k] // written by this goroutine only
	if p == nil {
		return // not ours any more: its owner gets it
	}
	if offset <= p.last {
		// The topic was deleted and made anew, or its log was cut: what is known
		// of the partition is about messages that are no more.
		s.log.Warnf("%s/%d goes back from offset %d to %d: the topic is another one now", k.Topic, k.Partition, p.last, offset)
		p = p.anew()
		s.mu.Lock()
		s.parts[k] = p
		s.mu.Unlock()
		s.book.Assign(k)
	}
	if p.last == unknown && s.source.atEnd {
		start := k2tp(k)
		start.Offset = m.TopicPartition.Offset
		s.keepStarts(start)
	}
	p.delivered(offset, m.TopicPartition.LeaderEpoch)
	ticket := s.book.Track(k, offset)
	var called atomic.Bool
	message := s.convert(m)
	message.Stale = ticket.Over
	s.deliver(message, func(err error) {
		if called.CompareAndSwap(false, true) && err == nil {
			ticket.Finish()
		}
	})
}

func k2tp(k offsets.Key) ck.TopicPartition {
	return ck.TopicPartition{Topic: &k.Topic, Partition: k.Partition}
}

// storeDue hands new marks to librdkafka, which commits them within the next
// auto.commit.interval.ms and again until the broker has taken them.
func (s *session) storeDue() {
	if now := time.Now(); now.Sub(s.storedAt) >= storeEvery {
		s.storedAt = now
		s.store()
	}
}

// store hands every new mark on and returns how many the broker does not have.
func (s *session) store() (open int) {
	var list []ck.TopicPartition
	for k, mark := range s.book.Marks() {
		open++
		p := s.parts[k]
		if p == nil || p.stored == mark {
			continue
		}
		tp := k2tp(k)
		tp.Offset, tp.LeaderEpoch = ck.Offset(mark), p.epochOf(mark)
		list = append(list, tp)
	}
	if len(list) == 0 {
		return open
	}
	done, err := s.c.StoreOffsets(list)
	for _, tp := range done {
		if p := s.parts[keyOf(tp)]; tp.Error == nil && p != nil {
			p.stored = int64(tp.Offset)
		}
	}
	s.report(logrus.WarnLevel, "store offsets", err)
	return open
}

// leave commits what is finished, leaves the group and destroys the client. It
// is bounded: a group whose coordinator is away is left by session time-out, and
// what could not be committed is delivered again.
func (s *session) leave(commit bool) {
	s.leaving = true
	if commit {
		deadline := time.Now().Add(commitTimeout)
		open := s.store()
		for ; open > 0 && time.Now().Before(deadline); open = s.store() {
			if s.handle(s.c.Poll(int(pollWait.Milliseconds()))) != nil {
				break
			}
		}
		if open > 0 {
			s.log.Warnf("finished messages of %d partitions could not be committed and will be delivered again: %s",
				open, s.word())
		}
	}
	closed := make(chan error, 1)
	s.background.Go(func() { closed <- s.c.Close() })
	timer := time.NewTimer(leaveTimeout)
	defer timer.Stop()
	select {
	case err := <-closed:
		s.report(logrus.WarnLevel, "close", err)
		s.background.Wait()
	case <-timer.C:
		// librdkafka waits up to a session time-out for its coordinator. It
		// ends by itself; nobody needs to wait for it.
		s.log.Warn("the group could not be left in order: its coordinator does not answer")
	}
}

// report logs a failure of the library that is no reason to stop.
func (s *session) report(level logrus.Level, what string, err error) {
	if err != nil {
		s.reports.write(level, what+": "+err.Error())
	}
}

// convert makes our message of the library's.
func (s *session) convert(m *ck.Message) intake.Message {
	out := intake.Message{
		Source:    s.source.options.Name,
		Topic:     *m.TopicPartition.Topic,
		Partition: m.TopicPartition.Partition,
		Offset:    int64(m.TopicPartition.Offset),
		Key:       m.Key,
		Value:     m.Value,
		Time:      m.Timestamp,
	}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, intake.Header{Key: h.Key, Value: h.Value})
	}
	return out
}
