package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/offsets"
)

// handle takes what a poll brought. An error means that the client is of no
// more use.
func (s *session) handle(event ck.Event) error {
	switch e := event.(type) {
	case nil:
	case *ck.Message:
		if e.TopicPartition.Error != nil {
			s.trouble(logrus.WarnLevel, fmt.Sprintf("%s: %v", e, e.TopicPartition.Error))
			break
		}
		s.hear()
		if s.leaving {
			break // was not begun: the next owner gets it
		}
		s.pending.push(e)
	case ck.OffsetsCommitted:
		s.committed(e)
	case ck.Error:
		return s.failed(e)
	case *ck.Stats:
		s.statistics(e.String())
	}
	return nil
}

// failed takes an error event. Most of them only inform: librdkafka goes on by
// itself.
func (s *session) failed(e ck.Error) error {
	if e.IsFatal() {
		return fmt.Errorf("fatal error %s: %s", e.Code(), s.source.secrets.blank(e.Error()))
	}
	switch e.Code() {
	case ck.ErrAllBrokersDown:
		// Says only how many there are; why was told for each of them before.
		s.reports.write(logrus.WarnLevel, "kafka: "+e.Error())
	case ck.ErrMaxPollExceeded:
		s.trouble(logrus.WarnLevel, "this process did not run for longer than max.poll.interval.ms; it joins the group anew")
	case ck.ErrUnknownTopicOrPart, ck.ErrUnknownTopic:
		s.trouble(logrus.WarnLevel, e.Error()+" (waits until it appears)")
	case ck.ErrTopicAuthorizationFailed, ck.ErrGroupAuthorizationFailed, ck.ErrClusterAuthorizationFailed,
		ck.ErrAuthentication, ck.ErrSaslAuthenticationFailed, ck.ErrSsl:
		s.trouble(logrus.ErrorLevel, e.Error())
	default:
		s.trouble(logrus.WarnLevel, e.Error())
	}
	return nil
}

// trouble logs an error once and keeps it as the reason of a missing readiness.
func (s *session) trouble(level logrus.Level, text string) {
	text = plain(s.source.secrets.blank(text))
	s.mu.Lock()
	s.lastWord = text
	s.mu.Unlock()
	s.reports.write(level, "kafka: "+text)
}

func (s *session) word() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastWord == "" {
		return "no answer from " + s.source.brokers()
	}
	return s.lastWord
}

// committed takes the answer to a commit.
func (s *session) committed(e ck.OffsetsCommitted) {
	failure := e.Error
	s.mu.Lock()
	for _, tp := range e.Offsets {
		if tp.Offset < 0 {
			continue
		}
		if tp.Error != nil || e.Error != nil {
			failure = errors.Join(e.Error, tp.Error)
			continue
		}
		if p := s.parts[keyOf(tp)]; p != nil {
			p.committed = int64(tp.Offset)
			s.book.Committed(keyOf(tp), int64(tp.Offset))
		}
	}
	s.mu.Unlock()
	var kafkaError ck.Error
	switch {
	case errors.As(failure, &kafkaError) && kafkaError.Code() == ck.ErrNoOffset:
	case failure == nil:
		s.hear()
		if s.failing {
			s.failing = false
			s.log.Info("offsets are committed again")
		}
	case !s.failing:
		s.failing = true
		s.log.WithError(failure).Warn("offsets can not be committed; tried again until they are")
	}
}

// rebalance assigns and gives back partitions. It always tells the library
// itself: its own fallback hangs when that fails.
func (s *session) rebalance(c *ck.Consumer, event ck.Event) error {
	cooperative := c.GetRebalanceProtocol() == "COOPERATIVE"
	switch e := event.(type) {
	case ck.AssignedPartitions:
		s.assign(e.Partitions, cooperative)
	case ck.RevokedPartitions:
		s.revoke(e.Partitions, cooperative)
	}
	return nil
}

func (s *session) assign(list []ck.TopicPartition, cooperative bool) {
	plain := make([]ck.TopicPartition, len(list))
	for i, tp := range list {
		plain[i] = ck.TopicPartition{Topic: tp.Topic, Partition: tp.Partition, Offset: tp.Offset}
	}
	var err error
	if cooperative {
		err = s.c.IncrementalAssign(plain)
	} else {
		err = s.c.Assign(plain)
	}
	if err != nil {
		s.trouble(logrus.ErrorLevel, "assign partitions: "+err.Error())
		return
	}
	s.mu.Lock()
	for _, tp := range list {
		s.book.Assign(keyOf(tp))
		s.parts[keyOf(tp)] = newPartition()
	}
	s.member, s.heard = true, time.Now()
	s.mu.Unlock()
	// A pause outlives an assignment in librdkafka, so the wanted state is said
	// anew each time.
	if s.paused {
		s.report(logrus.WarnLevel, "pause partitions", s.c.Pause(plain))
	} else {
		s.report(logrus.WarnLevel, "resume partitions", s.c.Resume(plain))
	}
	s.log.WithField("partitions", len(s.parts)).Infof("partitions assigned: %s", names(list))
}

