package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
	"ingestor/internal/offsets"
)

// broker is a Kafka and an outside view of it.
type broker struct {
	address  string
	admin    *kafka.Admin
	producer *kafka.Producer
	end      func() error
	topics   int
}

// kafka starts the broker when it is first needed.
func (s *site) kafka(ctx context.Context) (*broker, error) {
	if s.broker != nil {
		return s.broker, nil
	}
	b := &broker{}
	if s.real {
		node, err := realkafka.Start(ctx, realkafka.Options{})
		if err != nil {
			return nil, err
		}
		b.address, b.end = node.Address(), node.Close
	} else {
		node, err := embedded.Start(embedded.Options{})
		if err != nil {
			return nil, err
		}
		b.address, b.end = node.Address(), func() error { node.Close(); return nil }
	}
	s.broker = b
	props := map[string]string{"bootstrap.servers": b.address}
	var err error
	if b.admin, err = kafka.NewAdmin(props); err != nil {
		return nil, err
	}
	b.producer, err = kafka.NewProducer(kafka.ProducerOptions{Properties: props})
	return b, err
}

func (b *broker) close() error {
	var faults []error
	for _, c := range []io.Closer{b.admin, b.producer} {
		if c != nil {
			faults = append(faults, c.Close())
		}
	}
	return errors.Join(append(faults, b.end())...)
}

// newTopic makes one of one partition, so that every order is the topic's.
func (b *broker) newTopic(ctx context.Context) (string, error) {
	b.topics++
	name := fmt.Sprintf("bench-%d", b.topics)
	return name, b.admin.CreateTopic(ctx, name, 1)
}

// fill sends values to a topic, some thousand at a time.
func (b *broker) fill(ctx context.Context, topic string, values [][]byte) error {
	const most = 5000
	for len(values) > 0 {
		part := values[:min(len(values), most)]
		values = values[len(part):]
		records := make([]kafka.Record, len(part))
		for i, v := range part {
			records[i] = kafka.Record{Topic: topic, Value: v}
		}
		if _, err := b.producer.ProduceAll(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

// awaitCommitted waits until the group has committed an offset of the topic.
func (b *broker) awaitCommitted(ctx context.Context, d *daemon, topic string, offset int64, most time.Duration) error {
	return d.await(ctx, most, fmt.Sprintf("commit of offset %d", offset), func() (bool, error) {
		all, err := b.admin.Committed(ctx, d.group)
		// Until the daemon has joined it there is no group, which is an error.
		return err == nil && all[offsets.Key{Topic: topic}] >= offset, nil
	})
}
