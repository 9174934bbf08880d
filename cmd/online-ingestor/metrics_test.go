package main

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/outcome"
	"ingestor/online"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cluster is a source that tells what one of Kafka does.
type cluster struct{ online.Source }

func (cluster) Name() string { return "kafka" }
func (cluster) Stalls() int  { return 2 }
func (cluster) Positions() []kafka.Position {
	return []kafka.Position{
		{Topic: "writer", Partition: 0, Committed: 90, High: 100, Lag: 10, Unfinished: 3, OldestUnfinished: 1500 * time.Millisecond},
		{Topic: "wr\xffter", Partition: 1, Committed: -1, High: -1, Lag: -1},
	}
}

// folder is a source without numbers of its own.
type folder struct{ online.Source }

func busy(t *testing.T) *metrics {
	t.Helper()
	m, err := newMetrics([]online.Source{cluster{}, folder{}})
	if err != nil {
		t.Fatal(err)
	}
	m.attempt(online.Attempt{OK: true, Duration: 300 * time.Millisecond})
	m.attempt(online.Attempt{OK: true, Duration: 400 * time.Millisecond})
	m.attempt(online.Attempt{Class: fault.ClassTransient, Duration: time.Hour})
	m.attempt(online.Attempt{Class: fault.ClassBug, Duration: time.Minute})
	m.observe(online.Status{
		Messages: 20, Returned: 1, Outcomes: map[outcome.Outcome]int64{outcome.Registered: 9, outcome.DeadLettered: 2, outcome.Ignored: 1},
		Running: 2, MaxChildren: 4, Waiting: 3, Postponed: 1, Ending: 1,
		Holds: []online.HeldSince{{Hold: online.HoldOperator, Since: time.Now().Add(-time.Hour)}},
	})
	return m
}

func answer(t *testing.T, m *metrics, path string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, h := range m.handlers() {
		mux.Handle(pattern, h)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

// scraped is what Prometheus gets of us, without what differs each time.
func scraped(t *testing.T, m *metrics) string {
	t.Helper()
	w := answer(t, m, "/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	var out strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "ingestor_") && !strings.Contains(line, "build_info{") {
			out.WriteString(line)
		}
	}
	varying := regexp.MustCompile(`(?m)^(ingestor_last_registered_timestamp_seconds|ingestor_hold_since_seconds\{hold="operator"\}) [1-9].*$`)
	return varying.ReplaceAllString(out.String(), "$1 ...")
}

func TestMetrics_OfABusyDaemon(t *testing.T) {
	path := filepath.Join("testdata", "metrics.txt")
	got := scraped(t, busy(t))
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s", got)
	}
}

// Every metric is explained in the chapter for operators, and every one explained is
// there.
func TestMetrics_AreThoseOfTheDocumentation(t *testing.T) {
	chapter, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	described, there := map[string]bool{}, map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(ingestor_[a-z_]+)").FindAllStringSubmatch(string(chapter), -1) {
		described[row[1]] = true
	}
	for _, row := range regexp.MustCompile(`(?m)^# HELP (ingestor_[a-z_]+) `).FindAllStringSubmatch(scraped(t, busy(t)), -1) {
		there[row[1]] = true
	}
	if !maps.Equal(described, there) {
		t.Errorf("described are %v\nthere are %v", slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(there)))
	}
}

func TestMetrics_OfADaemonThatStarts(t *testing.T) {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := scraped(t, m)
	for _, want := range []string{
		"ingestor_ready 0\n", "ingestor_ledger_up 0\n", "ingestor_last_registered_timestamp_seconds 0\n",
		`ingestor_messages_total{outcome="registered"} 0`, `ingestor_attempts_total{result="permanent"} 0`, `ingestor_hold{hold="disk-full"} 0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// The classes and holds that others define are all counted here.
func TestMetrics_KnowEveryClass(t *testing.T) {
	for c := fault.ClassBug; c <= fault.ClassInterrupted; c++ {
		if !slices.Contains(results(), c.String()) {
			t.Errorf("%s is missing", c)
		}
	}
}

func TestReady(t *testing.T) {
	held := func(h online.Hold) []online.HeldSince { return []online.HeldSince{{Hold: h, Since: time.Now()}} }
	for _, c := range []struct {
		name   string
		status *online.Status
		code   int
		says   []string
	}{
		{"before the first word", nil, 503, []string{`"ready":false`, `"reason":"starting"`}},
		{"takes messages", &online.Status{Messages: 3}, 200, []string{`"ready":true`, `"holds":[]`, `"ledger":"ok"`, `"delivered":3`}},
		{"a full pool is work", &online.Status{Holds: held(online.HoldPoolFull)}, 200, []string{`"hold":"pool-full"`, `"since":"20`}},
		{"held by a person", &online.Status{Holds: held(online.HoldOperator)}, 503, []string{`"hold":"operator"`}},
		{"a source is away", &online.Status{NotReady: errors.New("kafka: no broker\nanswers")}, 503, []string{`"reason":"kafka: no broker; answers"`}},
		{"stops", &online.Status{Stopping: true, Holds: held(online.HoldStopping)}, 503, []string{`"reason":"stopping"`}},
		{"without ledger", &online.Status{WithoutLedger: true}, 200, []string{`"ledger":"none"`}},
		{"ledger that takes nothing", &online.Status{Ledger: errors.New("disk full"), Holds: held(online.HoldDiskFull)}, 503, []string{`"ledger":"disk full"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := newMetrics(nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.status != nil {
				m.observe(*c.status)
			}
			w := answer(t, m, "/ready")
			if w.Code != c.code || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			for _, want := range c.says {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("no %s in %s", want, w.Body)
				}
			}
		})
	}
}

func TestReady_ALoopThatStandsStillIsNotReady(t *testing.T) {
	m := busy(t)
	m.observe(online.Status{})
	m.observed = m.observed.Add(-2 * loopPatience)
	if w := answer(t, m, "/ready"); w.Code != 503 || !strings.Contains(w.Body.String(), "has not moved for 1m0s") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestStatusLine(t *testing.T) {
	noon := time.Now()
	for _, c := range []struct {
		name string
		s    online.Status
		want string
	}{
		{"at work", online.Status{Running: 2, Waiting: 1, Messages: 9, Outcomes: map[outcome.Outcome]int64{outcome.Registered: 6}},
			"2 running, 1 waiting, 0 postponed; 9 messages, 6 registered"},
		{"held, by whom and since when", online.Status{Holds: []online.HeldSince{{Hold: online.HoldOperator, Since: noon}}},
			"0 running, 0 waiting, 0 postponed; held: operator since " + noon.Format(time.TimeOnly) + "; 0 messages"},
		{"without ledger", online.Status{WithoutLedger: true}, "0 running, 0 waiting, 0 postponed; without ledger; 0 messages"},
		{"ledger away, ends wait", online.Status{Ending: 3, Ledger: errors.New("full\ndisk")},
			"0 running, 0 waiting, 0 postponed, 3 ending; ledger: full; disk; 0 messages"},
		{"not ready", online.Status{NotReady: errors.New("kafka: away")}, "not ready: kafka: away; 0 messages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := statusLine(c.s); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
	old := time.Date(2026, 11, 1, 12, 0, 0, 0, time.Local)
	if got := since(old, noon); got != "2026-11-01 12:00:00" && noon.Format(time.DateOnly) != "2026-11-01" {
		t.Errorf("a day ago is %s", got)
	}
}
