package online

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/intake"
	"ingestor/internal/outcome"
	"ingestor/schemas/filewriter"
)

// childDirectory tells the test binary that it is a child, and where to note
// what it does.
const childDirectory = "ONLINE_TEST_CHILD_DIRECTORY"

// TestMain lets the test binary play the offline ingestor: a real process with
// real exits, whose behaviour is the name of its file.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDirectory); dir != "" {
		os.Exit(playChild(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// playChild behaves as the base name of --nexus-file says: its words, split at
// dots, are instructions.
func playChild(dir string, args []string) int {
	file := args[slices.Index(args, "--nexus-file")+1]
	note, err := os.OpenFile(filepath.Join(dir, filepath.Base(file)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	defer note.Close()
	say := func(what string) { fmt.Fprintf(note, "%s %d\n", what, time.Now().UnixNano()) }
	say("begin")
	defer say("end")
	tries := 0
	if text, err := os.ReadFile(note.Name()); err == nil {
		tries = strings.Count(string(text), "begin")
	}
	exit := 0
	for _, word := range strings.Split(filepath.Base(file), ".") {
		verb, rest, _ := strings.Cut(word, "-")
		n, _ := strconv.Atoi(rest)
		switch verb {
		case "exit":
			exit = n
		case "untilok": // fails until the n-th try
			if tries >= n {
				exit = 0
			}
		case "sleep":
			time.Sleep(time.Duration(n) * time.Millisecond)
		case "deaf":
			signal.Ignore(syscall.SIGTERM)
		case "killed":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "outage": // while the file "down" is there
			if _, err := os.Stat(filepath.Join(dir, "down")); err == nil {
				exit = n
			}
		case "existed":
			fd, _ := strconv.Atoi(os.Getenv(outcome.ResultFD))
			_ = outcome.Record{Outcome: outcome.Existed, PID: "p/1"}.Write(os.NewFile(uintptr(fd), "result"))
		}
	}
	if exit != 0 {
		fmt.Fprintf(os.Stderr, "this is why %s fails\n", filepath.Base(file))
	}
	return exit
}

// bench is a daemon on a source of the test's own, with real children.
type bench struct {
	t      *testing.T
	source *testSource
	daemon *Daemon
	dir    string
	stop   context.CancelFunc
	abort  context.CancelFunc
	ended  chan error
	logs   *logLines
}

// newBench starts a daemon; change may alter its options.
func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, source: newTestSource(), dir: dir, ended: make(chan error, 1), logs: &logLines{}}
	runner := children.New(children.Options{KillDelay: 300 * time.Millisecond})
	log := logrus.New()
	log.SetLevel(logrus.DebugLevel)
	log.SetOutput(b.logs)
	log.SetFormatter(&logrus.JSONFormatter{})
	o := Options{
		Sources: []Source{b.source}, Children: runner, Executable: []string{self}, ConfigFile: "config.yml",
		Environment: func() []string { return append(os.Environ(), childDirectory+"="+dir, "GORACE=atexit_sleep_ms=0") },
		MaxChildren: 3, RetryDelay: 20 * time.Millisecond, RetryMaxDelay: 50 * time.Millisecond, MaxAttempts: 3,
		Log: log,
	}
	if change != nil {
		change(&o)
	}
	if b.daemon, err = New(o); err != nil {
		t.Fatal(err)
	}
	stop, cancelStop := context.WithCancel(t.Context())
	abort, cancelAbort := context.WithCancel(t.Context())
	b.stop, b.abort = cancelStop, cancelAbort
	rest, endRest := context.WithCancel(t.Context())
	runnerEnded := make(chan error, 1)
	go func() { runnerEnded <- runner.Run(rest) }()
	go func() { b.ended <- b.daemon.Run(stop, abort) }()
	t.Cleanup(func() {
		cancelStop()
		cancelAbort()
		endRest()
		if err := <-runnerEnded; err != nil {
			t.Errorf("runner: %v", err)
		}
	})
	return b
}

// path is a file name that tells the child what to do.
func (b *bench) path(name string) string { return filepath.Join(b.dir, "data", name) }

// send delivers a "writing done" message for a file and returns its ack.
func (b *bench) send(name string) *ackProbe {
	return b.source.send(filewriter.WritingDone{ServiceID: "fw", JobID: "job", FileName: b.path(name)}.Encode())
}

// begins is how often a child was started for a file.
func (b *bench) begins(name string) int {
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "begin")
}

// wait polls until ok, for at most a minute.
func (b *bench) wait(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	b.t.Fatalf("waited in vain for: %s\n%s", what, b.logs)
}

// finish stops the daemon and waits for its end.
func (b *bench) finish() error {
	b.t.Helper()
	b.stop()
	select {
	case err := <-b.ended:
		b.ended <- err
		return err
	case <-time.After(time.Minute):
		b.t.Fatalf("the daemon does not end\n%s", b.logs)
		return nil
	}
}

// checkSum says whether every message is accounted for; call it after finish.
func (b *bench) checkSum() {
	b.t.Helper()
	sum := b.daemon.returned
	for _, n := range b.daemon.outcomes {
		sum += n
	}
	if sum != b.daemon.messages {
		b.t.Errorf("%d messages but %d outcomes: %v, %d returned", b.daemon.messages, sum, b.daemon.outcomes, b.daemon.returned)
	}
	for i, a := range b.source.acks() {
		if n := a.calls(); n != 1 {
			b.t.Errorf("message %d was acknowledged %d times", i, n)
		}
	}
}

// ackProbe sees how a message was acknowledged.
type ackProbe struct {
	mu    sync.Mutex
	count int
	err   error
}

func (a *ackProbe) ack(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	a.err = err
}

func (a *ackProbe) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

// done says that the message was acknowledged as finished.
func (a *ackProbe) done() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count > 0 && a.err == nil
}

// testSource is a source in memory that honours holds.
type testSource struct {
	name   string // of the source in its messages
	stale  func() bool
	mu     sync.Mutex
	probes []*ackProbe
	queue  chan delivery
	held   bool
	sent   int64
	change chan struct{}
}

var _ Source = (*testSource)(nil)

func newTestSource() *testSource {
	return &testSource{queue: make(chan delivery, 10_000), change: make(chan struct{}, 1)}
}

func (s *testSource) Name() string { return "test" }
func (s *testSource) Ready() error { return nil }

func (s *testSource) Hold(on bool) {
	s.mu.Lock()
	s.held = on
	s.mu.Unlock()
	select {
	case s.change <- struct{}{}:
	default:
	}
}

func (s *testSource) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *testSource) Run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	for {
		queue := s.queue
		if s.isHeld() {
			queue = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.change:
		case d := <-queue:
			deliver(d.message, d.ack)
			// As with a broker, the next message takes a moment.
			time.Sleep(time.Millisecond)
		}
	}
}

func (s *testSource) send(value []byte) *ackProbe {
	s.mu.Lock()
	p := &ackProbe{}
	m := intake.Message{Source: s.name, Topic: "t", Offset: s.sent, Value: value, Stale: s.stale}
	s.sent++
	s.mu.Unlock()
	s.queue <- delivery{m, func(err error) {
		s.mu.Lock()
		s.probes = append(s.probes, p)
		s.mu.Unlock()
		p.ack(err)
	}}
	return p
}

// acks are the probes of the messages that were acknowledged.
func (s *testSource) acks() []*ackProbe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Compact(slices.Clone(s.probes))
}

// logLines collects the log.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
