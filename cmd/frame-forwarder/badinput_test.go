package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ingestor/internal/forwardertest"
	"ingestor/internal/redistest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// badInput is a start that must end in one clear line for each thing that is wrong.
type badInput struct {
	name  string
	file  string   // of the configuration c.yml; "" = none
	args  []string // @REDIS@, @FREE@ and @TAKEN@ are addresses
	env   []string
	exit  int
	lines int // that say what is wrong; 0: one
}

const oneStream = "--stream eiger --upstream-url tcp://127.0.0.1:1 --ingester-url tcp://127.0.0.1:@FREE@ --redis-url @REDIS@ --forwarder.metrics-address="

func badInputs() []badInput {
	one := strings.Fields(oneStream)
	with := func(more ...string) []string { return append(append([]string{}, one...), more...) }
	return []badInput{
		// The command line.
		{name: "nothing", exit: 2},
		{name: "unknown flag", args: with("--upstram-url", "x"), exit: 2},
		{name: "argument", args: with("tcp://detector:9999"), exit: 2},
		{name: "ingester url without port", args: with("-i", "tcp://host"), exit: 2},
		{name: "ingester url of another kind", args: with("-i", "http://host:1"), exit: 2},
		{name: "queue without unit", args: with("--queue-bytes", "256M"), exit: 2},
		{name: "queue too small", args: with("--queue-bytes", "1kB"), exit: 2},
		{name: "hold too long", args: with("--worker-hold", "1h"), exit: 2},
		{name: "redis url with a secret", args: with("-r", "http://:Tok3n-that-must-not-show@h"), exit: 2},
		// One stream by flags and environment.
		{name: "no upstream", args: []string{"--stream", "eiger", "-r", "@REDIS@"}, exit: 78},
		{name: "upstream without port", args: []string{"-s", "x", "-u", "tcp://detector", "-r", "@REDIS@"}, exit: 78},
		{name: "upstream twice", args: with("-u", "tcp://detector:1"), exit: 78},
		{name: "unknown source", args: with("--source", "zmqpul_single"), exit: 78},
		{name: "unknown class", args: with("--source", "ZmqPulSingleIngester"), exit: 78},
		{name: "name with a colon", args: with("--name", "a:b"), exit: 78},
		{name: "stream twice", args: with("--stream", "eiger"), exit: 78},
		{name: "streams of the environment", env: []string{"INGESTER_STREAMS=[eiger"}, exit: 78},
		{name: "ingester url of the environment", args: []string{"-s", "x", "-u", "tcp://h:1"}, env: []string{"INGESTER_URL=localhost"}, exit: 78},
		{name: "several connections where one is all", args: with("--source", "zmqsub_pcap", "--upstream-connections", "2"), exit: 78},
		{name: "dump in no folder", args: with("--dump-path", "/no/such/folder/x.cbors"), exit: 78},
		{name: "dump is a folder", args: with("--dump-path", "."), exit: 78},
		// The file.
		{name: "file missing", args: []string{"-c", "none.yml"}, exit: 78},
		{name: "file without ingesters", file: "forwarder: {}\n", exit: 78},
		{name: "name that the file lacks", file: twoIngesters, args: []string{"--name", "eigr-ingester"}, exit: 78},
		{name: "dump path for several", file: twoIngesters, args: []string{"--dump-path", "x"}, exit: 78},
		{name: "everything wrong", file: everythingWrong, exit: 78, lines: 7},
		// What is not there.
		{name: "no redis", args: with("-r", "redis://127.0.0.1:@FREE@/0"), exit: 69},
		{name: "no redis socket", args: with("-r", "unix:///no/such/redis.sock"), exit: 69},
		{name: "ingester port taken", args: with("-i", "tcp://127.0.0.1:@TAKEN@"), exit: 69},
		{name: "metrics port taken", args: with("--forwarder.metrics-address", "127.0.0.1:@TAKEN@"), exit: 69},
	}
}

const twoIngesters = `forwarder:
  ingesters:
  - url: tcp://127.0.0.1:10000
    streams: [{name: eiger, upstream_url: tcp://127.0.0.1:1}]
  - url: tcp://127.0.0.1:10001
    streams: [{name: pilatus, upstream_url: tcp://127.0.0.1:1}]
`

const everythingWrong = `forwarder:
  redis_dsn: localhost
  ingesters:
  - name: a:b
    url: tcp://host
    queue_bytes: little
    streams:
    - {name: x, source: zmqsub_pcp, upstream_url: tcp://h:1}
    - {name: x, upstream_url: nowhere}
    worker_holt: 10s
`

// TestGoldenBadInput: whatever keeps the program from starting is one line that a
// beamline operator understands, and the right status.
func TestGoldenBadInput(t *testing.T) {
	if forwardertest.Python() {
		t.Skip("of our program only")
	}
	server := redistest.Start(t, redistest.Options{})
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, takenPort, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range badInputs() {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			args := append([]string{}, c.args...)
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "c.yml"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "-c", "c.yml")
			}
			for i := range args {
				args[i] = strings.NewReplacer("@REDIS@", server.URL(), "@FREE@", freePort(t), "@TAKEN@", takenPort).Replace(args[i])
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Getenv(forwardertest.BinaryVariable), args...) //nolint:gosec // our program
			cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH")}, c.env...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var ended *exec.ExitError
			if err != nil && !errors.As(err, &ended) {
				t.Fatal(err)
			}
			exit := cmd.ProcessState.ExitCode()
			if exit != c.exit {
				t.Errorf("exit %d, want %d\n%s", exit, c.exit, stderr.String())
			}
			said := failureLines(stderr.String())
			if len(said) != max(c.lines, 1) {
				t.Errorf("%d lines say that it failed, want %d:\n%s", len(said), max(c.lines, 1), stderr.String())
			}
			if stdout.Len() > 0 || strings.Contains(stderr.String(), "Tok3n") || strings.Contains(stderr.String(), "goroutine ") {
				t.Errorf("stdout %q, a secret or a stack:\n%s", stdout.String(), stderr.String())
			}
			golden(t, filepath.Join("testdata", "badinput", strings.ReplaceAll(c.name, " ", "_")+".want"), strings.Join(said, ""))
		})
	}
}

// failureLines are those that say what is wrong, without what differs between runs.
func failureLines(stderr string) (said []string) {
	ports := regexp.MustCompile(`(127\.0\.0\.1|\*):\d{4,5}`)
	stamp := regexp.MustCompile(`^.* - frame-forwarder\[\d+\] - ERROR - `)
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, " - ERROR - ") || strings.HasPrefix(line, "frame-forwarder: ") {
			said = append(said, ports.ReplaceAllString(stamp.ReplaceAllString(line, "ERROR "), "$1:PORT"))
		}
	}
	return said
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
