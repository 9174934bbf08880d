package kafka_test

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
)

// refusedForLong runs a source and a sender of dead letters whose logins are refused,
// for long enough that the library tries many times, and wants one clear line of
// each, and the reason in what is told of readiness.
func refusedForLong(t *testing.T, props map[string]string, topic, want string) {
	t.Helper()
	const during = 12 * time.Second
	all := map[string]string{"group.id": "g", "reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100"}
	maps.Copy(all, props)
	log, hook := test.NewNullLogger()
	s, err := kafka.New(kafka.Options{Topics: []string{topic}, Properties: all, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	d, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: all, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- d.Send(ctx, letter(1)) }()
	ready := make(chan error, 1)
	go func() {
		time.Sleep(during * 3 / 4)
		ready <- s.Ready()
	}()
	if err := s.Run(ctx, func(intake.Message, intake.Ack) { t.Error("a delivery") }); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{"the letter": <-sent, "readiness": <-ready} {
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v of kind %s", what, err, fault.KindOf(err))
		}
	}
	for _, who := range []string{"kafka: ", "dead letters: "} {
		var lines []string
		for _, e := range hook.AllEntries() {
			if e.Level <= logrus.WarnLevel && strings.HasPrefix(e.Message, who) {
				lines = append(lines, e.Message)
			}
		}
		if len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("lines of %q: %s", who, strings.Join(lines, "\n"))
		}
	}
	_, loud := told(hook, logrus.WarnLevel, "")
	for i, line := range loud {
		if strings.Contains(line, "\n") || strings.Contains(line, "horse") || slices.Contains(loud[:i], line) {
			t.Errorf("line %q", line)
		}
	}
	t.Logf("%d lines:\n%s", len(loud), strings.Join(loud, "\n"))
}

func TestRefusedPassword_IsOneLineOnTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	b, err := embedded.Start(embedded.Options{Topics: []string{"t"}, Users: map[string]string{"me": "me-horse"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	refusedForLong(t, login(b.Address(), "me", "wrong-horse"), "t", "SASL")
}

func TestRefusedLogins_AreOneLineOnTheRealBroker(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{Secure: true})
	topic := c.topic(t, 1)
	wrong := filepath.Join(t.TempDir(), "ca.pem")
	if _, err := realkafka.WriteCA(wrong); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]map[string]string{
		"SASL":                              {"sasl.password": "wrong-horse"},
		"certificate could not be verified": {"ssl.ca.location": wrong},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			props := b.SecureProperties("SCRAM-SHA-256")
			maps.Copy(props, change)
			refusedForLong(t, props, topic, what)
		})
	}
}
