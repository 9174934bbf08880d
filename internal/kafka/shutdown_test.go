package kafka_test

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
)

// A single node of Apache Kafka names no broker in the last answers before it ends.
// Some of the clients that hear it then lose all brokers for ever, for a fault of
// librdkafka: about one of twenty, so there are some here. They are replaced.
func TestClients_OutliveABrokerThatLeavesItselfOutOfItsLastAnswers(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	_, text, err := net.SplitHostPort(b.Address())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, b.Address())
	topic := name(t, "topic")
	// Somebody always has a question under way.
	asks := map[string]string{"topic.metadata.refresh.interval.ms": "20", "reconnect.backoff.max.ms": "200", "session.timeout.ms": "3000", "heartbeat.interval.ms": "300"}
	const clients = 10
	var sources []*consumer
	var producers []*kafka.Producer
	var letters []*kafka.DeadLetters
	for i := range clients {
		sources = append(sources, c.consume(t, name(t, fmt.Sprint(i)), true, asks, topic))
		props := map[string]string{"bootstrap.servers": c.address, "delivery.timeout.ms": "10000"}
		for key, value := range asks {
			props[key] = value
		}
		p, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		producers = append(producers, p)
		d, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: props})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		letters = append(letters, d)
	}
	for round := range 4 {
		if round > 0 {
			b.ShutDown()
			if b, err = embedded.Start(embedded.Options{Port: port}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.CreateTopic(topic, 1); err != nil {
			t.Fatal(err)
		}
		before := make([]int, clients)
		for i, s := range sources {
			before[i] = s.count()
		}
		var all sync.WaitGroup
		for i := range clients {
			for what, send := range map[string]func() error{
				"producer": func() error {
					_, err := producers[i].Produce(t.Context(), topic, nil, fmt.Appendf(nil, "%d", round), nil)
					return err
				},
				"dead letters": func() error { return letters[i].Send(t.Context(), letter(int64(100*round+i))) },
				"admin":        func() error { return c.admin.CreateTopic(t.Context(), topic, 1) },
			} {
				all.Go(func() {
					var err error
					await(t, fmt.Sprintf("%s %d in round %d", what, i, round), func() bool { err = send(); return err == nil }, func() string { return err.Error() })
				})
			}
			all.Go(func() {
				// The broker has lost its messages: a source goes on at where it was.
				await(t, fmt.Sprintf("source %d in round %d", i, round), func() bool {
					_, _ = c.producer.Produce(t.Context(), topic, nil, []byte("more"), nil)
					return sources[i].count() > before[i]
				}, func() string { return fmt.Sprint(sources[i].Ready()) })
			})
		}
		all.Wait()
	}
}
