package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemon is a running online-ingestor.
type daemon struct {
	t     *testing.T
	cmd   *exec.Cmd
	began time.Time
	done  chan struct{} // closed when it is reaped and its log is read

	mu    sync.Mutex
	lines []string
}

// startDaemon starts the program with args. Of our environment it gets only
// what every process needs, and env. It ends with the test, whatever happens.
func startDaemon(t *testing.T, dir string, env []string, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, done: make(chan struct{})}
	d.cmd = exec.Command(onlineProgram, args...) //nolint:noctx // its end is a matter of the test
	d.cmd.Dir = dir
	d.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(), "GORACE=atexit_sleep_ms=0"}, env...)
	// A test binary that is killed leaves no daemon behind. The signal belongs
	// to the thread that started the child, so that one stays.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	stderr, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr, d.cmd.Stdout = write, write
	started := make(chan error, 1)
	d.began = time.Now()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := d.cmd.Start()
		_ = write.Close() // the child has its own
		started <- err
		if err != nil {
			return
		}
		d.read(stderr)
		_ = d.cmd.Wait() // its state says all
		close(d.done)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.signal(syscall.SIGKILL)
		<-d.done
		if t.Failed() {
			t.Log(d)
		}
		if d.says("DATA RACE") {
			t.Errorf("a data race in the daemon:\n%s", strings.Join(d.text(), "\n"))
		}
	})
	return d
}

func (d *daemon) read(r io.ReadCloser) {
	defer r.Close()
	for b := bufio.NewReader(r); ; {
		line, err := b.ReadString('\n')
		if line != "" {
			d.mu.Lock()
			d.lines = append(d.lines, strings.TrimSuffix(line, "\n"))
			d.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// text is what it has logged so far.
func (d *daemon) text() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// String is the end of its log, for a person who looks for a fault.
func (d *daemon) String() string {
	const most, longest = 80, 400
	var lines []string
	for _, l := range d.text() {
		if !strings.Contains(l, "catalogue answers") {
			lines = append(lines, l[:min(len(l), longest)])
		}
	}
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return fmt.Sprintf("daemon %d, the end of its log:\n%s", d.cmd.Process.Pid, strings.Join(lines, "\n"))
}

// lineWith is its last log line that holds every part.
func (d *daemon) lineWith(parts ...string) (string, bool) {
	lines := d.text()
	for i := len(lines) - 1; i >= 0; i-- {
		if hasAll(lines[i], parts) {
			return lines[i], true
		}
	}
	return "", false
}

func (d *daemon) says(parts ...string) bool {
	_, ok := d.lineWith(parts...)
	return ok
}

// times is how many of its log lines hold every part.
func (d *daemon) times(parts ...string) (n int) {
	for _, l := range d.text() {
		if hasAll(l, parts) {
			n++
		}
	}
	return n
}

func hasAll(line string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(line, p) {
			return false
		}
	}
	return true
}

func (d *daemon) awaitSays(parts ...string) {
	d.t.Helper()
	await(d.t, fmt.Sprintf("log line with %q", parts), func() bool { return d.says(parts...) || d.ended() }, d)
	if !d.says(parts...) {
		d.t.Fatalf("the daemon ended without a log line with %q\n%s", parts, d)
	}
}

// awaitReady waits until it may get messages.
func (d *daemon) awaitReady() {
	d.t.Helper()
	d.awaitSays("partitions assigned")
}

func (d *daemon) children() []process { return childrenOf(d.cmd.Process.Pid) }

func (d *daemon) signal(s syscall.Signal) { _ = d.cmd.Process.Signal(s) } // an ended one gets none

func (d *daemon) ended() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// exit waits for its end: the status, or the signal as a negative number.
func (d *daemon) exit() int {
	d.t.Helper()
	await(d.t, "end of the daemon", d.ended, d)
	if status := d.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return -int(status.Signal())
	}
	return d.cmd.ProcessState.ExitCode()
}

// stop asks it to end, which must be in order, and gives how long that took.
func (d *daemon) stop() time.Duration {
	d.t.Helper()
	began := time.Now()
	d.signal(syscall.SIGTERM)
	if code := d.exit(); code != 0 {
		d.t.Errorf("the daemon ends with status %d\n%s", code, d)
	}
	return time.Since(began)
}

var number = regexp.MustCompile(` ([a-z_]+)=([0-9]+)`)

// sums are the numbers of its last line: messages, returned and each outcome.
func (d *daemon) sums() map[string]int {
	d.t.Helper()
	line, ok := d.lineWith(" - Stopped ")
	if !ok {
		d.t.Fatalf("no line tells the sums\n%s", d)
	}
	sums := map[string]int{}
	for _, f := range number.FindAllStringSubmatch(line, -1) {
		n, err := strconv.Atoi(f[2])
		if err != nil {
			d.t.Fatal(err)
		}
		sums[f[1]] = n
	}
	return sums
}
