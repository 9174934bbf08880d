package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
	"ingestor/internal/nexus/nexustest"
	"ingestor/internal/offsets"
	"ingestor/schemas/filewriter"
)

// broker is a Kafka under test, and an outside view of it.
type broker struct {
	address  string
	admin    *kafka.Admin
	producer *kafka.Producer
	// real is nil for the embedded one.
	real *realkafka.Broker
	// session is the shortest session that it lets a consumer have, in ms.
	session int
}

func newBroker(t *testing.T, address string, session int) *broker {
	t.Helper()
	props := map[string]string{"bootstrap.servers": address, "reconnect.backoff.max.ms": "200"}
	admin, err := kafka.NewAdmin(props)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	producer, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return &broker{address: address, admin: admin, producer: producer, session: session}
}

func embeddedBroker(t *testing.T, port int) *broker {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newBroker(t, b.Address(), 4000)
}

// needsReal skips a test that runs on a real broker where none is wanted.
func needsReal(t *testing.T) {
	t.Helper()
	if os.Getenv(realVariable) == "" {
		t.Skipf("runs on a real broker (java, mvn and, the first time, a network): set %s=1, or use make interop", realVariable)
	}
}

// startReal starts a broker of its own, for one that others stop is of no use to
// them.
func startReal(t *testing.T) *broker {
	t.Helper()
	began := time.Now()
	node, err := realkafka.Start(t.Context(), realkafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("Apache Kafka answers after %s", time.Since(began).Truncate(10*time.Millisecond))
	b := newBroker(t, node.Address(), 6000)
	b.real = node
	return b
}

// site is what a daemon has around it: broker, catalogue, storage and a
// configuration.
type site struct {
	t            *testing.T
	dir          string
	broker       *broker
	catalogue    *catalogue
	topic, group string
	settings     map[string]any // by dotted path
	runs         int
}

// run is a measurement: its file, the job that wrote it, the pid that it gets.
type run struct{ path, job, pid string }

func newSite(t *testing.T, b *broker, partitions int) *site {
	t.Helper()
	name := strings.NewReplacer("/", ".", " ", "_", ",", "").Replace(t.Name())
	s := &site{
		t: t, dir: t.TempDir(), broker: b, catalogue: newCatalogue(t),
		topic: name + ".filewriter", group: name + ".group",
	}
	if partitions > 0 {
		if err := b.admin.CreateTopic(t.Context(), s.topic, partitions); err != nil {
			t.Fatal(err)
		}
	}
	schemas, err := filepath.Abs("testdata/schemas")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "odin", "raw"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.settings = map[string]any{
		// The account may read what it has made: without that right, and without
		// a ledger, a registration that a crash cut in two stays as it is (D12).
		"dataset.default_owner_group":                        "ingestor",
		"ingestion.offline_ingestor_executable":              []string{offlineProgram},
		"ingestion.max_offline_ingestors":                    4,
		"ingestion.schemas_directory":                        schemas,
		"ingestion.max_attempts":                             2,
		"ingestion.retry_delay":                              "100ms",
		"ingestion.retry_max_delay":                          "300ms",
		"ingestion.kill_delay":                               "1s",
		"ingestion.file_handling.data_directory":             filepath.Join(s.dir, "odin"),
		"ingestion.file_handling.data_file_open_max_tries":   0,
		"ingestion.file_handling.data_file_open_retry_delay": []string{},
		"kafka.topics":                                       []string{s.topic},
		"kafka.group_id":                                     s.group,
		"kafka.bootstrap_servers":                            b.address,
		"kafka.librdkafka": map[string]any{
			"session.timeout.ms": b.session, "heartbeat.interval.ms": 300,
			"topic.metadata.refresh.interval.ms": 1000, "reconnect.backoff.max.ms": 200,
		},
		"logging.logging_level":        "DEBUG",
		"scicat.host":                  s.catalogue.base(),
		"scicat.token":                 token,
		"scicat.verify":                true,
		"scicat.timeout":               "30s",
		"scicat.max_retries":           1,
		"scicat.retry_delay":           "50ms",
		"scicat.retry_max_delay":       "100ms",
		"health_check.host":            "127.0.0.1",
		"health_check.port":            0,
		"health_check.metrics_address": "",
	}
	return s
}

// config writes the settings as a configuration file, in the JSON form.
func (s *site) config() string {
	s.t.Helper()
	tree := map[string]any{}
	for path, value := range s.settings {
		at := tree
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			if at[p] == nil {
				at[p] = map[string]any{}
			}
			at = at[p].(map[string]any)
		}
		at[parts[len(parts)-1]] = value
	}
	text, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	return s.write("ingestor.json", text)
}

