package kafka_test

import (
	"runtime"
	"strings"
	"testing"

	"ingestor/internal/kafka/embedded"
)

func TestSource_OnTheEmbeddedBroker(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sourceSuite(t, newCluster(t, b.Address()))
}

// A source that has ended leaves nothing running.
func TestSource_LeavesNoGoroutine(t *testing.T) {
	b, err := embedded.Start(embedded.Options{Topics: []string{"t"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := newCluster(t, b.Address())
	c.fill(t, "t", 1, 0, 1) // the producer's own run from here on
	before := ours()
	for i := range 3 {
		c.fill(t, "t", 1, i+1, 1)
		r := c.consume(t, "group", true, quick, "t")
		if err := r.Probe(t.Context()); err != nil {
			t.Error(err)
		}
		r.awaitCount(t, 1)
		r.close(t)
		if err := r.Ready(); err == nil {
			t.Error("ready after the end")
		}
	}
	await(t, "the end of all goroutines", func() bool { return ours() <= before })
}

// ours counts the goroutines of this package and of the library. The broker has
// its own, for each connection.
func ours() int {
	buf := make([]byte, 4<<20)
	n := 0
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "internal/kafka.(*") || strings.Contains(g, "confluent-kafka-go") {
			n++
		}
	}
	return n
}
