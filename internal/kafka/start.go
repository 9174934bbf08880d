package kafka

import (
	"strings"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/offsets"
)

// A group that has committed nothing of a partition begins where
// auto.offset.reset says. With earliest that is the same offset at each start.
// With latest it is the end at the moment: what was delivered and not finished
// when a member ended, and what was sent while none ran, would be behind the
// next start. So such a start is found out before the partition is assigned, and
// committed like a mark, within the next auto.commit.interval.ms.
//
// A start is stored without a leader epoch, which makes it older than any commit
// of a message: where the group has one after all, librdkafka leaves it out.

// startPatience bounds how long a rebalance waits for starts. Without an answer
// the first message that is delivered is the start, see begin.
const startPatience = 2 * time.Second

// beginsAtEnd says that a group begins with what is sent from then on.
func beginsAtEnd(properties map[string]string) bool {
	switch strings.ToLower(strings.TrimSpace(properties["auto.offset.reset"])) {
	case "latest", "largest", "end":
		return true
	}
	return false
}

// findStarts sets where partitions begin of which the group has committed
// nothing, and returns these.
func (s *session) findStarts(list []ck.TopicPartition) (starts []ck.TopicPartition) {
	if !s.source.atEnd || s.leaving {
		return nil
	}
	deadline := time.Now().Add(s.source.startPatience)
	left := func() int { return int(max(0, time.Until(deadline)).Milliseconds()) }
	known, err := s.c.Committed(list, left())
	if err != nil {
		s.report(logrus.WarnLevel, "ask for committed offsets", err)
		return nil
	}
	none := map[offsets.Key]bool{}
	for _, tp := range known {
		none[keyOf(tp)] = tp.Error == nil && tp.Offset == ck.OffsetInvalid
	}
	for i, tp := range list {
		if !none[keyOf(tp)] {
			continue
		}
		if left() == 0 {
			break
		}
		_, end, err := s.c.QueryWatermarkOffsets(*tp.Topic, tp.Partition, left())
		if err != nil {
			s.report(logrus.WarnLevel, "ask for the end of "+names(list[i:i+1]), err)
			break // nor will the others answer in time
		}
		list[i].Offset = ck.Offset(end)
		s.log.Infof("%s begins at its end, offset %d: the group has committed nothing of it", names(list[i:i+1]), end)
		starts = append(starts, list[i])
	}
	return starts
}

// keepStarts hands starts on to be committed. It is for partitions of which
// nothing was delivered since they were assigned, or since their topic was made
// anew: no mark that counts is stored.
func (s *session) keepStarts(starts ...ck.TopicPartition) {
	if len(starts) == 0 {
		return
	}
	_, err := s.c.StoreOffsets(starts)
	s.report(logrus.WarnLevel, "store the start of partitions", err)
}
