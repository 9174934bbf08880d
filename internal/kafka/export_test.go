package kafka

import (
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// Waiting is how many messages were polled and not delivered.
func (s *Source) Waiting() (n int64) {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current == nil {
		return 0
	}
	current.mu.Lock()
	defer current.mu.Unlock()
	for _, p := range current.parts {
		n += p.polled + 1
	}
	return n
}

// MostWaiting is the bound of that.
const MostWaiting = pendingMessages

// RestAfter makes the client rest sooner. Call it before the first Send.
func (d *DeadLetters) RestAfter(after time.Duration) { d.restAfter = after }

// Rests says that there is no client.
func (d *DeadLetters) Rests() bool {
	d.producer.mu.Lock()
	defer d.producer.mu.Unlock()
	return d.producer.client == nil
}

// Jam makes a partition stand still behind the source's back, as librdkafka does
// by losing what it is told.
func (s *Source) Jam(topic string, partition int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.c.Pause([]ck.TopicPartition{{Topic: &topic, Partition: partition}})
}

// AskForNoStart leaves no time to ask where partitions begin.
func (s *Source) AskForNoStart() { s.startPatience = 0 }
