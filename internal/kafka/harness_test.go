package kafka_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/offsets"
)

// patience is how long a test waits for what must come; it is no measure.
const patience = 90 * time.Second

// cluster is a broker under test, and an outside view of it.
type cluster struct {
	address  string
	admin    *kafka.Admin
	producer *kafka.Producer
}

func newCluster(t *testing.T, address string) *cluster {
	t.Helper()
	return newClusterWith(t, map[string]string{"bootstrap.servers": address})
}

func newClusterWith(t *testing.T, props map[string]string) *cluster {
	t.Helper()
	props = maps.Clone(props)
	props["reconnect.backoff.max.ms"] = "200"
	admin, err := kafka.NewAdmin(props)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	producer, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return &cluster{address: props["bootstrap.servers"], admin: admin, producer: producer}
}

// name makes a name for a topic or group that no other test has.
func name(t *testing.T, what string) string {
	return strings.NewReplacer("/", ".", " ", "_", ",", "").Replace(t.Name()) + "-" + what
}

// topic makes a topic.
func (c *cluster) topic(t *testing.T, partitions int) string {
	t.Helper()
	topic := name(t, "topic")
	if err := c.admin.CreateTopic(t.Context(), topic, partitions); err != nil {
		t.Fatal(err)
	}
	return topic
}

// fill sends n messages "from".."from+n-1", spread evenly over the partitions.
func (c *cluster) fill(t *testing.T, topic string, partitions, from, n int) {
	t.Helper()
	records := make([]kafka.Record, n)
	for i := range records {
		records[i] = kafka.Record{
			Topic: topic, Value: fmt.Appendf(nil, "%d", from+i), Pinned: true, Partition: int32((from + i) % partitions),
		}
	}
	if _, err := c.producer.ProduceAll(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// committed is what the group has committed, by partition.
func (c *cluster) committed(t *testing.T, group string) map[int32]int64 {
	t.Helper()
	all, err := c.admin.Committed(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int32]int64{}
	for k, v := range all {
		out[k.Partition] = v
	}
	return out
}

func (c *cluster) awaitCommitted(t *testing.T, group string, want map[int32]int64) {
	t.Helper()
	var got map[int32]int64
	await(t, fmt.Sprintf("committed offsets %v", want), func() bool {
		got = c.committed(t, group)
		return maps.Equal(got, want)
	}, func() string { return fmt.Sprint(got) })
}

// consumer is a running source and what it delivered.
type consumer struct {
	*kafka.Source
	cancel context.CancelFunc
	done   chan error
	once   sync.Once

	mu   sync.Mutex
	got  []intake.Message
	acks []intake.Ack
}

// session time-outs are short in tests, but where a test needs the default.
var quick = map[string]string{
	"session.timeout.ms": "3000", "heartbeat.interval.ms": "300", "max.poll.interval.ms": "4000",
	"topic.metadata.refresh.interval.ms": "1000", "reconnect.backoff.max.ms": "200",
}

func (c *cluster) newSource(t *testing.T, group string, props map[string]string, topics ...string) *kafka.Source {
	t.Helper()
	return c.newSourceWith(t, group, kafka.Options{Topics: topics, Properties: props})
}

func (c *cluster) newSourceWith(t *testing.T, group string, o kafka.Options) *kafka.Source {
	t.Helper()
	all := map[string]string{"bootstrap.servers": c.address, "group.id": group}
	maps.Copy(all, o.Properties)
	o.Properties = all
	if o.Log == nil {
		log := logrus.New()
		log.SetOutput(t.Output())
		log.SetFormatter(&logrus.TextFormatter{TimestampFormat: "05.000", FullTimestamp: true, DisableColors: true})
		o.Log = log
	}
	s, err := kafka.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// consume runs a source. With finish, each message is finished at once.
func (c *cluster) consume(t *testing.T, group string, finish bool, props map[string]string, topics ...string) *consumer {
	t.Helper()
	return run(t, c.newSource(t, group, props, topics...), finish)
}

func run(t *testing.T, s *kafka.Source, finish bool) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &consumer{Source: s, cancel: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- s.Run(ctx, func(m intake.Message, ack intake.Ack) {
			if finish {
				ack(nil)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.got, r.acks = append(r.got, m), append(r.acks, ack)
		})
	}()
	t.Cleanup(func() { r.close(t) })
	return r
}

// close ends the source in order.
func (r *consumer) close(t *testing.T) {
	t.Helper()
	r.once.Do(func() {
		r.cancel()
		select {
		case err := <-r.done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
}

func (r *consumer) messages() []intake.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *consumer) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// ack ends the i-th delivery.
func (r *consumer) ack(i int, err error) {
	r.mu.Lock()
	ack := r.acks[i]
	r.mu.Unlock()
	ack(err)
}

func (r *consumer) awaitCount(t *testing.T, n int) {
	t.Helper()
	await(t, fmt.Sprintf("%d messages", n), func() bool { return r.count() >= n },
		func() string { return fmt.Sprintf("%d messages, ready: %v", r.count(), r.Ready()) })
}

func (r *consumer) awaitReady(t *testing.T) {
	t.Helper()
	await(t, "readiness", func() bool { return r.Ready() == nil }, func() string { return fmt.Sprint(r.Ready()) })
}

// await waits until what must come has come.
func await(t *testing.T, what string, come func() bool, state ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !come(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, s := range state {
				t.Log("state: ", s())
			}
			t.Fatalf("%s: did not come", what)
		}
	}
}

// never watches for a while that something does not come.
func never(t *testing.T, what string, during time.Duration, come func() bool) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if come() {
			t.Fatalf("%s: came", what)
		}
	}
}

// values are the messages' texts, sorted, to compare sets of deliveries.
func values(lists ...[]intake.Message) []string {
	var all []string
	for _, l := range lists {
		for _, m := range l {
			all = append(all, string(m.Value))
		}
	}
	slices.Sort(all)
	return all
}

// numbers are the texts that fill sent.
func numbers(from, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(from + i)
	}
	slices.Sort(all)
	return all
}

func key(m intake.Message) offsets.Key { return offsets.Key{Topic: m.Topic, Partition: m.Partition} }

// TestMain lets a test run a source in a process of its own, see freeze_test.go.
func TestMain(m *testing.M) {
	if args := os.Getenv(childVariable); args != "" {
		os.Exit(child(args))
	}
	os.Exit(m.Run())
}
