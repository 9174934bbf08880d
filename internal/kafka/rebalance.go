package kafka

import (
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
)

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
	starts := s.findStarts(plain)
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
	now := time.Now()
	s.mu.Lock()
	for _, tp := range list {
		s.book.Assign(keyOf(tp))
		s.parts[keyOf(tp)] = newPartition(now)
	}
	s.member, s.heard = true, now
	s.mu.Unlock()
	s.keepStarts(starts...)
	// Nothing is said about pausing here, see flow.
	// What went wrong before is over; should it come again, it is news again.
	s.reports.forget()
	s.log.WithField("partitions", len(s.parts)).Infof("partitions assigned: %s", names(list))
}

func (s *session) revoke(list []ck.TopicPartition, cooperative bool) {
	lost := s.c.AssignmentLost()
	if !lost {
		// The library commits what is stored here before it gives the
		// partitions back.
		s.store()
	}
	s.clear(list)
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
