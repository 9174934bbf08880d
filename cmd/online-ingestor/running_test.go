package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What an operator does with a running daemon.
func TestOperator(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, s := range []struct {
		name string
		run  func(*testing.T, *broker)
	}{
		{"HoldsAndResumes", holdsAndResumes},
		{"ReloadsOnHangup", reloadsOnHangup},
		{"CountsEveryMessage", countsEveryMessage},
		{"SharesALogFile", sharesALogFile},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, b)
		})
	}
}

// watched is a site whose daemons serve metrics on a port of their own.
func watched(t *testing.T, b *broker) *site {
	t.Helper()
	s := newSite(t, b, 1)
	s.settings["health_check.metrics_address"] = "127.0.0.1:0"
	s.settings["ingestion.state_directory"] = filepath.Join(s.dir, "state")
	return s
}

var metricsAddress = regexp.MustCompile(`Metrics and health are served.* address=([0-9.:]+)`)

// asks is the answer of the daemon's metrics server.
func (d *daemon) asks(path string) (status int, body string) {
	d.t.Helper()
	d.awaitSays("Metrics and health are served")
	line, _ := d.lineWith("Metrics and health are served")
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+metricsAddress.FindStringSubmatch(line)[1]+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// metric is a sample of the daemon; 0 when there is none.
func (d *daemon) metric(name string) float64 {
	d.t.Helper()
	_, text := d.asks("/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				d.t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// command runs a command of the daemon's program.
func (s *site) command(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), onlineProgram, append(args, "-c", filepath.Join(s.dir, "ingestor.json"))...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// An operator's hold takes effect within a moment, tells who and why, outlives a
// kill -9, and loses nothing.
func holdsAndResumes(t *testing.T, b *broker) {
	s := watched(t, b)
	d := s.start()
	d.awaitReady()
	if out := s.command("hold", "tape", "robot"); !strings.Contains(out, "The intake is held") {
		t.Error(out)
	}
	d.awaitSays("Intake held by an operator", "tape robot")
	s.announce(s.measure())
	d.signal(syscall.SIGKILL)
	d.exit()

	d = s.start()
	d.awaitSays("Intake held by an operator", "tape robot")
	d.awaitReady()
	await(t, "a status that says so", func() bool {
		status, _ := d.asks("/ready")
		return status == 503 && d.metric(`ingestor_hold{hold="operator"}`) == 1
	}, d)
	_, body := d.asks("/ready")
	var ready struct {
		Ready bool
		Holds []struct {
			Hold  string
			Since time.Time
		}
	}
	if err := json.Unmarshal([]byte(body), &ready); err != nil || ready.Ready || len(ready.Holds) != 1 || ready.Holds[0].Hold != "operator" || ready.Holds[0].Since.IsZero() {
		t.Errorf("%v %s", err, body)
	}
	if n := len(s.catalogue.Datasets()); n > 0 {
		t.Errorf("%d datasets under a hold", n)
	}
	if out := s.command("resume"); !strings.Contains(out, "tape robot") {
		t.Error(out)
	}
	d.awaitSays("Hold released", "hold=operator")
	s.finish(d)
	if n := len(s.catalogue.Datasets()); n != 1 {
		t.Errorf("%d datasets, want 1", n)
	}
}

// SIGHUP changes the level at once and has the schemas checked; a broken file
// changes nothing; neither ends the daemon.
func reloadsOnHangup(t *testing.T, b *broker) {
	s := watched(t, b)
	s.settings["logging.logging_level"] = "INFO"
	d := s.start()
	d.awaitReady()
	whole := s.config()
	before, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	s.write("ingestor.json", []byte("{"))
	d.signal(syscall.SIGHUP)
	d.awaitSays("Configuration not reloaded")
	s.write("ingestor.json", before)

	s.settings["logging.logging_level"] = "DEBUG"
	s.settings["ingestion.max_attempts"] = 7
	s.config()
	d.signal(syscall.SIGHUP)
	d.awaitSays("Configuration reloaded", "level=DEBUG")
	d.awaitSays("These changes need a restart of the daemon", "keys=ingestion.max_attempts")
	d.awaitSays("Schemas checked")
	s.announce(s.measure())
	d.awaitSays(" - DEBUG - ")
	s.finish(d)
}

// Whatever comes, the counters add up to the deliveries.
func countsEveryMessage(t *testing.T, b *broker) {
	s := watched(t, b)
	d := s.start()
	runs := s.measureAll(3)
	lost := run{path: filepath.Join(s.dir, "odin", "raw", "never.hdf"), job: "7d4b2c1e-5a0f-4f7b-9a54-aaaaaaaaaaaa"}
	s.send(1, runs[0].written(), []byte("garbage"), runs[1].written(), lost.written(), nil, runs[2].written())
	await(t, "all are counted", func() bool {
		return d.metric("ingestor_messages_delivered_total") == 6 && d.metric(`ingestor_messages_total{outcome="registered"}`) == 3 &&
			d.metric(`ingestor_messages_total{outcome="dead_lettered"}`) == 1
	}, d)
	_, text := d.asks("/metrics")
	ended := 0.0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "ingestor_messages_total{") {
			n, err := strconv.ParseFloat(strings.TrimSpace(line[strings.Index(line, "}")+1:]), 64)
			if err != nil {
				t.Fatal(err)
			}
			ended += n
		}
	}
	if ended != 6 {
		t.Errorf("outcomes add up to %v, want 6\n%s", ended, text)
	}
	// The lost file is tried max_attempts times, each of the others once.
	for name, want := range map[string]float64{
		`ingestor_attempts_total{result="ok"}`: 3, `ingestor_attempts_total{result="transient"}`: 2,
		"ingestor_child_seconds_count": 5, "ingestor_children_max": 4, "ingestor_ledger_up": 1, "ingestor_ready": 1,
	} {
		if got := d.metric(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	await(t, "the lag is seen to be gone", func() bool {
		labels := `{partition="0",source="kafka",topic="` + s.topic + `"}`
		return d.metric("ingestor_kafka_committed_offset"+labels) == 6 && d.metric("ingestor_kafka_lag"+labels) == 0
	}, d)
	if d.metric("ingestor_last_registered_timestamp_seconds") < float64(d.began.Unix()) {
		t.Error("nothing was ever registered")
	}
	s.finish(d)
}

// The daemon and its children append to one file (D37), which each of them puts
// aside when it is large; every line says whose it is.
func sharesALogFile(t *testing.T, b *broker) {
	s := watched(t, b)
	base := filepath.Join(s.dir, "log")
	s.settings["logging.file_log"] = true
	s.settings["logging.file_log_base_name"] = base
	s.settings["logging.file_log_max_size"] = "10kB"
	s.settings["logging.file_log_keep"] = 1000
	s.write("log_.log", []byte("of an earlier run\n"))
	d := s.start()
	d.awaitReady()
	runs := s.measureAll(6)
	s.announce(runs...)
	s.finish(d)
	files, err := filepath.Glob(base + "_.log*")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	line := regexp.MustCompile(`^SFI - [0-9-]{10} [0-9:,]{12} - (online|offline)-ingestor\[[0-9]+\] - [A-Z]+ - .`)
	for l := range strings.Lines(all.String()) {
		if !line.MatchString(l) && l != "of an earlier run\n" {
			t.Errorf("%q", l)
		}
	}
	for _, r := range runs {
		if !regexp.MustCompile(`offline-ingestor.*Dataset ingestion successful.*` + r.job).MatchString(all.String()) {
			t.Errorf("the child of %s is not heard", r.job)
		}
	}
	if !strings.Contains(all.String(), "of an earlier run\n") || !strings.Contains(all.String(), " - Stopped ") || len(files) < 2 {
		t.Errorf("%d files:\n%s", len(files), all.String())
	}
}
