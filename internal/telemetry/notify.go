package telemetry

import (
	"fmt"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notifier tells systemd how a service is doing. Where there is no systemd it
// does nothing.
type Notifier struct {
	mu       sync.Mutex
	ready    bool
	watchdog time.Duration
	fed      time.Time
	status   string
}

// NewNotifier finds out what systemd wants to hear.
func NewNotifier() (*Notifier, error) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read the watchdog's time from the environment: %w", err)
	}
	return &Notifier{watchdog: every}, nil
}

// Ready says once that the service has started.
func (n *Notifier) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		return nil
	}
	n.ready = true
	return n.send(daemon.SdNotifyReady)
}

// Alive feeds the watchdog, at most four times in its period. Call it from the
// loop whose progress matters.
func (n *Notifier) Alive(now time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watchdog == 0 || now.Sub(n.fed) < n.watchdog/4 {
		return nil
	}
	n.fed = now
	return n.send(daemon.SdNotifyWatchdog)
}

// Status is the line that `systemctl status` shows.
func (n *Notifier) Status(line string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if line == n.status {
		return nil
	}
	n.status = line
	return n.send("STATUS=" + line)
}

// Stopping says that the service drains.
func (n *Notifier) Stopping() error { return n.send(daemon.SdNotifyStopping) }

// Reloading says that the service reads its configuration again; Reloaded that it
// has. A service that is not ready yet says neither: the second would mean ready.
func (n *Notifier) Reloading() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready {
		return nil
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the monotonic clock: %w", err)
	}
	// systemd tells by the time whether an answer belongs to its request.
	return n.send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
}

// Reloaded is the end of what Reloading began.
func (n *Notifier) Reloaded() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready {
		return nil
	}
	return n.send(daemon.SdNotifyReady)
}

func (n *Notifier) send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
