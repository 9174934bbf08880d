package kafka

import (
	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Jam makes a partition stand still behind the source's back, as librdkafka does
// by losing what it is told.
func (s *Source) Jam(topic string, partition int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.c.Pause([]ck.TopicPartition{{Topic: &topic, Partition: partition}})
}