// write puts a file into the site's folder.
func (s *site) write(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// start starts a daemon with the settings, and flags if any.
func (s *site) start(flags ...string) *daemon {
	s.t.Helper()
	return s.startWith(nil, flags...)
}

func (s *site) startWith(env []string, flags ...string) *daemon {
	s.t.Helper()
	return startDaemon(s.t, s.dir, env, append([]string{"-c", s.config()}, flags...)...)
}

// measure writes the file of a measurement, as a file writer does.
func (s *site) measure() run {
	s.t.Helper()
	s.runs++
	r := run{job: fmt.Sprintf("7d4b2c1e-5a0f-4f7b-9a54-%012d", s.runs)}
	r.path = filepath.Join(s.dir, "odin", "raw", fmt.Sprintf("run_%04d.hdf", s.runs))
	r.pid = "20.500.12269/" + r.job
	if err := nexustest.Write(r.path, nexustest.Run(nexustest.RunInfo{
		JobID: r.job, RunNumber: s.runs, Title: fmt.Sprintf("Run %d", s.runs), Detector: [3]int{1, 8, 8},
	})); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) measureAll(n int) []run {
	s.t.Helper()
	runs := make([]run, n)
	for i := range runs {
		runs[i] = s.measure()
	}
	return runs
}

// written is the message that a file is complete.
func (r run) written() []byte {
	return filewriter.WritingDone{ServiceID: "filewriter-1", JobID: r.job, FileName: r.path, Metadata: `{"run": 1}`}.Encode()
}

// send sends values in this order, to the partitions in turn.
func (s *site) send(partitions int, values ...[]byte) {
	s.t.Helper()
	records := make([]kafka.Record, len(values))
	for i, v := range values {
		records[i] = kafka.Record{Topic: s.topic, Value: v, Pinned: true, Partition: int32(i % partitions)}
	}
	if _, err := s.broker.producer.ProduceAll(s.t.Context(), records); err != nil {
		s.t.Fatal(err)
	}
}

// announce sends "written" for each run, all to partition 0.
func (s *site) announce(runs ...run) {
	s.t.Helper()
	values := make([][]byte, len(runs))
	for i, r := range runs {
		values[i] = r.written()
	}
	s.send(1, values...)
}

// committed is what the broker says that the group has committed.
func (s *site) committed() map[offsets.Key]int64 {
	s.t.Helper()
	all, err := s.broker.admin.Committed(s.t.Context(), s.group)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// allCommitted says whether every partition is committed to its end.
func (s *site) allCommitted() (ok bool, committed, ends map[offsets.Key]int64) {
	s.t.Helper()
	ends, err := s.broker.admin.Ends(s.t.Context(), s.topic)
	if err != nil {
		s.t.Fatal(err)
	}
	maps.DeleteFunc(ends, func(_ offsets.Key, end int64) bool { return end == 0 })
	committed = s.committed()
	return maps.Equal(committed, ends), committed, ends
}

// finish waits until every message is committed, and stops the daemon. Work
// that is done is not yet committed, and on a machine that stands still for
// seconds a message may come a second time: what a stop then leaves is right,
// but not what most tests ask for.
func (s *site) finish(d *daemon) {
	s.t.Helper()
	await(s.t, "commit of every message", func() bool {
		ok, _, _ := s.allCommitted()
		return ok || d.ended()
	}, d)
	d.stop()
	if ok, committed, ends := s.allCommitted(); !ok {
		s.t.Errorf("committed are %v, the ends are %v", committed, ends)
	}
}
