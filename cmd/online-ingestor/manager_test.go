package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// manager is the service manager's end of sd_notify.
type manager struct {
	path string
	mu   sync.Mutex
	got  []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd-") //nolint:usetesting // the address of a socket is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{path: filepath.Join(dir, "notify")}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for buf := make([]byte, 64<<10); ; {
			n, err := socket.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.got = append(m.got, string(buf[:n]))
			m.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = socket.Close()
		work.Wait()
		_ = os.RemoveAll(dir)
	})
	return m
}

// times is how many messages begin so.
func (m *manager) times(prefix string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.got {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func (m *manager) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("the service manager was told:\n%s", strings.Join(m.got, "\n"))
}

// The service manager hears READY once the daemon may get messages and not
// before, then signs of life, a line of status, and that it stops.
func tellsTheServiceManager(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	// A member that is frozen makes everybody who joins the group wait until
	// its session has ended.
	frozen := s.start()
	frozen.awaitReady()
	frozen.signal(syscall.SIGSTOP)

	m := newManager(t)
	d := s.startWith([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=2000000"})
	await(t, "a status before it is ready", func() bool { return m.times("STATUS=not ready: ") > 0 || d.ended() }, m, d)
	if m.times("READY=1") > 0 || d.says("partitions assigned") {
		t.Errorf("ready without a partition\n%s\n%s", m, d)
	}
	await(t, "READY=1", func() bool { return m.times("READY=1") > 0 || d.ended() }, m, d)
	awaitFor(t, time.Second, "the assignment", func() bool { return d.says("partitions assigned") }, m, d)
	frozen.signal(syscall.SIGKILL)
	frozen.signal(syscall.SIGCONT)

	fed := m.times("WATCHDOG=1")
	await(t, "signs of life", func() bool { return m.times("WATCHDOG=1") >= fed+3 }, m, d)
	r := s.measure()
	s.announce(r)
	await(t, "a status with an outcome", func() bool { return m.times("STATUS=0 running, 0 waiting, 0 postponed; 1 messages, 1 registered") > 0 }, m, d)
	s.finish(d)
	if m.times("READY=1") != 1 || m.times("STOPPING=1") != 1 || m.times("STATUS=stopping") == 0 {
		t.Error(m)
	}
}
