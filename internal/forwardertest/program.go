package forwardertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/fixture"
)

const (
	// PeerVariable selects who is tested: empty is our program, "python" the
	// peer's of the venv at VenvVariable.
	PeerVariable = "FORWARDER_PEER"
	// VenvVariable is the folder of a Python environment with dranspose.
	VenvVariable = "FORWARDER_VENV"
	// BinaryVariable is the path of our program (cmd/frame-forwarder's TestMain
	// sets it when nobody has).
	BinaryVariable = "FORWARDER_BINARY"
)

// Python says whether the peer is under test.
func Python() bool { return os.Getenv(PeerVariable) == "python" }

// Stream is one stream of a program.
type Stream struct {
	// Name of the stream; Source is one of our names or a peer's class name.
	Name, Source string
	// Upstream is the URL that it connects to or listens at.
	Upstream string
	// YAML are further lines of its entry in the configuration file.
	YAML []string
}

// Settings say what to start.
type Settings struct {
	Streams []Stream
	// Redis is the URL of the server.
	Redis string
	// Name of the ingester; by default the peers' (streams joined by _).
	Name string
	// Dump is the dump path, if any.
	Dump string
	// Args and Env are added for our program only.
	Args, Env []string
	// YAML are further lines of the ingester's entry (ours only).
	YAML []string
	// Metrics is the address of the metrics (ours only); none by default.
	Metrics string
	// ByFlags and ByEnvironment start ours without a file, as the peers are.
	ByFlags, ByEnvironment bool
	// PeerClass is the peer's class where it is not that of the first stream,
	// PythonPath where it lies.
	PeerClass, PythonPath string
}

// Program is a running forwarder.
type Program struct {
	t     testing.TB
	p     *fixture.Process
	port  int
	name  string
	began time.Time

	mu  sync.Mutex
	log bytes.Buffer
}

// Start starts a forwarder on a free port; it is killed at the end of the test
// if it still runs. Its log is shown when the test fails.
func Start(t testing.TB, s Settings) *Program {
	t.Helper()
	p := &Program{t: t, port: FreePort(t), name: s.Name, began: time.Now()}
	if p.name == "" {
		var names []string
		for _, st := range s.Streams {
			names = append(names, st.Name)
		}
		p.name = strings.Join(names, "_") + "-ingester"
	}
	var cmd *exec.Cmd
	if Python() {
		cmd = p.python(s)
	} else {
		cmd = p.ours(s)
	}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.Dir = t.TempDir()
	var err error
	if p.p, err = fixture.Start(cmd); err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	t.Cleanup(func() {
		if err := p.p.End(syscall.SIGKILL, 0); err != nil {
			t.Error(err)
		}
		if strings.Contains(p.Log(), "DATA RACE") || strings.Contains(p.Log(), "\npanic: ") {
			t.Error("data race or panic in the program")
		}
		if !Python() {
			checkLog(t, p.Log())
		}
		if t.Failed() {
			t.Logf("%v\n%s", cmd.Args, p.tail())
		}
	})
	return p
}

// checkLog holds the log to what is promised: ASCII, one line a record.
func checkLog(t testing.TB, log string) {
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }) {
			t.Errorf("a log line is not of printable ASCII: %q", line)
			return
		}
	}
}

func (p *Program) python(s Settings) *exec.Cmd {
	venv := os.Getenv(VenvVariable)
	program := filepath.Join(venv, "bin", "dranspose")
	first := s.Streams[0]
	class := s.PeerClass
	if class == "" {
		class = first.Source
	}
	args := []string{"ingester", "-c", class, "-u", first.Upstream, "-n", first.Name}
	if u, err := url.Parse(first.Upstream); err == nil && u.Scheme == "http" {
		args = []string{"http_ingester", "-c", class, "-n", first.Name, "--host", u.Hostname(), "-p", u.Port()}
	}
	cmd := exec.Command(program, args...) //nolint:noctx,gosec // the harness ends it
	if len(s.Streams) > 1 {
		// The command line knows one stream; the settings class takes more.
		var names []string
		for _, st := range s.Streams {
			names = append(names, st.Name)
		}
		list, _ := json.Marshal(names)
		cmd = exec.Command(filepath.Join(venv, "bin", "python"), "-c", manyStreams, class, first.Upstream, string(list)) //nolint:noctx,gosec // as above
	}
	cmd.Env = append(os.Environ(), "REDIS_URL="+s.Redis, "INGESTER_URL="+p.URL(), "PYTHONPATH="+s.PythonPath)
	if s.Dump != "" {
		cmd.Env = append(cmd.Env, "DUMP_PATH="+s.Dump)
	}
	if s.Name != "" {
		cmd.Env = append(cmd.Env, "INGESTER_NAME="+s.Name)
	}
	cmd.Env = append(cmd.Env, s.Env...)
	return cmd
}

