package kafka_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
)

// backlog holds a source before 100 000 messages (50 MB): what waits in it is
// bounded, and all of it comes once it is let go.
func backlog(t *testing.T, c *cluster) {
	const partitions, n, size = 4, 100_000, 500
	topic, group := c.topic(t, partitions), name(t, "group")
	value := bytes.Repeat([]byte("x"), size)
	for from := 0; from < n; from += 10_000 {
		records := make([]kafka.Record, 10_000)
		for i := range records {
			records[i] = kafka.Record{Topic: topic, Value: value, Pinned: true, Partition: int32(i % partitions)}
		}
		if _, err := c.producer.ProduceAll(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	s := c.newSource(t, group, quick, topic)
	s.Hold(true)
	debug.FreeOSMemory()
	before := resident(t)
	r := run(t, s, true)
	await(t, "that it is full", func() bool { return s.Waiting() >= kafka.MostWaiting })
	full := resident(t)
	most, waiting := full, s.Waiting()
	never(t, "more messages in memory than may be", 5*time.Second, func() bool {
		most = max(most, resident(t))
		waiting = max(waiting, s.Waiting())
		return waiting > kafka.MostWaiting+64 // and what was on its way as they were paused
	})
	t.Logf("%d MB before, %d MB when full, at most %d MB while held: %d messages of %d bytes wait",
		before>>10, full>>10, most>>10, waiting, size)
	if got := s.Positions(); len(got) != partitions || got[0].Unfinished != 0 {
		t.Errorf("what was not delivered is tracked: %+v", got)
	}
	began := time.Now()
	r.Hold(false)
	r.awaitCount(t, n)
	t.Logf("all delivered in %s", time.Since(began).Truncate(time.Millisecond))
	c.awaitCommitted(t, group, map[int32]int64{0: n / 4, 1: n / 4, 2: n / 4, 3: n / 4})
	if r.count() != n {
		t.Errorf("%d deliveries", r.count())
	}
}

// resident is our memory in kB.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(fmt.Errorf("VmRSS: %w", err))
	}
	return n
}

func TestBacklog_WaitsAtTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	backlog(t, newCluster(t, b.Address()))
}

func TestBacklog_WaitsAtTheRealBroker(t *testing.T) {
	_, c := realBroker(t, realkafka.Options{})
	backlog(t, c)
}
