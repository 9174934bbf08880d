package main_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startUnread starts a daemon whose standard error stays open and is not read
// before read is called.
func (s *site) startUnread() (d *daemon, read func()) {
	s.t.Helper()
	d = &daemon{t: s.t, done: make(chan struct{}), began: time.Now()}
	d.cmd = exec.Command(onlineProgram, "-c", s.config()) //nolint:noctx // its end is a matter of the test
	d.cmd.Dir = s.dir
	d.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir(), "GORACE=atexit_sleep_ms=0"}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	stderr, write, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	d.cmd.Stderr = write
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the parent-death signal belongs to the thread
		defer runtime.UnlockOSThread()
		err := d.cmd.Start()
		_ = write.Close() // the child has its own
		started <- err
		if err == nil {
			_ = d.cmd.Wait() // its state says all
			close(d.done)
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		d.signal(syscall.SIGKILL)
		<-d.done
		_ = stderr.Close()
	})
	return d, func() { go d.read(stderr) }
}

// A log that is open but that nobody reads (a terminal that Ctrl-S stops, a supervisor
// that reads late, a collector that hangs) holds up neither work nor end.
func TestUnreadLog(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, s := range []struct {
		name string
		run  func(*testing.T, *broker)
	}{
		{"CostsNoMessageAndIsReadLater", unreadLogCostsNoMessage},
		{"LetsTheDaemonDrain", unreadLogLetsTheDaemonDrain},
		{"LetsASecondSignalEndIt", unreadLogLetsASecondSignalEndIt},
		{"LetsAFaultOfTheStartEndIt", unreadLogLetsAFaultOfTheStartEndIt},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, b)
		})
	}
}

// answers is the status of the health check on a port that was chosen.
func answers(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// babbling writes more than pipe and queue hold together, within some hundred files.
const (
	babbling = "seq -f 'a line of the child that many have seen and nobody reads, number %g' 60 >&2"
	files    = 200
)

var lostLines = regexp.MustCompile(`The standard error takes log lines again lost=([0-9]+)`)

func unreadLogCostsNoMessage(t *testing.T, b *broker) {
	s := newSite(t, b, 1)
	address, port := freeAddress(t)
	s.settings["health_check.port"] = port
	in := s.standIn(babbling)
	s.send(1, s.calledAll(numbered("run", files)...)...)
	d, read := s.startUnread()
	await(t, "every file", func() bool { return len(in.starts()) == files && s.committedOffset() == files || d.ended() })
	if status := answers(t, address); status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	read()
	d.awaitSays("The standard error takes log lines again", "lost=")
	line, _ := d.lineWith("The standard error takes log lines again")
	lost, err := strconv.Atoi(lostLines.FindStringSubmatch(line)[1])
	if err != nil || lost == 0 || lost+len(d.text()) < 60*files {
		t.Errorf("%d lines are read and %d said to be lost: %s", len(d.text()), lost, line)
	}
	s.send(1, s.called("after"))
	await(t, "its line", func() bool { return d.says("outcome=registered", "/after") || d.ended() }, d)
	d.stop()
	await(t, "the last line", func() bool { return d.says(" - Stopped ") }, d)
}

func unreadLogLetsTheDaemonDrain(t *testing.T, b *broker) {
	s := newSite(t, b, 1)
	in := s.standIn(babbling + `; [ "$name" = slow ] && while [ ! -e "$dir/go" ]; do sleep 0.1; done`)
	s.send(1, s.calledAll(append(numbered("run", files/2), "slow")...)...)
	d, _ := s.startUnread()
	await(t, "the last file", func() bool { return in.starts()["slow"] == 1 && s.committedOffset() == files/2 || d.ended() })
	d.signal(syscall.SIGTERM)
	in.leave("go", "")
	if code := d.exit(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	if got := s.committedOffset(); got != files/2+1 {
		t.Errorf("committed is %d", got)
	}
}

func unreadLogLetsASecondSignalEndIt(t *testing.T, b *broker) {
	s := newSite(t, b, 1)
	in := s.standIn(babbling + "; trap '' TERM INT\necho $$ >> \"$dir/pids\"; while :; do sleep 0.1; done")
	s.settings["ingestion.max_offline_ingestors"] = 20 // each babbles: the pipe is full
	s.send(1, s.calledAll(numbered("run", 20)...)...)
	d, _ := s.startUnread()
	await(t, "the children", func() bool { return len(in.lines("pids")) == 20 || d.ended() })
	family := in.pids("pids")
	d.signal(syscall.SIGINT)
	d.signal(syscall.SIGTERM)
	if code := d.exit(); code < 0 {
		t.Errorf("it ends by signal %d", -code)
	}
	await(t, "the end of the children", func() bool { return !anyLives(family) })
}

func unreadLogLetsAFaultOfTheStartEndIt(t *testing.T, b *broker) {
	s := newSite(t, b, 1)
	s.settings["ingestion.max_offline_ingestors"] = "many"
	stderr, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	defer write.Close()
	fill(t, write)
	cmd := exec.CommandContext(t.Context(), onlineProgram, "-c", s.config())
	cmd.Env, cmd.Stderr = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}, write
	_ = cmd.Run() // its state says all
	if got := cmd.ProcessState.ExitCode(); got != 78 {
		t.Errorf("it ends with %v", cmd.ProcessState)
	}
}

// fill writes to a pipe until it is full.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	if err := pipe.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for page := make([]byte, os.Getpagesize()); ; {
		if _, err := pipe.Write(page); err != nil {
			return
		}
	}
}
