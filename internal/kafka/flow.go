package kafka

import (
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
)

// flow keeps what waits in pending bounded: partitions stand still while more
// waits than should.
//
// librdkafka (2.11.1) numbers what it is told about a partition and drops what
// comes out of turn, without an error: its own thread numbers and queues the
// start of a fetch while another thread numbers and queues a pause or a
// resumption, and whichever is queued last with the lower number is lost. A lost
// resumption leaves the partition paused and a lost start leaves it stopped,
// both for as long as it stays assigned (confluentinc/librdkafka#5591, #2190).
// A pause also outlives the assignment. Hence the rules here:
//
//   - Nothing is said about a partition between its assignment and its first
//     message, which is when librdkafka speaks to itself. Before that message
//     there is nothing to bound.
//   - A partition is resumed before it is given back, in the callback, where
//     librdkafka waits for us; so each assignment begins unpaused.
//   - A resumption is said twice: the second is without effect where the first
//     had one. A pause that was lost shows in the next message, and is said anew.
//
// What still goes wrong is for watch to find.
type flow struct {
	// wanted says that partitions should be paused.
	wanted bool
	// unsettled says that some partition may not be as wanted.
	unsettled bool
}

// take puts a message that was polled where it waits for its delivery.
func (s *session) take(m *ck.Message) {
	p := s.parts[keyOf(m.TopicPartition)] // written by this goroutine only
	if p == nil {
		return // not ours any more: its owner gets it
	}
	if p.paused || !p.begun() {
		p.paused, s.flow.unsettled = false, true
	}
	p.sought = time.Time{}
	s.mu.Lock()
	p.polled, p.since = int64(m.TopicPartition.Offset), time.Now()
	s.mu.Unlock()
	s.pending.push(m)
}

// steer pauses what should be paused, and resumes it when half of what waits is
// delivered, not all: the first fetch after a pause may have to wait for the end
// of the last one (fetch.wait.max.ms).
func (s *session) steer() {
	switch {
	case !s.flow.wanted && s.pending.full():
		s.flow = flow{wanted: true, unsettled: true}
	case s.flow.wanted && s.pending.low():
		s.flow = flow{wanted: false, unsettled: true}
	}
	if !s.flow.unsettled {
		return
	}
	s.flow.unsettled = false
	var list []ck.TopicPartition
	for k, p := range s.parts {
		if p.begun() && p.paused != s.flow.wanted {
			p.paused = s.flow.wanted
			list = append(list, k2tp(k))
		}
	}
	switch {
	case len(list) == 0:
	case s.flow.wanted:
		s.report(logrus.WarnLevel, "pause partitions", s.c.Pause(list))
	default:
		s.resume(list)
	}
}

func (s *session) resume(list []ck.TopicPartition) {
	for range 2 {
		s.report(logrus.WarnLevel, "resume partitions", s.c.Resume(list))
	}
}

// clear takes the pause off partitions that are about to be given back. It does
// not go by what they were last told: that may have been lost.
func (s *session) clear(list []ck.TopicPartition) {
	var begun []ck.TopicPartition
	for _, tp := range list {
		if p := s.parts[keyOf(tp)]; p != nil && p.begun() {
			p.paused = false
			begun = append(begun, k2tp(keyOf(tp)))
		}
	}
	if len(begun) > 0 {
		s.report(logrus.WarnLevel, "resume partitions", s.c.Resume(begun))
	}
}
