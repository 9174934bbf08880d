package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
)

// ProducerOptions says where a Producer sends to.
type ProducerOptions struct {
	// Properties are librdkafka's; bootstrap.servers is needed. Those that only
	// a consumer knows are harmless, so the map of a Source will do.
	Properties map[string]string
	// PasswordFile is as in Options.
	PasswordFile string
	// Log takes what happens; nil discards it.
	Log logrus.FieldLogger
}

// Delivery is where a message has ended up.
type Delivery struct {
	Partition int32
	Offset    int64
}

// Record is a message to send.
type Record struct {
	Topic string
	// Key decides the partition unless Pinned is set; nil spreads.
	Key []byte
	// Value nil is a tombstone.
	Value   []byte
	Headers []intake.Header
	// Pinned sends to Partition.
	Pinned    bool
	Partition int32
}

// Producer sends messages and says for each whether the cluster has it: on all
// replicas in sync, once (acks=all, idempotent). It is safe for several
// goroutines.
type Producer struct {
	name       string // how it calls itself in logs and errors
	properties map[string]string
	password   *password
	secrets    *secrets
	reports    *reports

	retired  sync.WaitGroup // clients that are being closed
	mu       sync.Mutex
	client   *producerClient
	closed   bool
	lastWord string // of a broker or of the connection to it
}

// longestTopic is Kafka's limit.
const longestTopic = 249

// errClosed is the use of a Producer after its end.
var errClosed = errors.New("the producer is closed")

// NewProducer makes a Producer. It checks the properties
// (fault.BadConfiguration) and waits for no broker.
func NewProducer(o ProducerOptions) (*Producer, error) {
	return newProducer("kafka producer", producerDefaults, producerReserved, o)
}

// newProducer is NewProducer with the properties of a certain use.
func newProducer(name string, defaults, reserved map[string]string, o ProducerOptions) (*Producer, error) {
	merged, overruled := properties(defaults, reserved, o.Properties)
	for _, key := range consumersOnly {
		delete(merged, key)
	}
	log := orDiscard(o.Log)
	if strings.TrimSpace(merged["bootstrap.servers"]) == "" {
		return nil, fault.Errorf(fault.BadConfiguration, "%s: property bootstrap.servers is empty", name)
	}
	for _, key := range overruled {
		log.Warnf("%s: property %s is not for it; the configured value has no effect", name, key)
	}
	password, err := newPassword(o.PasswordFile, merged[saslPassword])
	if err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "%s: %w", name, err)
	}
	p := &Producer{name: name, properties: merged, password: password, secrets: newSecrets(merged)}
	p.reports = newReports(log, p.secrets)
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// Produce sends one message and waits until the cluster has it. An error of kind
// Unavailable may be tried again; one of kind BadInput (too large, no such
// topic) not. When ctx ends first, the message may still arrive.
func (p *Producer) Produce(ctx context.Context, topic string, key, value []byte, headers []intake.Header) (Delivery, error) {
	deliveries, err := p.ProduceAll(ctx, []Record{{Topic: topic, Key: key, Value: value, Headers: headers}})
	if err != nil {
		return Delivery{}, err
	}
	return deliveries[0], nil
}

