package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
	"ingestor/scicat/scicattest"
)

// backfillVariable is how many files the large tree has; unset: the small form
// of these tests.
const backfillVariable = "INGESTOR_BACKFILL"

// largeForm is the number of files of the large form, 0 in the small one.
func largeForm(t *testing.T) int {
	t.Helper()
	text := os.Getenv(backfillVariable)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number of files", backfillVariable, text)
	}
	return n
}

// tally is the catalogue of these tests: in memory, with its requests counted
// instead of kept. It can be stopped and started again.
type tally struct {
	*scicattest.Server
	t       *testing.T
	address string
	all     atomic.Int64

	mu            sync.Mutex
	server        *http.Server
	before, after hook           // of each request; nil: none
	requests      map[string]int // by method and collection
	created       map[string]int // answers 201 by collection
}

// hook is called with a request and its number.
type hook func(nth int64, r *http.Request)

func newTally(t *testing.T) *tally {
	t.Helper()
	s, err := scicattest.New(scicattest.Options{ForgetRequests: true, TokenLife: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c := &tally{Server: s, t: t, address: "127.0.0.1:0"}
	c.reset()
	c.start()
	t.Cleanup(func() {
		c.stop()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// start listens on the address that it had before, if any.
func (c *tally) start() {
	c.t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(c.t.Context(), "tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.address = l.Addr().String()
	s := &http.Server{Handler: c, IdleTimeout: 5 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	c.mu.Lock()
	c.server = s
	c.mu.Unlock()
	go func() { _ = s.Serve(l) }() // ends with stop
}

// stop cuts every connection; further ones are refused.
func (c *tally) stop() {
	c.mu.Lock()
	s := c.server
	c.mu.Unlock()
	_ = s.Close() // an error of a connection that is cut anyway
}

// around sets what is called before and after each request; nil: nothing.
func (c *tally) around(before, after hook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.after = before, after
}

// reset begins to count anew.
func (c *tally) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Store(0)
	c.requests, c.created = map[string]int{}, map[string]int{}
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d requests %v, created %v", c.all.Load(), c.requests, c.created)
}

func (c *tally) made(collection string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.created[collection]
}

// asked is the number of requests of a method to a collection.
func (c *tally) asked(method, collection string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[method+" "+collection]
}

// ServeHTTP passes a request on, and counts it.
func (c *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nth := c.all.Add(1)
	parts := append(strings.Split(r.URL.EscapedPath(), "/"), "", "", "")
	collection := parts[3] // after "", "api" and "v3"
	c.mu.Lock()
	c.requests[r.Method+" "+collection]++
	before, after := c.before, c.after
	c.mu.Unlock()
	if before != nil {
		before(nth, r)
	}
	answer := &statusOf{ResponseWriter: w}
	c.Server.ServeHTTP(answer, r)
	if answer.status == http.StatusCreated {
		c.mu.Lock()
		c.created[collection]++
		c.mu.Unlock()
	}
	if after != nil {
		after(nth, r)
	}
}

type statusOf struct {
	http.ResponseWriter
	status int
}

func (s *statusOf) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// bed is a tree of files, a configuration with a job for it, and a catalogue.
type bed struct {
	*bench
	*tally
	tree *treetest.Tree
	data string
}

const bedConfig = `dataset:
  default_owner_group: ess
  default_access_groups: [ingestor]
ingestion:
  schemas_directory: schemas
  file_handling: {data_file_open_max_tries: 0, save_file_hash: false}
scicat:
  host: @HOST@
  token: @TOKEN@
  max_retries: 1
  retry_delay: 10ms
  retry_max_delay: 20ms
backfill:
  jobs:
    nightly:
      roots: ['@DATA@']
      min_age: 30m
      concurrency: 2
`

// newBed makes a tree in a folder of its own, or in data where that is given.
func newBed(t *testing.T, o treetest.Options) *bed {
	t.Helper()
	c := newTally(t)
	b := &bed{bench: &bench{t: t, dir: t.TempDir(), state: t.TempDir(), server: c.Server, token: c.Token("ingestor")}, tally: c}
	if err := errors.Join(os.Chmod(filepath.Dir(b.dir), 0o755), os.Chmod(b.state, 0o777)); err != nil {
		t.Fatal(err)
	}
	if o.Root == "" {
		o.Root = filepath.Join(b.dir, "data")
	}
	b.data = o.Root
	began := time.Now()
	var err error
	if b.tree, err = treetest.Make(o); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files made in %s", len(b.tree.Files), time.Since(began).Round(time.Millisecond))
	for _, instrument := range []string{"odin", "dream", "loki"} {
		b.addSchema(instrument)
	}
	b.config = strings.NewReplacer("@DATA@", b.data, "@HOST@", "http://"+c.address+"/api/v3").Replace(bedConfig)
	return b
}

// addSchema makes files of an instrument ones that can be registered.
func (b *bed) addSchema(instrument string) {
	b.bench.t.Helper()
	text, err := os.ReadFile("testdata/backfill.imsc.yml")
	if err != nil {
		b.bench.t.Fatal(err)
	}
	b.write("schemas/"+instrument+".imsc.yml", bytes.ReplaceAll(text, []byte("@INSTRUMENT@"), []byte(instrument)))
}

// life is a run of the program.
type life struct {
	b      *bed
	cmd    *exec.Cmd
	began  time.Time
	stdout lockedBuffer
	stderr lockedBuffer
	done   chan struct{}
	rss    atomic.Int64
}

// lockedBuffer can be read while a process writes.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// begin starts a backfill of the job, with a report in JSON.
func (b *bed) begin(args ...string) *life {
	b.bench.t.Helper()
	return b.beginProgram(append([]string{"backfill", "-c", "config.yml", "--job", "nightly", "--json"}, args...)...)
}

func (b *bed) beginProgram(args ...string) *life {
	t := b.bench.t
	t.Helper()
	// Only where it differs: a changed configuration is a reason to try again.
	text := strings.ReplaceAll(b.config, "@TOKEN@", b.token)
	if old, err := os.ReadFile(b.path("config.yml")); err != nil || string(old) != text {
		b.write("config.yml", []byte(text))
	}
	l := &life{b: b, done: make(chan struct{})}
	l.cmd = exec.Command(binary, args...) //nolint:noctx // its end is a matter of the test
	l.cmd.Dir = b.dir
	l.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_STATE_HOME=" + b.state, "TZ=UTC"}
	l.cmd.Stdout, l.cmd.Stderr = &l.stdout, &l.stderr
	// A test binary that is killed leaves no program behind. The signal belongs
	// to the thread that started it, so that one stays.
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if b.uid != 0 {
		l.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: b.uid, Gid: b.uid}
	}
	// What a killed run has started may keep its output open.
	l.cmd.WaitDelay = 10 * time.Second
	started := make(chan error, 1)
	l.began = time.Now()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := l.cmd.Start()
		started <- err
		if err == nil {
			_ = l.cmd.Wait() // its state says all
			close(l.done)
		}
	}()
	if err := <-started; err != nil {
		if b.uid != 0 && errors.Is(err, os.ErrPermission) {
			t.Skip("the program lies where only we can start it: ", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { l.signal(syscall.SIGKILL); <-l.done })
	go l.weigh()
	return l
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// weigh notes the most memory that was resident. What the kernel tells of a
// process that has ended includes that of the test binary it was forked from.
func (l *life) weigh() {
	status := fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid)
	for every := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-l.done:
			every.Stop()
			return
		case <-every.C:
		}
		text, err := os.ReadFile(status)
		if m := highWater.FindSubmatch(text); err == nil && m != nil {
			kB, _ := strconv.ParseInt(string(m[1]), 10, 64) // digits
			l.rss.Store(kB << 10)
		}
	}
}

func (l *life) signal(s syscall.Signal) { _ = l.cmd.Process.Signal(s) } // an ended one gets none

func (l *life) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// run makes a whole run.
func (b *bed) backfill(args ...string) outcomeOfRun {
	b.bench.t.Helper()
	return b.begin(args...).end()
}

// outcomeOfRun is how a run ended.
type outcomeOfRun struct {
	ended
	backfill.Report
	took time.Duration
	cpu  time.Duration
	rss  int64 // most memory that was resident, without that of workers, in bytes
}

func (o outcomeOfRun) String() string {
	return fmt.Sprintf("exit %d (%s) in %s (%s of processors) with %.1f MB: %v of %d files", o.exit, o.Reason, o.took.Round(time.Millisecond), o.cpu.Round(time.Millisecond), float64(o.rss)/1e6, o.Counts, o.Looked.Files)
}

// end waits for the end of a run that is not killed.
func (l *life) end() outcomeOfRun {
	t := l.b.bench.t
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(longest):
		t.Fatalf("the run does not end\n%s", &l.stderr)
	}
	o := outcomeOfRun{took: time.Since(l.began), rss: l.rss.Load()}
	o.cpu = l.cmd.ProcessState.UserTime() + l.cmd.ProcessState.SystemTime()
	o.ended = l.b.checked(ended{l.cmd.ProcessState.ExitCode(), l.stdout.String(), l.stderr.String()})
	if o.stdout != "" {
		if err := json.Unmarshal([]byte(o.stdout), &o.Report); err != nil {
			t.Errorf("the report is no JSON: %v\n%s", err, o.stdout)
		}
		if o.Exit != o.exit {
			t.Errorf("exit %d, but the report says %d", o.exit, o.Exit)
		}
	}
	return o
}

// longest is a bound for what must end; it is no measure.
const longest = 30 * time.Minute

// await waits until what must come has come.
func (l *life) await(what string, come func() bool) {
	l.b.bench.t.Helper()
	for deadline := time.Now().Add(time.Minute); !come(); time.Sleep(time.Millisecond) {
		if l.over() || time.Now().After(deadline) {
			l.b.bench.t.Fatalf("in vain waited for: %s\n%s%s", what, &l.stderr, &l.stdout)
		}
	}
}

// wantCounts says which counts of a report are not as they must be; counts
// that are not named must be 0.
func (o outcomeOfRun) wantCounts(t *testing.T, exit int, want map[backfill.Count]int) {
	t.Helper()
	var wrong []string
	if o.exit != exit {
		wrong = append(wrong, fmt.Sprintf("exit %d, want %d", o.exit, exit))
	}
	for _, c := range backfill.Counts() {
		if o.Counts[c] != int64(want[c]) {
			wrong = append(wrong, fmt.Sprintf("%d are %s, want %d", o.Counts[c], c, want[c]))
		}
	}
	if wrong != nil {
		t.Errorf("%s\n%s\n%s\n%s", strings.Join(wrong, "; "), o, o.failures(), lastLines(o.stderr))
	}
}

// failures are those of the report, a line each.
func (o outcomeOfRun) failures() string {
	var lines strings.Builder
	for _, g := range o.Failures {
		fmt.Fprintf(&lines, "%d %s: %s\n", g.Count, g.Class, g.Example.Error)
	}
	return lines.String()
}

// lastLines are the end of a log, for a person who looks for a fault.
func lastLines(text string) string {
	const most, widest = 12, 300
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-most):]
	for i, l := range lines {
		lines[i] = l[:min(len(l), widest)]
	}
	return strings.Join(lines, "\n")
}

// wantOnce wants exactly these files in the catalogue, each with one dataset
// and one datablock.
func (b *bed) wantOnce(files []treetest.File) {
	t := b.bench.t
	t.Helper()
	datasets, blocks := map[any]int{}, map[any]int{}
	for _, d := range b.Datasets() {
		datasets[d["pid"]]++
	}
	for _, d := range b.Datablocks("") {
		blocks[d["datasetId"]]++
	}
	faults := 0
	for _, f := range files {
		pid := "20.500.12269/" + f.Job
		if datasets[pid] != 1 || blocks[pid] != 1 {
			if faults++; faults <= 10 {
				t.Errorf("%s of %s has %d datasets and %d datablocks", f.Path, f.ModTime, datasets[pid], blocks[pid])
			}
		}
	}
	if faults > 10 {
		t.Errorf("... and so %d files in all", faults)
	}
	if d, k := b.made("datasets"), b.made("origdatablocks"); d != len(files) || k != len(files) {
		t.Errorf("%d datasets and %d datablocks were made of %d files", d, k, len(files))
	}
}

// workersOf lists the processes that a process has started.
func workersOf(pid int) (list []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold anything.
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[0] != "Z" && f[1] == strconv.Itoa(pid) {
			list = append(list, n)
		}
	}
	return list
}
