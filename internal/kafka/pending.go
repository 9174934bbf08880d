package kafka

import (
	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"ingestor/internal/offsets"
)

// Bounds of what waits here. Pausing a partition throws away what librdkafka
// has fetched ahead, so a pool that is full and free again sixty times a second
// would fetch the same megabyte sixty times; a few messages kept here spare
// that. One message of any size always fits.
const (
	pendingMessages = 512
	pendingBytes    = 4 << 20
)

// pending holds messages that were polled while the source is held, in the
// order in which they came. None of them is tracked yet: what is dropped here
// was never begun. It belongs to the polling goroutine.
type pending struct {
	messages []*ck.Message
	bytes    int
}

func (p *pending) push(m *ck.Message) {
	p.messages = append(p.messages, m)
	p.bytes += size(m)
}

func (p *pending) pop() (*ck.Message, bool) {
	if len(p.messages) == 0 {
		return nil, false
	}
	m := p.messages[0]
	p.messages[0] = nil
	p.messages = p.messages[1:]
	p.bytes -= size(m)
	return m, true
}

func (p *pending) full() bool { return len(p.messages) >= pendingMessages || p.bytes >= pendingBytes }

// low says that there is room again for a fetch.
func (p *pending) low() bool {
	return len(p.messages) <= pendingMessages/2 && p.bytes <= pendingBytes/2
}

// drop forgets the messages of a partition that is no longer ours.
func (p *pending) drop(k offsets.Key) {
	kept := make([]*ck.Message, 0, len(p.messages))
	p.bytes = 0
	for _, m := range p.messages {
		if keyOf(m.TopicPartition) != k {
			kept = append(kept, m)
			p.bytes += size(m)
		}
	}
	p.messages = kept
}

func size(m *ck.Message) int { return len(m.Key) + len(m.Value) }

func keyOf(tp ck.TopicPartition) offsets.Key {
	k := offsets.Key{Partition: tp.Partition}
	if tp.Topic != nil {
		k.Topic = *tp.Topic
	}
	return k
}
