package kafka_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
)

// sendAll sends letters of different messages, each from a goroutine of its own.
// A Send that takes longer than a while is called again, as the daemon does.
func sendAll(t *testing.T, d *kafka.DeadLetters, from, n int64, while time.Duration) {
	t.Helper()
	var work sync.WaitGroup
	for offset := from; offset < from+n; offset++ {
		work.Go(func() {
			for end := time.Now().Add(2 * patience); ; {
				ctx, cancel := context.WithTimeout(t.Context(), while)
				err := d.Send(ctx, letter(offset))
				cancel()
				if err == nil {
					return
				}
				if fault.KindOf(err) != fault.Unavailable || time.Now().After(end) {
					t.Errorf("letter %d: %v of kind %s", offset, err, fault.KindOf(err))
					return
				}
			}
		})
	}
	work.Wait()
}

// onceEach reads the letters and wants each of the offsets below n once.
func (c *cluster) onceEach(t *testing.T, topic string, n int) {
	t.Helper()
	all, err := c.admin.Ends(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, end := range all {
		written += int(end)
	}
	seen := map[string]int{}
	for _, m := range c.letters(t, topic, written) {
		seen[headers(m)["ingestor-source"]]++
	}
	for source, times := range seen {
		if times != 1 {
			t.Errorf("%d letters for %s", times, source)
		}
	}
	if len(seen) != n {
		t.Errorf("letters for %d messages, not %d", len(seen), n)
	}
}

// Whatever becomes of the broker while letters are sent, each arrives once.
func TestDeadLetters_ArriveOnceWhateverBecomesOfTheRealBroker(t *testing.T) {
	const n = 40
	b, c := realBroker(t, realkafka.Options{})
	topic := c.topic(t, 2)
	d, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: map[string]string{
		"bootstrap.servers": b.Address(), "reconnect.backoff.max.ms": "200",
		// So that what is not answered is asked again while the broker is frozen.
		"socket.timeout.ms": "1000", "request.timeout.ms": "900",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sent := 0
	for _, what := range []struct {
		name string
		do   func()
	}{
		{"nothing", func() {}},
		{"frozen", func() {
			must(b.Freeze(true))
			time.Sleep(5 * time.Second)
			must(b.Freeze(false))
		}},
		{"stopped and started", func() { must(b.Stop()); must(b.Start(t.Context())) }},
		{"killed and started", func() { must(b.Kill()); must(b.Start(t.Context())) }},
	} {
		done := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(done)
			// Half of them in a burst as it happens, the rest while it lasts.
			sendAll(t, d, int64(sent), n/2, 700*time.Millisecond)
			sendAll(t, d, int64(sent+n/2), n/2, 700*time.Millisecond)
		}()
		what.do()
		<-done
		sent += n
		t.Logf("%s: %d letters in %s", what.name, n, time.Since(began).Truncate(time.Millisecond))
		c.onceEach(t, topic, sent)
	}
}

// Where brokers make topics they make this one; where not, the error says what
// to do, and the letter arrives once it is done.
func toNewTopic(t *testing.T, c *cluster, makes bool) {
	topic := name(t, "dead")
	d := newDeadLetters(t, c.address, topic)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := d.Send(ctx, letter(1))
	if !makes {
		if fault.KindOf(err) != fault.BadInput || !strings.Contains(err.Error(), "topic "+topic+" does not exist at "+c.address) {
			t.Errorf("%v of kind %s", err, fault.KindOf(err))
		}
		if err := c.admin.CreateTopic(t.Context(), topic, 1); err != nil {
			t.Fatal(err)
		}
	}
	// A broker takes a moment to make a topic, longer than these tests let it be unknown.
	if err != nil {
		await(t, "the letter", func() bool { err = d.Send(ctx, letter(1)); return err == nil }, func() string { return err.Error() })
	}
	c.onceEach(t, topic, 1)
}

func TestDeadLetters_OfATopicThatDoesNotExistOnTheEmbeddedBroker(t *testing.T) {
	for what, makes := range map[string]bool{"made by the broker": true, "made by nobody": false} {
		t.Run(what, func(t *testing.T) {
			b, err := embedded.Start(embedded.Options{AutoCreate: makes})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			toNewTopic(t, newCluster(t, b.Address()), makes)
		})
	}
}

func TestDeadLetters_OfATopicThatDoesNotExistOnTheRealBroker(t *testing.T) {
	for what, makes := range map[string]string{"made by the broker": "true", "made by nobody": "false"} {
		t.Run(what, func(t *testing.T) {
			_, c := realBroker(t, realkafka.Options{Properties: map[string]string{"auto.create.topics.enable": makes}})
			toNewTopic(t, c, makes == "true")
		})
	}
}

// Two clusters at once: each source says whose its messages are, and the end of
// one cluster is nothing to the other.
func TestSources_OfTwoClustersAtOnce(t *testing.T) {
	t.Parallel()
	var clusters [2]*cluster
	var brokers [2]*embedded.Broker
	for i := range clusters {
		b, err := embedded.Start(embedded.Options{Topics: []string{"same"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		brokers[i], clusters[i] = b, newCluster(t, b.Address())
	}
	var got [2]*consumer
	for i, name := range []string{"", "second"} {
		got[i] = run(t, clusters[i].newSourceWith(t, "group", kafka.Options{
			Name: name, Topics: []string{"same"}, Properties: maps.Clone(quick),
		}), true)
		clusters[i].fill(t, "same", 1, 10*i, 5)
	}
	for i, want := range []string{"kafka", "second"} {
		got[i].awaitCount(t, 5)
		for _, m := range got[i].messages() {
			if m.Source != want || m.Position()[:5] != "same/" {
				t.Errorf("source %q, %s at %q", m.Source, m.Position(), want)
			}
		}
		clusters[i].awaitCommitted(t, "group", map[int32]int64{0: 5})
	}
	brokers[0].Close()
	clusters[1].fill(t, "same", 1, 20, 5)
	got[1].awaitCount(t, 10)
	if err := got[1].Ready(); err != nil {
		t.Error(err)
	}
	await(t, "that the first misses its brokers", func() bool { return got[0].Ready() != nil })
}