// manyStreams runs an ingester class with several streams, as a site's own
// start script would.
const manyStreams = `
import asyncio, json, signal, sys
import dranspose.ingesters as all
from dranspose.helpers.utils import import_class
cls, up, streams = sys.argv[1:4]
c = import_class(cls)
s = getattr(all, c.__bases__[0].__name__.replace("Ingester", "Settings"))
async def run():
    i = c(settings=s(upstream_url=up, ingester_streams=json.loads(streams)))
    t = asyncio.create_task(i.run())
    asyncio.get_event_loop().add_signal_handler(signal.SIGTERM, t.cancel)
    await t
    await i.close()
asyncio.run(run())
`

func (p *Program) ours(s Settings) *exec.Cmd {
	var args []string
	switch {
	case s.ByFlags:
		st := s.Streams[0]
		args = []string{"--redis-url", s.Redis, "--stream", st.Name, "--source", st.Source,
			"--upstream-url", st.Upstream, "--ingester-url", p.URL(), "--forwarder.metrics-address", ""}
		if s.Dump != "" {
			args = append(args, "--dump-path", s.Dump)
		}
		if s.Name != "" {
			args = append(args, "--name", s.Name)
		}
	case s.ByEnvironment:
		names, _ := json.Marshal([]string{s.Streams[0].Name})
		s.Env = append([]string{"REDIS_URL=" + s.Redis, "INGESTER_STREAMS=" + string(names), "INGESTER_URL=" + p.URL(),
			"UPSTREAM_URL=" + s.Streams[0].Upstream, "DUMP_PATH=" + s.Dump, "INGESTER_NAME=" + s.Name}, s.Env...)
		args = []string{"--source", s.Streams[0].Source, "--forwarder.metrics-address", ""}
	default:
		args = []string{"--config-file", p.file(s), "--name", p.name}
	}
	cmd := exec.Command(os.Getenv(BinaryVariable), append(args, s.Args...)...) //nolint:noctx,gosec // the harness ends it
	cmd.Env = append(os.Environ(), s.Env...)
	return cmd
}

// file writes a configuration file with one ingester. It binds to loopback, as
// a test should.
func (p *Program) file(s Settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "forwarder:\n  redis_dsn: %s\n  metrics_address: '%s'\n", s.Redis, s.Metrics)
	fmt.Fprintf(&b, "  ingesters:\n    - name: %s\n      url: %s\n      bind: tcp://%s\n", p.name, p.URL(), p.Address())
	for _, line := range s.YAML {
		fmt.Fprintf(&b, "      %s\n", line)
	}
	if s.Dump != "" {
		fmt.Fprintf(&b, "      dump_path: %s\n", s.Dump)
	}
	b.WriteString("      streams:\n")
	for _, st := range s.Streams {
		fmt.Fprintf(&b, "        - name: %s\n          source: %s\n", st.Name, st.Source)
		if st.Upstream != "" {
			fmt.Fprintf(&b, "          upstream_url: %s\n", st.Upstream)
		}
		for _, line := range st.YAML {
			fmt.Fprintf(&b, "          %s\n", line)
		}
	}
	path := filepath.Join(p.t.TempDir(), "ingestor.yml")
	write(p.t, path, []byte(b.String()))
	return path
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// Name is the ingester's name.
func (p *Program) Name() string { return p.name }

// URL is the address that it tells its workers.
func (p *Program) URL() string { return "tcp://" + p.Address() }

// Address is host:port of its workers' socket.
func (p *Program) Address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// Write takes the program's output.
func (p *Program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// Log is the program's output so far.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *Program) tail() string {
	l := p.Log()
	return l[max(0, len(l)-6000):]
}

// Signal sends a signal.
func (p *Program) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.p.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// Running says whether the program has not ended.
func (p *Program) Running() bool {
	select {
	case <-p.p.Done():
		return false
	default:
		return true
	}
}

// Wait waits for the end and returns the exit code (-1 is a signal); it fails
// the test when that takes longer than limit.
func (p *Program) Wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.p.Done():
		return p.p.State().ExitCode()
	case <-time.After(limit):
		p.t.Errorf("the program has not ended within %s", limit)
		return -2
	}
}

// Terminate sends SIGTERM and returns Wait's answer.
func (p *Program) Terminate(limit time.Duration) int {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.Wait(limit)
}

// PeakMiB is the largest resident set of the program so far.
func (p *Program) PeakMiB() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.p.PID()))
	if err != nil {
		p.t.Error(err)
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	if err != nil {
		p.t.Error(err)
	}
	return n / 1024
}

// CPU is the processor time that the program has used (ticks of 10 ms).
func (p *Program) CPU() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.p.PID()))
	if err != nil {
		p.t.Error(err)
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := firstError(err1, err2); err != nil {
		p.t.Error(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
