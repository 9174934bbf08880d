package kafka_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
)

func source(t *testing.T, props map[string]string) (*kafka.Source, *test.Hook) {
	t.Helper()
	log, hook := test.NewNullLogger()
	all := map[string]string{"group.id": "g"}
	for k, v := range props {
		all[k] = v
	}
	s, err := kafka.New(kafka.Options{Topics: []string{"absent"}, Properties: all, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return s, hook
}

// listen takes connections and does with them what is told.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

func TestProbe_SaysWhatIsWrongInOneLine(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	web := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		_ = c.Close()
	})
	for name, c := range map[string]struct {
		props map[string]string
		want  []string
	}{
		"nobody listens":       {map[string]string{"bootstrap.servers": closed}, []string{closed, "Connection refused"}},
		"two hosts, both away": {map[string]string{"bootstrap.servers": closed + ",127.0.0.1:1"}, []string{closed, "127.0.0.1:1"}},
		"nobody answers":       {map[string]string{"bootstrap.servers": silent}, []string{silent, "no answer in time"}},
		"not a Kafka broker":   {map[string]string{"bootstrap.servers": web}, []string{web}},
		"no such host":         {map[string]string{"bootstrap.servers": "nowhere.invalid:9092"}, []string{"nowhere.invalid", "resolve"}},
		"plain text for TLS":   {map[string]string{"bootstrap.servers": web, "security.protocol": "ssl"}, []string{web, "SSL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := source(t, c.props)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := s.Probe(ctx)
			if fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("error %v of kind %s", err, fault.KindOf(err))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
			t.Log(err)
		})
	}
}

func TestProbe_WarnsOfAnUnknownTopic(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, hook := source(t, map[string]string{"bootstrap.servers": b.Address()})
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := hook.LastEntry(); e == nil || !strings.Contains(e.Message, "topic absent does not exist") {
		t.Errorf("last log entry %v", e)
	}
}

func TestNew_RefusesWhatCanNotWork(t *testing.T) {
	good := map[string]string{"bootstrap.servers": "127.0.0.1:1", "group.id": "g"}
	with := func(key, value string) map[string]string {
		m := map[string]string{key: value}
		for k, v := range good {
			if k != key {
				m[k] = v
			}
		}
		return m
	}
	for name, c := range map[string]struct {
		o    kafka.Options
		want []string
	}{
		"nothing at all":      {kafka.Options{}, []string{"topics", "bootstrap.servers", "group.id"}},
		"blank topics":        {kafka.Options{Topics: []string{" "}, Properties: good}, []string{"topics"}},
		"an unknown property": {kafka.Options{Topics: []string{"t"}, Properties: with("sesion.timeout.ms", "1")}, []string{"sesion.timeout.ms"}},
		"a wrong value":       {kafka.Options{Topics: []string{"t"}, Properties: with("session.timeout.ms", "soon")}, []string{"session.timeout.ms"}},
		"an absent CA file":   {kafka.Options{Topics: []string{"t"}, Properties: with2(with("security.protocol", "ssl"), "ssl.ca.location", "/nonexistent/ca.pem")}, []string{"ssl.ca.location"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kafka.New(c.o)
			if fault.KindOf(err) != fault.BadConfiguration {
				t.Fatalf("error %v of kind %s", err, fault.KindOf(err))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
		})
	}
}

func with2(m map[string]string, key, value string) map[string]string {
	m[key] = value
	return m
}

func TestNew_OverrulesWhatItsPromisesRestOn(t *testing.T) {
	s, hook := source(t, map[string]string{
		"bootstrap.servers": "127.0.0.1:1", "enable.auto.offset.store": "true", "go.events.channel.enable": "true",
		"enable.auto.commit": "true", "session.timeout.ms": "10000",
	})
	if s.Name() != "kafka" {
		t.Errorf("name %q", s.Name())
	}
	var told []string
	for _, e := range hook.AllEntries() {
		told = append(told, e.Message)
	}
	if len(told) != 2 || !strings.Contains(told[0], "enable.auto.offset.store") || !strings.Contains(told[1], "go.events.channel.enable") {
		t.Errorf("warnings: %q", told)
	}
	if err := s.Ready(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("ready before it runs: %v", err)
	}
	if p := s.Positions(); len(p) != 0 {
		t.Errorf("positions before it runs: %v", p)
	}
}
