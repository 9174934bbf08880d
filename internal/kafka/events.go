package kafka

import (
	"errors"
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
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
		s.take(e)
	case ck.OffsetsCommitted:
		s.committed(e)
	case ck.Error:
		return s.failed(e)
	case *ck.Stats:
		return s.statistics(e.String(), time.Now())
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
		s.reports.write(logrus.DebugLevel, "kafka: "+e.Error())
	case ck.ErrMaxPollExceeded:
		s.trouble(logrus.WarnLevel, "this process did not run for longer than max.poll.interval.ms; it joins the group anew")
	case ck.ErrUnknownTopicOrPart, ck.ErrUnknownTopic:
		s.trouble(logrus.WarnLevel, e.Error()+" (waits until it appears)")
	case ck.ErrTopicAuthorizationFailed, ck.ErrGroupAuthorizationFailed, ck.ErrClusterAuthorizationFailed,
		ck.ErrAuthentication, ck.ErrSaslAuthenticationFailed, ck.ErrSsl:
		s.trouble(levelFor(e, logrus.ErrorLevel), inWords(e))
	default:
		s.trouble(logrus.WarnLevel, inWords(e))
	}
	return nil
}

// trouble logs an error once and keeps it as the reason of a missing readiness.
func (s *session) trouble(level logrus.Level, text string) {
	text = s.source.secrets.blank(text)
	s.mu.Lock()
	text = fuller(s.lastWord, text)
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
		if failure == nil {
			failure = tp.Error
		}
		if tp.Error != nil || e.Error != nil {
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
