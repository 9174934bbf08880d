package kafka

import (
	"encoding/json"
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/offsets"
)

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
// cluster anything, when a broker last answered and where the partitions stand. An
// error means that the client is of no more use.
func (s *session) statistics(text string, now time.Time) error {
	var stats struct {
		Brokers map[string]brokerReport `json:"brokers"`
		Topics  map[string]struct {
			Partitions map[string]struct {
				Partition int32 `json:"partition"`
				High      int64 `json:"hi_offset"`
				Low       int64 `json:"lo_offset"`
				Committed int64 `json:"committed_offset"`

				State string `json:"fetch_state"`
				Next  int64  `json:"next_offset"`
			} `json:"partitions"`
		} `json:"topics"`
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		s.report(logrus.WarnLevel, "statistics", err)
		return nil
	}
	for _, b := range stats.Brokers {
		if b.State == "UP" && b.RxIdle >= 0 {
			s.heardAt(now.Add(-time.Duration(b.RxIdle) * time.Microsecond))
		}
	}
	s.mu.Lock()
	quiet := !s.silent && !s.heard.IsZero() && now.Sub(s.heard) > silence
	s.silent = s.silent || quiet
	heard := s.heard
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
			p.told(now, told.State, told.Next)
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
	switch {
	case s.cutOff.told(stats.Brokers):
		s.source.stalled(1, now)
		return errCutOff
	case now.Sub(latest(heard, s.began)) > silentFor:
		return errSilent
	}
	return nil
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
