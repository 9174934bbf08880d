package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
)

// DeadLetterOptions says where dead letters go.
type DeadLetterOptions struct {
	// Topic takes the letters; blanks around the name are dropped. Where brokers
	// make topics by themselves (auto.create.topics.enable) they make this one.
	Topic string
	// Properties are librdkafka's; bootstrap.servers is needed. The map of a
	// Source will do.
	Properties map[string]string
	// PasswordFile is as in Options.
	PasswordFile string
	// Log takes what happens; nil discards it.
	Log logrus.FieldLogger
}

// DeadLetters sends to a topic what can not be dealt with. It is safe for
// several goroutines.
type DeadLetters struct {
	topic    string
	brokers  string
	producer *Producer
	// restAfter is idleAfter, but in tests.
	restAfter time.Duration
	log       logrus.FieldLogger
	work      sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	underWay map[string]*sending
	active   int // of those, the ones that have not ended
	idle     *time.Timer
}

// idleAfter is after how long without a letter the client is ended: few daemons
// ever send one, and a client that waits costs something.
const idleAfter = time.Minute

// sending is a letter that was handed to the library. It stays until its end is
// told to a Send: one that is repeated must not send the letter again.
type sending struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
}

// letterReserved make a letter arrive once, or be surely not written: librdkafka
// repeats it under its number until a broker takes or refuses it.
var letterReserved = map[string]string{
	"acks":               "all",
	"enable.idempotence": "true",
	"retries":            "2147483647",
	// For ever: a time-out can not tell whether the letter was written.
	"delivery.timeout.ms": "0",
	// Each letter is a batch of its own: one that is too large is refused alone.
	"batch.num.messages": "1",
	"linger.ms":          "0",

	"statistics.interval.ms": statisticsEvery,
}

// letterDefaults are a producer's, but for these.
func letterDefaults() map[string]string {
	d := maps.Clone(producerDefaults)
	d["allow.auto.create.topics"] = "true"
	// How long a topic may be unknown before a letter is refused.
	d["topic.metadata.propagation.max.ms"] = "10000"
	return d
}

// NewDeadLetters makes a DeadLetters. It checks the topic's name and the
// properties (fault.BadConfiguration) and waits for no broker.
func NewDeadLetters(o DeadLetterOptions) (*DeadLetters, error) {
	topic := strings.TrimSpace(o.Topic)
	if topic == "" || len(topic) > longestTopic {
		return nil, fault.Errorf(fault.BadConfiguration, "dead letters: topic %q: a name has 1 to %d characters", topic, longestTopic)
	}
	log := orDiscard(o.Log).WithField("topic", topic)
	p, err := newProducer("dead letters", letterDefaults(), letterReserved, ProducerOptions{
		Properties: o.Properties, PasswordFile: o.PasswordFile, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &DeadLetters{
		topic: topic, producer: p, restAfter: idleAfter, log: log, underWay: map[string]*sending{},
		brokers: strings.ReplaceAll(p.properties["bootstrap.servers"], ",", ", "),
	}, nil
}

// Send blocks until the cluster has the letter on all replicas in sync, or ctx
// ends, however long brokers are away. A Send makes at most one letter, whatever
// the brokers do meanwhile. Key, value and headers are the original ones; added
// are ingestor-reason, ingestor-attempts, ingestor-source
// (topic/partition/offset), ingestor-time (RFC 3339, UTC) and, when there is
// any, ingestor-stderr (the last 4 KiB). A letter that is too large for the
// topic goes without its value, with the header ingestor-value=omitted.
//
// After an error Send may be called again. When ctx ended the letter may still
// arrive; the next Send of the same message goes on with that one. The kind is
// Unavailable (brokers), NotPermitted (a right is missing) or BadInput (the topic
// does not exist), and the line says what to do.
func (d *DeadLetters) Send(ctx context.Context, l intake.DeadLetter) error {
	s, key, err := d.begin(ctx, l)
	if err != nil {
		return err
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return fault.Errorf(fault.Unavailable, "dead letter %s: no answer from %s yet%s: %w",
			l.Position(), d.brokers, d.producer.word(), ctx.Err())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.underWay[key] == s {
		delete(d.underWay, key)
	}
	return s.err
}

// begin hands a letter to the library, unless that has it already.
func (d *DeadLetters) begin(ctx context.Context, l intake.DeadLetter) (*sending, string, error) {
	key := strings.Join([]string{l.Source, l.Position(), strconv.FormatInt(l.Time.UnixNano(), 10)}, "\x00")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, "", fmt.Errorf("dead letter %s: %w", l.Position(), errClosed)
	}
	if s := d.underWay[key]; s != nil {
		return s, key, nil
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &sending{cancel: cancel, done: make(chan struct{})}
	d.underWay[key] = s
	d.active++
	if d.idle != nil {
		d.idle.Stop()
	}
	d.work.Go(func() {
		defer close(s.done)
		defer cancel()
		s.err = d.send(inner, l)
		d.ended()
	})
	return s, key, nil
}

// ended counts a letter out, and lets the client rest after the last one.
func (d *DeadLetters) ended() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active--
	if d.active == 0 && !d.closed {
		d.idle = time.AfterFunc(d.restAfter, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.active == 0 {
				d.producer.rest()
			}
		})
	}
}

// send tries the variants of a letter until one is not too large.
func (d *DeadLetters) send(ctx context.Context, l intake.DeadLetter) error {
	var err error
	for i, r := range variants(record(d.topic, l)) {
		if _, err = d.producer.ProduceAll(ctx, []Record{r}); !tooLarge(err) {
			if err == nil && i > 0 {
				d.log.WithFields(logrus.Fields{"source": l.Source, "offset": l.Offset, "partition": l.Partition}).Warnf(
					"dead letter for %s is larger than its topic takes; sent without its value of %d bytes", l.Position(), len(l.Value))
			}
			break
		}
	}
	return d.explain(l, err)
}

func tooLarge(err error) bool {
	c := code(err)
	return c == ck.ErrMsgSizeTooLarge || c == ck.ErrInvalidMsgSize
}

// explain says what to do about a letter that was refused.
func (d *DeadLetters) explain(l intake.DeadLetter, err error) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf("dead letter %s: ", l.Position())
	switch c := code(err); {
	case errors.Is(err, errClosed) || errors.Is(err, context.Canceled):
		return fmt.Errorf("%s%w", what, err)
	case c == ck.ErrUnknownTopicOrPart || c == ck.ErrUnknownTopic || c == ck.ErrTopicException:
		return fault.Errorf(fault.BadInput, "%stopic %s does not exist at %s: make it, or mend the name of the dead-letter topic: %w",
			what, d.topic, d.brokers, err)
	case tooLarge(err):
		return fault.Errorf(fault.BadInput, "%sit does not fit even without its value: raise max.message.bytes of topic %s: %w",
			what, d.topic, err)
	case fault.KindOf(err) == fault.NotPermitted:
		return fault.Errorf(fault.NotPermitted, "%sthe account of the ingestor needs the right to write to topic %s at %s: %w",
			what, d.topic, d.brokers, err)
	default:
		return fault.Errorf(fault.Unavailable, "%s%s does not take it: %w", what, d.brokers, err)
	}
}

// Close gives up the letters under way, which may or may not have arrived, and
// ends the client. It may be called twice.
func (d *DeadLetters) Close() error {
	d.mu.Lock()
	d.closed = true
	if d.idle != nil {
		d.idle.Stop()
	}
	for _, s := range d.underWay {
		s.cancel()
	}
	d.mu.Unlock()
	d.work.Wait()
	return d.producer.Close()
}
