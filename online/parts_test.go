package online

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/outcome"
	"ingestor/schemas/filewriter"
)

// brokenSource ends by itself.
type brokenSource struct {
	*testSource
	err error
}

func (s brokenSource) Run(context.Context, func(intake.Message, intake.Ack)) error { return s.err }

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		result children.Result
		record outcome.Record
		ok     bool
		class  fault.Class
		reason string
	}{
		{"0 is success", children.Result{}, outcome.Record{}, true, 0, ""},
		{"the record explains", children.Result{ExitCode: 65}, outcome.Record{Error: "no title"}, false, fault.ClassPermanent, "exit 65 (bad input): no title"},
		{"else the last line of stderr", children.Result{ExitCode: 1, Stderr: []byte("a\nlast line\n")}, outcome.Record{}, false, fault.ClassBug, "exit 1 (bug): last line"},
		{"silence is said", children.Result{ExitCode: 75}, outcome.Record{}, false, fault.ClassTransient, "exit 75 (busy): it wrote nothing on standard error"},
		{"a signal is a bug", children.Result{ExitCode: -1, Signal: syscall.SIGSEGV, Stderr: []byte("x")}, outcome.Record{}, false, fault.ClassBug, "killed by signal 11 (segmentation fault): x"},
		{"a time-out is named before its signal", children.Result{ExitCode: -1, Signal: syscall.SIGKILL, TimedOut: true, Stderr: []byte("x")}, outcome.Record{}, false, fault.ClassBug, "exceeded the time limit of a child: x"},
		{"unavailable is systemic", children.Result{ExitCode: 69, Stderr: []byte("x")}, outcome.Record{}, false, fault.ClassSystemic, "exit 69 (unavailable): x"},
		{"a foreign usage error is no one's fault for sure", children.Result{ExitCode: 2, Stderr: []byte("x")}, outcome.Record{}, false, fault.ClassBug, "exit 2 (usage): x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := judge(c.result, c.record)
			if v.ok != c.ok || !v.ok && v.class != c.class || v.reason != c.reason {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestPause(t *testing.T) {
	const first, longest = 5 * time.Second, time.Minute
	for n, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 5: time.Minute, 90: time.Minute} {
		for range 50 {
			if got := pause(n, first, longest); got < want/2 || got > want {
				t.Fatalf("attempt %d: %v, want between %v and %v", n, got, want/2, want)
			}
		}
	}
}

func TestGate_IsClosedWhileAnyHoldIsOn(t *testing.T) {
	var calls []bool
	g := newGate(func(closed bool) { calls = append(calls, closed) })
	now := time.Now()
	for _, step := range []struct {
		h       Hold
		on      bool
		changed bool
	}{
		{HoldPoolFull, true, true}, {HoldPoolFull, true, false}, {HoldCatalogueDown, true, true},
		{HoldPoolFull, false, true}, {HoldPoolFull, false, false}, {HoldCatalogueDown, false, true},
	} {
		now = now.Add(time.Second)
		if got := g.set(step.h, step.on, now); got != step.changed {
			t.Errorf("%s %v: changed %v, want %v", step.h, step.on, got, step.changed)
		}
	}
	if len(calls) != 2 || !calls[0] || calls[1] {
		t.Errorf("the sources were told %v, want closed once and opened once", calls)
	}
}

func TestMessageFile_HoldsTheSixFields(t *testing.T) {
	dir := t.TempDir()
	w := filewriter.WritingDone{ServiceID: "fw", JobID: "j", FileName: filepath.Join(dir, "raw", "a.b.hdf"), Metadata: "{}", Message: "ok"}
	if err := os.Mkdir(filepath.Join(dir, "raw"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := MessageFile{Write: true, Directory: "../ingestor", Extension: "message.json"}.save(w)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "ingestor", "a.b.message.json"); path != want {
		t.Errorf("written to %s, want %s", path, want)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"service_id": "fw", "job_id": "j", "error_encountered": false, "file_name": w.FileName, "metadata": "{}", "message": "ok"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %v, want %v", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("fields %v", got)
	}
}

// startHealth runs a health check and gives its base address.
func startHealth(t *testing.T, o HealthOptions) string {
	t.Helper()
	o.Address, o.Every = "127.0.0.1:0", 50*time.Millisecond
	h, err := NewHealth(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + h.Address()
}

func ask(t *testing.T, method, url string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func TestHealth_AnswersLikeThePeer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var kafkaDown, catalogueDown atomic.Bool
	down := func(b *atomic.Bool) error {
		if b.Load() {
			return errors.New("down")
		}
		return nil
	}
	base := startHealth(t, HealthOptions{
		Sources: func() error { return down(&kafkaDown) }, DataDirectory: dir,
		Catalogue: func(context.Context) error { return down(&catalogueDown) },
	})
	become := func(status int, body string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			code, got, header := ask(t, http.MethodGet, base+"/health")
			if code == status && got == body && header.Get("Content-Type") == "application/json" {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("got %d %s, want %d %s", code, got, status, body)
			}
		}
	}
	become(200, `{"kafka":true,"storage":true,"scicat":true}`)
	kafkaDown.Store(true)
	become(503, `{"kafka":false,"storage":true,"scicat":true}`)
	kafkaDown.Store(false)
	catalogueDown.Store(true)
	become(503, `{"kafka":true,"storage":true,"scicat":false}`)
	catalogueDown.Store(false)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	become(503, `{"kafka":true,"storage":false,"scicat":true}`)
	for _, c := range []struct {
		method, path string
		want         int
	}{{"GET", "/", 404}, {"GET", "/health/", 404}, {"GET", "/metrics", 404}, {"POST", "/health", 405}} {
		if code, _, _ := ask(t, c.method, base+c.path); code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, code, c.want)
		}
	}
}

func TestHealth_WhatIsNotConfiguredIsNoFailure(t *testing.T) {
	base := startHealth(t, HealthOptions{Sources: func() error { return nil }})
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if code, _, _ := ask(t, http.MethodGet, base+"/health"); code == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("never healthy")
		}
	}
}

func TestHealth_ASilentClientBlocksNobody(t *testing.T) {
	base := startHealth(t, HealthOptions{Sources: func() error { return nil }})
	for range 20 {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	if code, _, _ := ask(t, http.MethodGet, base+"/health"); code == 0 {
		t.Error("no answer")
	}
}
