package kafka_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/realkafka"
)

// realVariable lets the tests that need a real Kafka run (make interop).
const realVariable = "INGESTOR_REAL_KAFKA"

func realBroker(t *testing.T, o realkafka.Options) (*realkafka.Broker, *cluster) {
	t.Helper()
	if os.Getenv(realVariable) == "" {
		t.Skipf("needs java, mvn and, the first time, a network: set %s=1", realVariable)
	}
	began := time.Now()
	b, err := realkafka.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Apache Kafka answers after %s", time.Since(began).Truncate(10*time.Millisecond))
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, newCluster(t, b.Address())
}

func TestSource_OnApacheKafka(t *testing.T) {
	_, c := realBroker(t, realkafka.Options{})
	sourceSuite(t, c)
}

// A broker that stops and starts again costs nothing but time.
func TestSource_OutlivesTheBroker(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{})
	topic, group := c.topic(t, 2), name(t, "group")
	r := c.consume(t, group, false, quick, topic)
	c.fill(t, topic, 2, 0, 4)
	r.awaitCount(t, 4)
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	// What finishes while nobody can be told is committed later.
	for i := range 4 {
		r.ack(i, nil)
	}
	await(t, "the loss of readiness", func() bool { return r.Ready() != nil })
	t.Logf("not ready: %v", r.Ready())
	began := time.Now()
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("started again in %s", time.Since(began).Truncate(10*time.Millisecond))
	c.fill(t, topic, 2, 4, 2)
	r.awaitReady(t)
	await(t, "the new messages", func() bool {
		all := values(r.messages())
		return all[len(all)-1] == "5"
	})
	// What was not committed is delivered again, to be finished again.
	want := map[int32]int64{0: 3, 1: 3}
	await(t, "all committed", func() bool {
		for i := range r.count() {
			r.ack(i, nil)
		}
		return maps.Equal(c.committed(t, group), want)
	})
}

// Ending while the broker is away takes bounded time, and loses nothing.
func TestSource_EndsWithoutTheBroker(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{})
	topic, group := c.topic(t, 1), name(t, "group")
	r := c.consume(t, group, false, nil, topic)
	c.fill(t, topic, 1, 0, 2)
	r.awaitCount(t, 2)
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	r.ack(0, nil)
	began := time.Now()
	r.close(t)
	t.Logf("ended after %s", time.Since(began).Truncate(10*time.Millisecond))
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := c.consume(t, name(t, "other"), true, quick, topic)
	again.awaitCount(t, 2)
}

func TestSource_OverTLSWithPasswords(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{Secure: true})
	topic := c.topic(t, 1)
	c.fill(t, topic, 1, 0, 1)
	for _, mechanism := range []string{"SCRAM-SHA-256", "PLAIN"} {
		t.Run(mechanism, func(t *testing.T) {
			props := b.SecureProperties(mechanism)
			r := c.consume(t, name(t, mechanism), true, props, topic)
			if err := r.Probe(t.Context()); err != nil {
				t.Error(err)
			}
			r.awaitCount(t, 1)
			p, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			if _, err := p.Produce(t.Context(), topic, nil, []byte("more"), nil); err != nil {
				t.Error(err)
			}
			r.awaitCount(t, 2)
		})
	}
	wrong := filepath.Join(t.TempDir(), "ca.pem")
	if _, err := realkafka.WriteCA(wrong); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]map[string]string{
		"SASL":                              {"sasl.password": "wrong-horse"},
		"certificate could not be verified": {"ssl.ca.location": wrong},
		"security.protocol":                 {"security.protocol": "sasl_plaintext"},
	} {
		t.Run(what, func(t *testing.T) {
			props := b.SecureProperties("SCRAM-SHA-256")
			maps.Copy(props, change)
			s := c.newSource(t, name(t, "group"), props, topic)
			began := time.Now()
			err := s.Probe(t.Context())
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), what) {
				t.Fatalf("%v does not say %q", err, what)
			}
			if strings.Contains(err.Error(), "horse") {
				t.Errorf("%q tells the password", err)
			}
			t.Logf("after %s: %v", time.Since(began).Truncate(time.Millisecond), err)
		})
	}
}
