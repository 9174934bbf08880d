package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
)

// Options says what a Source consumes.
type Options struct {
	// Name tells sources apart in logs and metrics; default "kafka".
	Name string
	// Topics to consume; blanks around a name are dropped. A topic that does
	// not exist yet is waited for.
	Topics []string
	// Properties are librdkafka's. bootstrap.servers and group.id are needed.
	// They win over the defaults of this package, but for those that its
	// promises rest on (see reserved).
	Properties map[string]string
	// PasswordFile holds the SASL password and wins over sasl.password. When it
	// changes, the running client logs in with the new one from then on.
	PasswordFile string
	// Stall is how long a partition may deliver nothing although it has messages
	// to deliver before it is begun anew; default 30 s.
	Stall time.Duration
	// Log takes what happens; nil discards it.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "kafka"
	}
	if o.Stall <= 0 {
		o.Stall = stallAfter
	}
	topics := make([]string, 0, len(o.Topics))
	for _, t := range o.Topics {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
	}
	o.Topics = topics
	o.Properties = maps.Clone(o.Properties)
	o.Log = orDiscard(o.Log)
	return o
}

func (o Options) validate() error {
	var faults []error
	if len(o.Topics) == 0 {
		faults = append(faults, errors.New("topics: there is none"))
	}
	for _, key := range []string{"bootstrap.servers", "group.id"} {
		if strings.TrimSpace(o.Properties[key]) == "" {
			faults = append(faults, fmt.Errorf("property %s is empty", key))
		}
	}
	return errors.Join(faults...)
}

// consumerDefaults are ours where librdkafka's do not suit a daemon that gets a
// few messages an hour and must not miss any.
var consumerDefaults = map[string]string{
	// A new group begins with the oldest message: skipping is losing.
	"auto.offset.reset": "earliest",
	// What the Python ingestor speaks, so that both can share a group while one
	// takes over from the other.
	"partition.assignment.strategy": "range,roundrobin",
	"allow.auto.create.topics":      "false",
	// A topic that appears later is noticed within this time; it is 5 min by default.
	"topic.metadata.refresh.interval.ms": "20000",
	// Memory: at most so much waits in librdkafka, whatever the backlog. One
	// larger message is still let through.
	"queued.max.messages.kbytes": "16384",
	"queued.min.messages":        "1000",
	"fetch.max.bytes":            "16777216",
	"fetch.message.max.bytes":    "1048576",
	// With so small a queue the default second between fetches would be felt.
	"fetch.queue.backoff.ms": "50",
	// The largest answer, and so the largest message, that is taken in.
	"receive.message.max.bytes": "134217728",
	"reconnect.backoff.max.ms":  "5000",
	"socket.keepalive.enable":   "true",
	// What brokers may ask clients to send about themselves is not their business here.
	"enable.metrics.push": "false",
	"client.id":           "ingestor",
}

// consumerReserved are the properties that the package's promises rest on.
var consumerReserved = map[string]string{
	"enable.auto.commit":       "true",
	"enable.auto.offset.store": "false",
	"auto.commit.interval.ms":  "250",
	"statistics.interval.ms":   statisticsEvery,
	"enable.partition.eof":     "false",
}

// producerDefaults: a message counts as sent when all replicas have it.
var producerDefaults = map[string]string{
	"acks":                       "all",
	"enable.idempotence":         "true",
	"message.max.bytes":          "134217728",
	"queue.buffering.max.kbytes": "262144",
	"delivery.timeout.ms":        "30000",
	"linger.ms":                  "2",
	"allow.auto.create.topics":   "false",
	"socket.keepalive.enable":    "true",
	"enable.metrics.push":        "false",
	"client.id":                  "ingestor",
}

// consumersOnly are properties that a producer has no use for; the library
// complains of each.
var consumersOnly = []string{
	"group.id", "group.instance.id", "group.protocol", "group.protocol.type", "group.remote.assignor",
	"partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms", "coordinator.query.interval.ms",
	"max.poll.interval.ms", "enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms",
	"enable.auto.offset.store", "auto.offset.reset", "queued.min.messages", "queued.max.messages.kbytes",
	"fetch.wait.max.ms", "fetch.queue.backoff.ms", "fetch.message.max.bytes", "max.partition.fetch.bytes",
	"fetch.max.bytes", "fetch.min.bytes", "fetch.error.backoff.ms", "isolation.level", "enable.partition.eof",
	"check.crcs", "consume.callback.max.messages", "offset.store.method",
}

// statisticsEvery is how often a client tells of itself, in ms.
const statisticsEvery = "5000"

// producerReserved has little of librdkafka's own: a producer promises only what
// its caller asked for.
var producerReserved = map[string]string{"statistics.interval.ms": statisticsEvery}

// properties merges the caller's properties over the defaults and the reserved
// ones over both. The second result lists what of the caller's was overruled.
func properties(defaults, reserved, caller map[string]string) (merged map[string]string, overruled []string) {
	merged = maps.Clone(defaults)
	for key, value := range caller {
		key = strings.TrimSpace(key)
		ours, taken := reserved[key]
		switch {
		case strings.HasPrefix(key, "go."):
			overruled = append(overruled, key)
		case taken:
			if value != ours {
				overruled = append(overruled, key)
			}
		default:
			merged[canonical(key, defaults)] = value
		}
	}
	maps.Copy(merged, reserved)
	slices.Sort(overruled)
	return merged, overruled
}

// aliases are second names of properties that have a default here: two names of
// one property in a map would leave the winner to chance.
var aliases = map[string]string{
	"metadata.broker.list":      "bootstrap.servers",
	"max.partition.fetch.bytes": "fetch.message.max.bytes",
	"message.timeout.ms":        "delivery.timeout.ms",
	"request.required.acks":     "acks",
	"queue.buffering.max.ms":    "linger.ms",
}

func canonical(key string, defaults map[string]string) string {
	if name, ok := aliases[key]; ok {
		if _, ours := defaults[name]; ours || name == "bootstrap.servers" {
			return name
		}
	}
	return key
}

// configMap is the form in which the library takes properties; logs go to the
// channel of its client instead of to stderr.
func configMap(p map[string]string) *ck.ConfigMap {
	m := ck.ConfigMap{"go.logs.channel.enable": true}
	for key, value := range p {
		m[key] = value
	}
	return &m
}