func (s *session) revoke(list []ck.TopicPartition, cooperative bool) {
	lost := s.c.AssignmentLost()
	if !lost {
		// The library commits what is stored here before it gives the
		// partitions back.
		s.store()
	}
	var err error
	if cooperative {
		err = s.c.IncrementalUnassign(list)
	} else {
		err = s.c.Unassign()
	}
	if err != nil {
		s.trouble(logrus.ErrorLevel, "give partitions back: "+err.Error())
	}
	unfinished := 0
	s.mu.Lock()
	for _, tp := range list {
		k := keyOf(tp)
		unfinished += s.book.Unfinished(k)
		s.book.Revoke(k)
		s.pending.drop(k)
		delete(s.parts, k)
	}
	if !cooperative || len(s.parts) == 0 {
		s.member, s.left = false, time.Now()
	}
	s.mu.Unlock()
	how := "revoked"
	if lost {
		how = "lost"
	}
	s.log.WithField("unfinished", unfinished).Infof("partitions %s: %s", how, names(list))
}

// names lists partitions for a log line.
func names(list []ck.TopicPartition) string {
	const most = 20
	text := ""
	for i, tp := range list {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(list)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s/%d", keyOf(tp).Topic, tp.Partition)
	}
	if text == "" {
		return "none"
	}
	return text
}

// hear notes that a broker answered just now.
func (s *session) hear() { s.heardAt(time.Now()) }

func (s *session) heardAt(at time.Time) {
	s.mu.Lock()
	if at.After(s.heard) {
		s.heard = at
	}
	back := s.silent && time.Since(s.heard) < silence
	if back {
		s.silent, s.lastWord = false, ""
	}
	s.mu.Unlock()
	if back {
		s.reports.forget()
		s.log.Info("a broker answers again")
	}
}

// ready is Source.Ready for this client.
func (s *session) ready(now time.Time) error {
	word := s.word()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch quiet := now.Sub(s.heard); {
	case s.heard.IsZero():
		return fmt.Errorf("no partitions assigned yet: %s", word)
	case quiet > silence:
		return fmt.Errorf("no broker answered for %s: %s", quiet.Truncate(time.Second), word)
	case !s.member && now.Sub(s.left) > silence:
		return fmt.Errorf("no member of the group for %s: %s", now.Sub(s.left).Truncate(time.Second), word)
	default:
		return nil
	}
}

// statistics takes librdkafka's report of itself: it tells, without asking the
// cluster anything, when a broker last answered and where the partitions stand.
func (s *session) statistics(text string) {
	var stats struct {
		Brokers map[string]struct {
			State  string `json:"state"`
			RxIdle int64  `json:"rxidle"` // microseconds since the last answer, -1 for never
		} `json:"brokers"`
		Topics map[string]struct {
			Partitions map[string]struct {
				Partition int32 `json:"partition"`
				High      int64 `json:"hi_offset"`
				Low       int64 `json:"lo_offset"`
				Committed int64 `json:"committed_offset"`
			} `json:"partitions"`
		} `json:"topics"`
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		s.report(logrus.WarnLevel, "statistics", err)
		return
	}
	now := time.Now()
	for _, b := range stats.Brokers {
		if b.State == "UP" && b.RxIdle >= 0 {
			s.heardAt(now.Add(-time.Duration(b.RxIdle) * time.Microsecond))
		}
	}
	s.mu.Lock()
	quiet := !s.silent && !s.heard.IsZero() && now.Sub(s.heard) > silence
	s.silent = s.silent || quiet
	var back []ck.TopicPartition
	for topic, t := range stats.Topics {
		for _, told := range t.Partitions {
			p := s.parts[offsets.Key{Topic: topic, Partition: told.Partition}]
			if p == nil {
				continue
			}
			p.high = max(p.high, told.High)
			p.low = max(p.low, told.Low)
			p.committed = max(p.committed, told.Committed)
			if p.stored != unknown && p.stored < told.Committed {
				tp := k2tp(offsets.Key{Topic: topic, Partition: told.Partition})
				tp.Offset, tp.LeaderEpoch = ck.Offset(p.stored), p.epochOf(p.stored)
				back = append(back, tp)
			}
		}
	}
	s.mu.Unlock()
	s.commitBack(back)
	if quiet {
		s.trouble(logrus.WarnLevel, "no broker answers: "+s.word())
	}
}

// commitBack commits marks that lie before what the group has committed, as
// after a topic was made anew: librdkafka leaves such marks out of its own
// commits. It is rare, so the call may block for once.
func (s *session) commitBack(list []ck.TopicPartition) {
	if len(list) == 0 || s.leaving {
		return
	}
	done, err := s.c.CommitOffsets(list)
	s.committed(ck.OffsetsCommitted{Error: err, Offsets: done})
}

// refresh asks for the end of the partitions that are paused: librdkafka hears
// of it only when it fetches. It has its own goroutine because an answer may
// take a while.
func (s *session) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.source.held.Load() {
			continue
		}
		for _, p := range s.positions(time.Now()) {
			if ctx.Err() != nil {
				return
			}
			low, high, err := s.c.QueryWatermarkOffsets(p.Topic, p.Partition, int(time.Second.Milliseconds()))
			if err != nil {
				break // a broker that is away is told elsewhere
			}
			s.mu.Lock()
			if known := s.parts[offsets.Key{Topic: p.Topic, Partition: p.Partition}]; known != nil {
				known.high, known.low = max(known.high, high), max(known.low, low)
			}
			s.mu.Unlock()
		}
	}
}
