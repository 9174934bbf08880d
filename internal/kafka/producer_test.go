package kafka_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
)

func TestProducer_TellsWhatBecameOfAMessage(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Topics: []string{"t"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := kafka.NewProducer(kafka.ProducerOptions{Properties: map[string]string{
		"bootstrap.servers": b.Address(), "group.id": "of a consumer", "topic.metadata.propagation.max.ms": "200",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		d, err := p.Produce(t.Context(), "t", nil, []byte("v"), nil)
		if err != nil || d.Offset != i {
			t.Errorf("message %d: %+v, %v", i, d, err)
		}
	}
	for name, c := range map[string]struct {
		topic string
		value []byte
	}{
		"a topic that is not there": {"absent", nil},
		"no topic":                  {"", nil},
		"an endless name":           {strings.Repeat("x", 1000), nil},
		"too large for the broker":  {"t", bytes.Repeat([]byte("0123456789abcdef"), 40<<20/16)},
	} {
		if _, err := p.Produce(t.Context(), c.topic, nil, c.value, nil); fault.KindOf(err) != fault.BadInput {
			t.Errorf("%s: %v of kind %s", name, err, fault.KindOf(err))
		}
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.Produce(t.Context(), "t", nil, nil, nil); err == nil {
		t.Error("a closed producer sends")
	}
}

func TestProducer_WithoutABrokerIsUnavailable(t *testing.T) {
	p, err := kafka.NewProducer(kafka.ProducerOptions{Properties: map[string]string{
		"bootstrap.servers": "127.0.0.1:1", "delivery.timeout.ms": "300",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), "t", nil, nil, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v of kind %s", err, fault.KindOf(err))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Produce(ctx, "t", nil, nil, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v of kind %s", err, fault.KindOf(err))
	}
}

func TestNewProducer_RefusesWhatCanNotWork(t *testing.T) {
	for _, props := range []map[string]string{nil, {"bootstrap.servers": "h:1", "akcs": "all"}} {
		if _, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props}); fault.KindOf(err) != fault.BadConfiguration {
			t.Errorf("%v: %v of kind %s", props, err, fault.KindOf(err))
		}
	}
}
