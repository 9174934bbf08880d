package kafka_test

import (
	"slices"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/realkafka"
)

// grows: a topic gets more partitions while it is consumed.
func grows(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), name(t, "group")
	r := c.consume(t, group, true, quick, topic)
	c.fill(t, topic, 1, 0, 2)
	r.awaitCount(t, 2)
	admin, err := ck.NewAdminClient(&ck.ConfigMap{"bootstrap.servers": c.address, "log_level": 0})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	result, err := admin.CreatePartitions(t.Context(), []ck.PartitionsSpecification{{Topic: topic, IncreaseTo: 3}})
	if err != nil || result[0].Error.Code() != ck.ErrNoError {
		t.Fatal(err, result)
	}
	await(t, "three partitions", func() bool { return len(r.Positions()) == 3 })
	// The producer's view of the topic may be older.
	fresh := newCluster(t, c.address)
	fresh.fill(t, topic, 3, 3, 9)
	r.awaitCount(t, 11)
	c.awaitCommitted(t, group, map[int32]int64{0: 5, 1: 3, 2: 3})
	if got := values(r.messages()); len(slices.Compact(got)) != 11 {
		t.Errorf("delivered %v", got)
	}
}

// The last offset of a topic is no message but the end of a transaction, and
// before it are messages that were taken back. That is no partition that stands
// still. The library tells every 5 s how far it has read, so a stall can not be
// shorter than twice that here.
func TestSource_TakesTheEndOfATransactionForNoStallOnTheRealBroker(t *testing.T) {
	_, c := realBroker(t, realkafka.Options{})
	const stall = 12 * time.Second
	topic, group := c.topic(t, 1), name(t, "group")
	p, err := ck.NewProducer(&ck.ConfigMap{"bootstrap.servers": c.address, "transactional.id": topic, "log_level": 0})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(p.InitTransactions(t.Context()))
	for _, value := range []string{"kept", "taken back"} {
		must(p.BeginTransaction())
		answer := make(chan ck.Event, 1)
		must(p.Produce(&ck.Message{TopicPartition: ck.TopicPartition{Topic: &topic, Partition: 0}, Value: []byte(value)}, answer))
		<-answer
		if value == "kept" {
			must(p.CommitTransaction(t.Context()))
		} else {
			must(p.AbortTransaction(t.Context()))
		}
	}
	log, hook := test.NewNullLogger()
	s := c.newSourceWith(t, group, kafka.Options{Topics: []string{topic}, Properties: quick, Stall: stall, Log: log})
	r := run(t, s, true)
	r.awaitCount(t, 1)
	c.awaitCommitted(t, group, map[int32]int64{0: 1})
	never(t, "a stall, or another message", 2*stall, func() bool { return s.Stalls() > 0 || r.count() > 1 })
	if n, lines := told(hook, logrus.WarnLevel, ""); n > 0 {
		t.Errorf("%q", lines)
	}
	c.fill(t, topic, 1, 7, 1)
	r.awaitCount(t, 2)
	c.awaitCommitted(t, group, map[int32]int64{0: 5})
}
