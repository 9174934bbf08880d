package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"ingestor/forwarder"
)

func watching(t *testing.T, all ...ingester) (*watch, *logtest.Hook) {
	t.Helper()
	t.Setenv("NOTIFY_SOCKET", "")
	log, hook := logtest.NewNullLogger()
	tell, err := newTeller(log)
	if err != nil {
		t.Fatal(err)
	}
	return newWatch(all, tell, log), hook
}

func health(t *testing.T, w *watch) (int, healthReport) {
	t.Helper()
	answer := httptest.NewRecorder()
	w.health(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", nil))
	var report healthReport
	if err := json.Unmarshal(answer.Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return answer.Code, report
}

func TestHealth_NeedsRedisAndASignOfLife(t *testing.T) {
	well, ill := busy("a"), busy("b")
	well.change(func(s *forwarder.Snapshot) { s.Redis.Ready = true })
	w, _ := watching(t, well, ill)
	code, report := health(t, w)
	if code != 503 || report.OK || !report.Ingesters[0].OK || report.Ingesters[1].OK || report.Ingesters[1].Redis {
		t.Errorf("%d %+v", code, report)
	}
	ill.change(func(s *forwarder.Snapshot) { s.Redis.Ready = true })
	if code, report = health(t, w); code != 200 || !report.OK {
		t.Errorf("%d %+v", code, report)
	}
	h := report.Ingesters[0]
	if *h.Mapping == "" || h.QueuedBytes != 200 || h.Workers[0] != "w1" || h.Streams[0].State != "open" || h.LastEvent == nil {
		t.Errorf("%+v", h)
	}
}

func TestWatch_AnIngesterThatNeitherWorksNorWaitsIsNotAlive(t *testing.T) {
	f := busy("a")
	w, _ := watching(t, f)
	now := time.Now()
	w.look(now, false)
	later := now.Add(stuckAfter - time.Second)
	if w.look(later, false); !w.alive(0, later) {
		t.Error("not alive too early")
	}
	if later = now.Add(stuckAfter + time.Second); w.alive(0, later) {
		t.Error("alive without a sign of life")
	}
	f.change(func(s *forwarder.Snapshot) { s.Waits = map[string]time.Duration{"assignment": time.Minute} })
	if w.look(later, false); !w.alive(0, later) {
		t.Error("waiting is a sign of life")
	}
}

func TestWatch_TellsRatesOnlyWhileFramesMove(t *testing.T) {
	f := busy("a")
	w, hook := watching(t, f)
	now := w.rate
	at := func(seconds int) { w.look(now.Add(time.Duration(seconds)*time.Second), false) }
	at(1)
	if len(hook.Entries) != 0 {
		t.Errorf("said %v", hook.Entries)
	}
	at(10)
	entry := hook.LastEntry()
	if entry == nil || entry.Level != logrus.InfoLevel || entry.Data["frames_per_s"] != "2.4" || entry.Data["queued_bytes"] != int64(200) || entry.Data["dropped"] != uint64(1) {
		t.Fatalf("said %v", entry)
	}
	at(20)
	at(30)
	if len(hook.Entries) != 1 {
		t.Errorf("said %d lines", len(hook.Entries))
	}
	f.change(func(s *forwarder.Snapshot) { s.Processed++ })
	if at(40); len(hook.Entries) != 2 {
		t.Errorf("said %d lines", len(hook.Entries))
	}
}

func TestStatusLine_IsOneLineForAnOperator(t *testing.T) {
	f := busy("eiger-ingester")
	f.change(func(s *forwarder.Snapshot) { s.Redis.Reason = "connection\nrefused" })
	want := "stopping; eiger-ingester: 12 events, 1 workers, waits for workers, without Redis (connection refused)"
	if got := statusLine([]forwarder.Snapshot{f.Snapshot()}, true); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
