// Package telemetrytest stands in tests where the service manager stands.
package telemetrytest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Manager is the service manager's end of sd_notify.
type Manager struct {
	path string
	mu   sync.Mutex
	got  []string
}

// NewManager listens until the test ends.
func NewManager(t *testing.T) *Manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd-") //nolint:usetesting // the address of a socket is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{path: filepath.Join(dir, "notify")}
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

// Environment is the variable by which a program finds the manager.
func (m *Manager) Environment() string { return "NOTIFY_SOCKET=" + m.path }

// Times is how many messages begin so.
func (m *Manager) Times(prefix string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.got {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func (m *Manager) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("the service manager was told:\n%s", strings.Join(m.got, "\n"))
}
