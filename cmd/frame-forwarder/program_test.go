package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
	"ingestor/internal/telemetry/telemetrytest"
)

func ours(t *testing.T) {
	t.Helper()
	if forwardertest.Python() {
		t.Skip("of our program only")
	}
	t.Parallel()
}

// page is what an address answers; 0 when nobody does.
func page(t *testing.T, url string) (code int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// Metrics, health and the service manager say how the program does, from the start
// to the end of a scan, of Redis, and of itself.
func TestProgram_TellsHowItDoes(t *testing.T) {
	ours(t)
	m := telemetrytest.NewManager(t)
	address := fmt.Sprintf("127.0.0.1:%d", forwardertest.FreePort(t))
	b := newBench(t, setup{settings: func(s *forwardertest.Settings) {
		s.Metrics = address
		s.Env = append(s.Env, m.Environment(), "WATCHDOG_USEC=4000000")
	}})
	health := func() (int, map[string]any) {
		code, body := page(t, "http://"+address+"/health")
		var report map[string]any
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return code, report["ingesters"].([]any)[0].(map[string]any)
	}
	forwardertest.Await(t, patience, "READY=1", func() bool { return m.Times("READY=1") > 0 })
	events := forwardertest.Scan("det", 22, "w1", "w2")
	mapping := b.mapped(events)
	b.series(1, 20, 1000)
	b.complete(patience, events, b.workers...)
	code, h := health()
	if code != 200 || h["mapping"] != mapping.String() || h["processed_events"] != 22.0 || len(h["workers"].([]any)) != 2 {
		t.Errorf("health %d %v", code, h)
	}
	_, metrics := page(t, "http://"+address+"/metrics")
	for _, want := range []string{
		`frame_forwarder_events_total{ingester="det-ingester"} 22`,
		`frame_forwarder_stream_frames_total{ingester="det-ingester",source="ZmqPullSingleIngester",stream="det"} 42`,
		`frame_forwarder_worker_messages_total{ingester="det-ingester",worker="w1"} 12`,
		`frame_forwarder_redis_connected{ingester="det-ingester"} 1`,
		`frame_forwarder_connected_workers{ingester="det-ingester"} 2`,
		"process_cpu_seconds_total", "go_goroutines",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	b.redis.Pause()
	forwardertest.Await(t, patience, "health without Redis", func() bool {
		code, h := health()
		return code == 503 && h["redis"] == false && h["alive"] == true && h["redis_error"] != ""
	})
	b.redis.Resume()
	forwardertest.Await(t, patience, "health with Redis", func() bool { code, _ := health(); return code == 200 })
	if m.Times("WATCHDOG=1") == 0 || m.Times("STATUS=det-ingester: 22 events") == 0 {
		t.Error(m)
	}
	if code := b.p.Terminate(5 * time.Second); code != 0 || m.Times("STOPPING=1") == 0 {
		t.Errorf("ended with %d; %s", code, m)
	}
	for _, c := range []byte(b.p.Log()) {
		if c >= 0x80 {
			t.Fatalf("the log is not ASCII:\n%s", b.p.Log())
		}
	}
}

// All ingesters of a file run in one process, each with its own socket and key.
func TestProgram_RunsAllIngestersOfAFile(t *testing.T) {
	ours(t)
	redis := redistest.Start(t, redistest.Options{})
	c := forwardertest.NewController(t, redis.Addr())
	p1, p2 := forwardertest.FreePort(t), forwardertest.FreePort(t)
	text := fmt.Sprintf(`forwarder:
  redis_dsn: %s?decode_responses=True&protocol=3
  metrics_address: ''
  ingesters:
  - {url: 'tcp://127.0.0.1:%d', streams: [{name: a, upstream_url: 'tcp://127.0.0.1:1'}]}
  - {url: 'tcp://127.0.0.1:%d', name: second, streams: [{name: b, source: zmqsub_pcap, upstream_url: 'tcp://127.0.0.1:1'}, {name: c, source: software_trigger, software_trigger: {frames: [x]}}]}
`, redis.URL(), p1, p2)
	path := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, "-c", path)
	for _, n := range []struct {
		name    string
		port    int
		streams string
	}{{"a-ingester", p1, "[a]"}, {"second", p2, "[b c]"}} {
		k := c.AwaitConfig(n.name, "its key", func(forwardertest.Config) bool { return true })
		if k.URL != fmt.Sprintf("tcp://127.0.0.1:%d", n.port) || fmt.Sprint(k.Streams) != n.streams {
			t.Errorf("%s: %s", n.name, k.Raw)
		}
	}
	if code := p.stop(t, syscall.SIGINT); code != 0 {
		t.Errorf("ended with %d", code)
	}
	for _, name := range []string{"a-ingester", "second"} {
		if k, there := c.Config(name); there {
			t.Errorf("the key stays: %s", k.Raw)
		}
	}
}

// With --wait the program outlives that there is no Redis at the start, and stops
// when it is asked to meanwhile.
func TestProgram_WaitsForRedis(t *testing.T) {
	ours(t)
	redis := redistest.Start(t, redistest.Options{})
	args := func() []string {
		return []string{"-s", "x", "-u", "tcp://127.0.0.1:1", "-r", redis.URL(), "--wait", "--forwarder.metrics-address=",
			"-i", fmt.Sprintf("tcp://127.0.0.1:%d", forwardertest.FreePort(t))}
	}
	redis.Stop()
	first := run(t, args()...)
	forwardertest.Await(t, patience, "the warning", func() bool { return strings.Contains(first.text(), "Redis can not be used") })
	if code := first.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("stopped while it waits: %d", code)
	}
	second := run(t, args()...)
	redis.Restart(false)
	c := forwardertest.NewController(t, redis.Addr())
	c.AwaitConfig("x-ingester", "its key", func(forwardertest.Config) bool { return true })
	if code := second.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

// Everything of the environment of the Python programs counts.
func TestProgram_TakesTheEnvironmentOfThePeers(t *testing.T) {
	ours(t)
	redis := redistest.Start(t, redistest.Options{})
	c := forwardertest.NewController(t, redis.Addr())
	meta := filepath.Join(t.TempDir(), "meta.json")
	text := `{"commit_hash":"c0ffee","branch_name":"main","timestamp":"2026-11-21T22:06:00Z","repository_url":"https://git.example.org/x"}`
	if err := os.WriteFile(meta, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("tcp://127.0.0.1:%d", forwardertest.FreePort(t))
	p := runWith(t, []string{`INGESTER_STREAMS=["x","y"]`, "ingester_url=" + url, "UPSTREAM_URL=tcp://127.0.0.1:1",
		"SERVICE_REDIS_DSN=" + redis.URL(), "REDIS_URL=redis://127.0.0.1:1", "BUILD_META_FILE=" + meta, "LOG_LEVEL=WARNING"},
		"--forwarder.metrics-address=")
	k := c.AwaitConfig("x_y-ingester", "its key", func(forwardertest.Config) bool { return true })
	if k.URL != url || !strings.Contains(k.Raw, `"mapreduce_version":`+text) {
		t.Error(k.Raw)
	}
	if code := p.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d", code)
	}
	if log := p.text(); !strings.Contains(log, "pull from the same upstream") || strings.Contains(log, "Starting") {
		t.Errorf("log:\n%s", log)
	}
}
