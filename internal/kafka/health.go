package kafka

import (
	"context"
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