// ProduceAll sends messages in one go and waits for all of them. The error is
// the first one's; the others may have arrived.
func (p *Producer) ProduceAll(ctx context.Context, records []Record) ([]Delivery, error) {
	for _, r := range records {
		// The library panics on a name that Kafka can not have.
		if r.Topic == "" || len(r.Topic) > longestTopic {
			return nil, fault.Errorf(fault.BadInput, "send to %q: a topic's name has 1 to %d characters", r.Topic, longestTopic)
		}
	}
	client, err := p.use()
	if err != nil {
		return nil, err
	}
	defer client.uses.Done()
	deliveries := make([]Delivery, len(records))
	answers := make(chan ck.Event, len(records))
	sent := 0
	for sent < len(records) && err == nil {
		err = client.p.Produce(libraryMessage(records[sent], sent), answers)
		switch {
		case err == nil:
			sent++
		case code(err) == ck.ErrQueueFull:
			// Every message in the queue ends within delivery.timeout.ms.
			client.p.Flush(int(pollWait.Milliseconds()))
			err = ctx.Err()
		}
	}
	if err != nil {
		return deliveries, fmt.Errorf("send to %s: %w", topicsOf(records), p.judge(client, err))
	}
	for range sent {
		select {
		case event := <-answers:
			m, ok := event.(*ck.Message)
			if !ok {
				continue
			}
			if m.TopicPartition.Error != nil {
				return deliveries, fmt.Errorf("send to %s: %w", topicsOf(records), p.judge(client, m.TopicPartition.Error))
			}
			deliveries[m.Opaque.(int)] = Delivery{m.TopicPartition.Partition, int64(m.TopicPartition.Offset)}
		case <-ctx.Done():
			return deliveries, fault.Errorf(fault.Unavailable, "send to %s: no answer yet%s: %w", topicsOf(records), p.word(), ctx.Err())
		}
	}
	return deliveries, nil
}

// trouble logs what the library says of brokers and keeps it as the reason of a
// send that is not answered.
func (p *Producer) trouble(e ck.Error) {
	text := p.secrets.blank(inWords(e))
	if e.Code() == ck.ErrAllBrokersDown {
		p.reports.write(logrus.DebugLevel, p.name+": "+text) // says only how many there are
		return
	}
	p.mu.Lock()
	text = fuller(p.lastWord, text)
	p.lastWord = text
	p.mu.Unlock()
	p.reports.write(levelFor(e, logrus.WarnLevel), p.name+": "+text)
}

// word is the last trouble, to stand behind "no answer yet".
func (p *Producer) word() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastWord == "" {
		return ""
	}
	return " (" + p.lastWord + ")"
}

func libraryMessage(r Record, number int) *ck.Message {
	m := &ck.Message{
		TopicPartition: ck.TopicPartition{Topic: &r.Topic, Partition: ck.PartitionAny},
		Key:            r.Key, Value: r.Value, Opaque: number,
	}
	if r.Pinned {
		m.TopicPartition.Partition = r.Partition
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, ck.Header{Key: h.Key, Value: h.Value})
	}
	return m
}

func topicsOf(records []Record) string {
	if len(records) == 0 {
		return "no topic"
	}
	return records[0].Topic
}

// judge marks an error with its kind, and retires a client that is of no more use.
func (p *Producer) judge(client *producerClient, err error) error {
	var e ck.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	text := &refusal{e.Code(), p.secrets.blank(e.Error())}
	if e.IsFatal() || client.p.GetFatalError() != nil {
		p.retire(client)
	}
	switch e.Code() {
	case ck.ErrMsgSizeTooLarge, ck.ErrInvalidMsg, ck.ErrInvalidRecord, ck.ErrUnknownTopicOrPart, ck.ErrUnknownTopic,
		ck.ErrUnknownPartition, ck.ErrInvalidArg, ck.ErrTopicException:
		return fault.New(fault.BadInput, text)
	case ck.ErrTopicAuthorizationFailed, ck.ErrClusterAuthorizationFailed:
		return fault.New(fault.NotPermitted, text)
	default:
		return fault.New(fault.Unavailable, text)
	}
}

// refusal is an error of the library, with its secrets blanked.
type refusal struct {
	code ck.ErrorCode
	text string
}

func (r *refusal) Error() string { return r.text }

func code(err error) ck.ErrorCode {
	var e ck.Error
	var r *refusal
	switch {
	case errors.As(err, &e):
		return e.Code()
	case errors.As(err, &r):
		return r.code
	default:
		return ck.ErrNoError
	}
}

// Close ends the producer when the sends under way have ended. It may be called
// twice.
func (p *Producer) Close() error {
	p.mu.Lock()
	client := p.client
	p.client, p.closed = nil, true
	p.mu.Unlock()
	if client != nil {
		client.uses.Wait()
		client.close()
	}
	p.retired.Wait()
	return nil
}
