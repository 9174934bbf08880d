package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"ingestor/internal/fault"
	"ingestor/internal/offsets"
)

// Admin looks at a cluster from outside any group: for the demo, for tests, and
// for whoever watches a daemon. It is safe for several goroutines.
type Admin struct {
	properties ck.ConfigMap
	secrets    *secrets

	mu sync.RWMutex // held for reading by each call
	*adminClient
	failing atomic.Int64 // since when all calls have failed, in ns since 1970; 0: they do not
}

type adminClient struct {
	client *ck.AdminClient
	// consumer is whose connections the client uses. One of its own would crash
	// the process when the brokers answer to ListConsumerGroupOffsets that the
	// coordinator has moved: librdkafka 2.11 then looks for the consumer group of
	// the client, which only a consumer has.
	consumer *ck.Consumer
}

// NewAdmin makes an Admin; it waits for no broker. Of the properties,
// bootstrap.servers is needed.
func NewAdmin(props map[string]string) (*Admin, error) {
	merged, _ := properties(map[string]string{"client.id": "ingestor", "enable.metrics.push": "false"}, nil, props)
	a := &Admin{properties: ck.ConfigMap{}, secrets: newSecrets(merged)}
	for key, value := range merged {
		a.properties[key] = value
	}
	// Its log would go to stderr, and there is no channel for it.
	a.properties["log_level"] = "0"
	a.properties["group.id"] = "ingestor-admin" // is never joined
	var err error
	if a.adminClient, err = a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Admin) open() (*adminClient, error) {
	consumer, err := ck.NewConsumer(&a.properties)
	if err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "kafka admin: %s", a.secrets.blank(err.Error()))
	}
	client, err := ck.NewAdminClientFromConsumer(consumer)
	if err != nil {
		return nil, errors.Join(fault.Errorf(fault.BadConfiguration, "kafka admin: %s", a.secrets.blank(err.Error())), consumer.Close())
	}
	return &adminClient{client, consumer}, nil
}

// renewAfter is after how long without any answer another client is tried: one
// may have lost its brokers for ever, see cutOff.
const renewAfter = 15 * time.Second

// begin is called before the client is used, and what it returns after, with how that
// ended.
func (a *Admin) begin() (end func(*error)) {
	since := a.failing.Load()
	if since != 0 && time.Since(time.Unix(0, since)) > renewAfter && a.failing.CompareAndSwap(since, 0) {
		a.mu.Lock()
		if next, err := a.open(); err == nil {
			_ = a.shut() // what it was asked has been answered
			a.adminClient = next
		}
		a.mu.Unlock()
	}
	a.mu.RLock()
	return func(err *error) {
		a.mu.RUnlock()
		if fault.KindOf(*err) != fault.Unavailable {
			a.failing.Store(0)
			return
		}
		a.failing.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// CreateTopic makes a topic with one replica and waits until it is there. That
// it was there before is no error.
func (a *Admin) CreateTopic(ctx context.Context, topic string, partitions int) (err error) {
	defer a.begin()(&err)
	results, err := a.client.CreateTopics(ctx, []ck.TopicSpecification{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: 1,
	}}, ck.SetAdminOperationTimeout(10*time.Second))
	for _, r := range results {
		if r.Error.Code() != ck.ErrNoError && r.Error.Code() != ck.ErrTopicAlreadyExists {
			err = errors.Join(err, r.Error)
		}
	}
	return a.failed("create topic "+topic, err)
}

// Committed is what a group has committed: the next offset to read of each
// partition that has any.
func (a *Admin) Committed(ctx context.Context, group string) (_ map[offsets.Key]int64, err error) {
	defer a.begin()(&err)
	results, err := a.client.ListConsumerGroupOffsets(ctx, []ck.ConsumerGroupTopicPartitions{{Group: group}})
	if err != nil {
		return nil, a.failed("committed offsets of "+group, err)
	}
	all := map[offsets.Key]int64{}
	for _, g := range results.ConsumerGroupsTopicPartitions {
		for _, tp := range g.Partitions {
			if tp.Error != nil {
				return nil, a.failed("committed offsets of "+group, tp.Error)
			}
			if tp.Offset >= 0 {
				all[keyOf(tp)] = int64(tp.Offset)
			}
		}
	}
	return all, nil
}

// Ends is the end of each partition of a topic: the offset that the next
// message will get.
func (a *Admin) Ends(ctx context.Context, topic string) (_ map[offsets.Key]int64, err error) {
	defer a.begin()(&err)
	const patience = 5 * time.Second
	metadata, err := a.client.GetMetadata(&topic, false, int(patience.Milliseconds()))
	if err != nil {
		return nil, a.failed("partitions of "+topic, err)
	}
	ask := map[ck.TopicPartition]ck.OffsetSpec{}
	for _, p := range metadata.Topics[topic].Partitions {
		ask[ck.TopicPartition{Topic: &topic, Partition: p.ID}] = ck.LatestOffsetSpec
	}
	if len(ask) == 0 {
		return nil, fault.Errorf(fault.BadInput, "kafka: topic %s does not exist", topic)
	}
	results, err := a.client.ListOffsets(ctx, ask)
	if err != nil {
		return nil, a.failed("ends of "+topic, err)
	}
	all := map[offsets.Key]int64{}
	for tp, r := range results.ResultInfos {
		if r.Error.Code() != ck.ErrNoError {
			return nil, a.failed("ends of "+topic+"/"+strconv.Itoa(int(tp.Partition)), r.Error)
		}
		all[keyOf(tp)] = int64(r.Offset)
	}
	return all, nil
}

// Members is how many members a group has; 0 for one that does not exist.
func (a *Admin) Members(ctx context.Context, group string) (_ int, err error) {
	defer a.begin()(&err)
	results, err := a.client.DescribeConsumerGroups(ctx, []string{group})
	if err != nil {
		return 0, a.failed("members of "+group, err)
	}
	n := 0
	for _, g := range results.ConsumerGroupDescriptions {
		if g.Error.Code() != ck.ErrNoError {
			return 0, a.failed("members of "+group, g.Error)
		}
		n += len(g.Members)
	}
	return n, nil
}

func (a *Admin) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Unavailable, "kafka: %s: %s", what, a.secrets.blank(err.Error()))
}

// Ping is nil when a broker answers within the time.
func (a *Admin) Ping(ctx context.Context, within time.Duration) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer a.begin()(&err)
	_, err = a.client.GetMetadata(nil, false, int(within.Milliseconds()))
	return a.failed("ping", err)
}

var _ io.Closer = (*Admin)(nil)

// Close ends the client.
func (a *Admin) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.shut()
}

func (c *adminClient) shut() error {
	c.client.Close()
	if err := c.consumer.Close(); err != nil {
		return fmt.Errorf("kafka admin: close: %w", err)
	}
	return nil
}
