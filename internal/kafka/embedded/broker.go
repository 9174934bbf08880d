// Package embedded is the Kafka-protocol broker of the demo and the tests: one
// process, in memory, on the loopback interface, ready in milliseconds.
//
// It speaks the real protocol (franz-go's kfake), so the same client code runs
// against it and against Apache Kafka, and both pass the same contract suite.
//
// What it is not: it keeps nothing over a restart, has one node, no TLS and
// no limits, and never deletes a message. It is not for
// production, and what must hold when a broker stops and starts again is tried
// on the real one (internal/kafka/realkafka).
package embedded

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxMessageBytes is the largest message that the broker takes. It is well
// above Kafka's default of 1 MB so that large messages can be tried.
const maxMessageBytes = 32 << 20

// Options says how to start a Broker. The zero value is a broker without
// topics on a free port.
type Options struct {
	// Topics are created at the start.
	Topics []string
	// Partitions is the number of partitions of each topic; default 1.
	Partitions int
	// Users makes every client log in (SASL, SCRAM-SHA-256) as one of these, name
	// to password. All may do everything, other passwords included.
	Users map[string]string
	// AutoCreate makes a topic when a client that allows it asks for it.
	AutoCreate bool
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
}

func (o Options) withDefaults() Options {
	if o.Partitions == 0 {
		o.Partitions = 1
	}
	return o
}

func (o Options) validate() error {
	var faults []error
	if o.Partitions < 0 {
		faults = append(faults, fmt.Errorf("partitions: %d is negative", o.Partitions))
	}
	if o.Port < 0 || o.Port > 65535 {
		faults = append(faults, fmt.Errorf("port: %d is not between 0 and 65535", o.Port))
	}
	for i, t := range o.Topics {
		if t == "" {
			faults = append(faults, fmt.Errorf("topics: number %d is empty", i+1))
		}
	}
	return errors.Join(faults...)
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	address string
}

// Start starts a broker. It listens when Start returns.
func Start(o Options) (*Broker, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(o.Port),
		kfake.ListenFn(loopback),
		kfake.DefaultNumPartitions(o.Partitions),
		// Tests shorten the session; a real broker refuses below 6 s unless told otherwise.
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(maxMessageBytes)}),
	}
	for user, password := range o.Users {
		opts = append(opts, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", user, password))
	}
	if o.AutoCreate {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	if len(o.Topics) > 0 {
		opts = append(opts, kfake.SeedTopics(int32(o.Partitions), o.Topics...))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	addresses := cluster.ListenAddrs()
	if len(addresses) != 1 {
		cluster.Close()
		return nil, fmt.Errorf("embedded broker: listens on %d addresses, not on one", len(addresses))
	}
	return &Broker{cluster: cluster, address: addresses[0]}, nil
}

// loopback keeps the broker off every other interface, whatever address the
// library asks for.
func loopback(network, address string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	return net.Listen(network, net.JoinHostPort("127.0.0.1", port)) //nolint:noctx // listening does not wait
}

// Address is host:port, as bootstrap.servers takes it.
func (b *Broker) Address() string { return b.address }

// CreateTopic adds a topic to the running broker.
func (b *Broker) CreateTopic(topic string, partitions int) error {
	if err := b.cluster.CreateTopic(topic, int32(partitions), nil); err != nil {
		return fmt.Errorf("embedded broker: create topic %s: %w", topic, err)
	}
	return nil
}

// Close stops the broker and forgets all it holds. It may be called twice.
func (b *Broker) Close() { b.cluster.Close() }

// ShutDown ends the broker like a single node of Apache Kafka that is told to: its
// last answers about the cluster name no broker. It forgets all it holds.
func (b *Broker) ShutDown() {
	b.cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		request, asked := r.(*kmsg.MetadataRequest)
		answer, fits := r.ResponseKind().(*kmsg.MetadataResponse)
		if !asked || !fits {
			return nil, nil, false
		}
		for _, of := range request.Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.TopicID, topic.ErrorCode = of.Topic, of.TopicID, leaderNotAvailable
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
	<-time.After(lastAnswers)
	b.Close()
}

const (
	leaderNotAvailable = 5 // Kafka's number of that error
	// lastAnswers is how long it goes on answering.
	lastAnswers = 20 * time.Millisecond
)
