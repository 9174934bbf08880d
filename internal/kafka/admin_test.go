package kafka_test

import (
	"testing"
	"time"

	"ingestor/internal/kafka/realkafka"
)

// The library crashes the process when an admin client of its own asks a broker
// that does not coordinate the group (yet).
func TestAdmin_AsksTheRealBrokerWhileItStarts(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{})
	topic, group := c.topic(t, 1), name(t, "group")
	c.fill(t, topic, 1, 0, 1)
	r := c.consume(t, group, true, quick, topic)
	c.awaitCommitted(t, group, map[int32]int64{0: 1})
	r.close(t)
	for range 2 {
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for end := time.Now().Add(8 * time.Second); time.Now().Before(end); {
				_, _ = c.admin.Committed(t.Context(), group) // an error is as good
			}
		}()
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-done
		c.awaitCommitted(t, group, map[int32]int64{0: 1})
	}
}
