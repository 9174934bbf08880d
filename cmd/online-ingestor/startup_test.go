package main_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ingestor/internal/telemetry/telemetrytest"
)

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) (address string, port int) {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String(), l.Addr().(*net.TCPAddr).Port
}

// waitForBroker: with --wait the daemon waits for its broker, however long.
func waitForBroker(t *testing.T, b *broker, _ scale) {
	if b.real == nil {
		address, port := freeAddress(t)
		s := newSite(t, b, 0)
		s.settings["kafka.bootstrap_servers"] = address
		d := s.start("--wait")
		d.awaitSays("Waiting for Kafka", address)
		s.broker = embeddedBroker(t, port)
		if err := s.broker.admin.CreateTopic(t.Context(), s.topic, 1); err != nil {
			t.Fatal(err)
		}
		s.worksOnceBrokerIsThere(d)
		return
	}
	s := newSite(t, b, 1)
	if err := b.real.Stop(); err != nil {
		t.Fatal(err)
	}
	d := s.start("--wait")
	d.awaitSays("Waiting for Kafka", b.address)
	if err := b.real.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.worksOnceBrokerIsThere(d)
}

func (s *site) worksOnceBrokerIsThere(d *daemon) {
	s.t.Helper()
	began := time.Now()
	r := s.measure()
	s.announce(r)
	await(s.t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.t.Logf("registered %s after the broker is there", time.Since(began).Truncate(time.Millisecond))
	s.finish(d)
}

// Who waits for a broker can be asked to stop.
func TestStoppedWhileItWaits(t *testing.T) {
	s := newSite(t, embeddedBroker(t, 0), 0)
	s.settings["kafka.bootstrap_servers"], _ = freeAddress(t)
	m := telemetrytest.NewManager(t)
	d := s.startWith([]string{m.Environment()}, "--wait")
	d.awaitSays("Waiting for Kafka")
	d.stop()
	if m.Times("READY=1") > 0 {
		t.Error(m)
	}
}

// fault is something that keeps the daemon from starting.
type fault struct {
	name string
	// args are those of the command; nil: -c and the site's settings.
	args func(s *site) []string
	exit int
	// line is what the one line on standard error must hold, as a regular expression.
	line string
}

func (s *site) raw(name, text string) []string { return []string{"-c", s.write(name, []byte(text))} }

// set is the command with one more setting.
func set(key string, value any) func(*site) []string {
	return func(s *site) []string {
		s.settings[key] = value
		return []string{"-c", s.config()}
	}
}

var startFaults = []fault{
	{"BrokerAway", func(s *site) []string {
		address, _ := freeAddress(s.t)
		s.settings["kafka.bootstrap_servers"] = address
		return []string{"-c", s.config()}
	}, 69, `no broker of 127\.0\.0\.1:\d+ answers: .*Connection refused`},
	{"BrokerNameUnknown", set("kafka.bootstrap_servers", "broker.invalid:9092"), 69, `no broker of broker\.invalid:9092 answers`},
	{"UnknownFlag", func(*site) []string { return []string{"--scicat.hots", "x"} }, 2, `unknown flag --scicat\.hots.*--scicat\.host`},
	{"FlagWithoutValue", func(*site) []string { return []string{"-c"} }, 2, `-c`},
	{"FlagOfWrongType", func(s *site) []string {
		return []string{"-c", s.config(), "--ingestion.max-offline-ingestors", "many"}
	}, 2, `--ingestion\.max-offline-ingestors.*"many"`},
	{"Argument", func(s *site) []string { return []string{"-c", s.config(), "run.hdf"} }, 2, `"run\.hdf" is not expected.*offline-ingestor`},
	{"NoConfiguration", func(*site) []string { return []string{} }, 2, `no configuration file.*-c FILE`},
	{"ConfigurationMissing", func(s *site) []string { return []string{"-c", filepath.Join(s.dir, "none.yml")} }, 78, `none\.yml.*no such file`},
	{"ConfigurationIsFolder", func(s *site) []string { return []string{"-c", s.dir} }, 78, `directory|folder|not a file`},
	{"ConfigurationNotYAML", func(s *site) []string { return s.raw("c.yml", "kafka:\n  topics: [a\nscicat: {") }, 78, `c\.yml:\d+.*`},
	{"TopicMissing", func(s *site) []string { return s.raw("c.yml", "scicat: {host: 'http://h/api/v3'}\n") }, 78, `c\.yml: kafka\.topics: `},
	{"WrongType", set("ingestion.max_offline_ingestors", "many"), 78, `ingestor\.json:\d+: ingestion\.max_offline_ingestors: "many"`},
	{"UnknownSource", set("sources.directories", []any{map[string]any{"path": "raw"}}), 78, `ingestor\.json:\d+: sources\.directories.*path: `},
	{"OfflineIngestorMissing", set("ingestion.offline_ingestor_executable", "/nowhere/offline-ingestor"), 78, `ingestion\.offline_ingestor_executable: .*/nowhere/offline-ingestor`},
	{"OfflineIngestorNotExecutable", func(s *site) []string {
		s.settings["ingestion.offline_ingestor_executable"] = s.write("program", nil)
		return []string{"-c", s.config()}
	}, 78, `ingestion\.offline_ingestor_executable: .*permission denied`},
	{"WrongKafkaProperty", set("kafka.librdkafka", map[string]any{"sesion.timeout.ms": 6000}), 78, `sesion\.timeout\.ms`},
	{"WrongKafkaValue", set("kafka.librdkafka", map[string]any{"session.timeout.ms": "soon"}), 78, `session\.timeout\.ms`},
	{"CAMissing", set("scicat.ca_file", "/nowhere/ca.pem"), 78, `/nowhere/ca\.pem`},
	{"TokenFileMissing", set("scicat.token_file", "/nowhere/token"), 78, `scicat\.token_file: "/nowhere/token" cannot be read`},
}

// Whatever keeps the daemon from starting is one clear line and its status.
func TestStartFault(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, f := range startFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.check(t, newSite(t, b, 0))
		})
	}
	t.Run("HealthPortTaken", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening does not wait
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		port := taken.Addr().(*net.TCPAddr).Port
		s := newSite(t, b, 1)
		fault{args: set("health_check.port", port), exit: 69, line: fmt.Sprintf(`:%d: .*address already in use.*health_check\.port`, port)}.check(t, s)
	})
	t.Run("ConfigurationUnreadable", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() == 0 {
			t.Skip("root may read everything")
		}
		s := newSite(t, b, 0)
		path := s.config()
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		fault{args: func(*site) []string { return []string{"-c", path} }, exit: 78, line: `permission denied`}.check(t, s)
	})
}

// said drops from the log what no fault is: the first line, and the pointer to
// the help.
func said(d *daemon) (lines []string) {
	for _, l := range d.text() {
		if !strings.Contains(l, "Starting the online ingestor") && l != "online-ingestor --help lists the flags" {
			lines = append(lines, l)
		}
	}
	return lines
}

func (f fault) check(t *testing.T, s *site) {
	t.Helper()
	d := startDaemon(t, s.dir, nil, f.args(s)...)
	code := d.exit()
	lines := said(d)
	if code != f.exit {
		t.Errorf("status %d, not %d", code, f.exit)
	}
	if len(lines) != 1 || !regexp.MustCompile(f.line).MatchString(lines[0]) {
		t.Errorf("it says, not one line with %s:\n%s", f.line, strings.Join(lines, "\n"))
	} else {
		t.Log(lines[0])
	}
	if d.says("goroutine ") || d.says("panic") || d.says(token) {
		t.Errorf("a stack trace or a secret:\n%s", strings.Join(d.text(), "\n"))
	}
}
