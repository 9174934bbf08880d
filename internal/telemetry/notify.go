package telemetry

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells systemd how a service is doing. Where there is no systemd it
// does nothing. It is used by one goroutine.
type Notifier struct {
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
	if n.ready {
		return nil
	}
	n.ready = true
	return n.send(daemon.SdNotifyReady)
}

// Alive feeds the watchdog, at most four times in its period. Call it from the
// loop whose progress matters.
func (n *Notifier) Alive(now time.Time) error {
	if n.watchdog == 0 || now.Sub(n.fed) < n.watchdog/4 {
		return nil
	}
	n.fed = now
	return n.send(daemon.SdNotifyWatchdog)
}

// Status is the line that `systemctl status` shows.
func (n *Notifier) Status(line string) error {
	if line == n.status {
		return nil
	}
	n.status = line
	return n.send("STATUS=" + line)
}

// Stopping says that the service drains.
func (n *Notifier) Stopping() error { return n.send(daemon.SdNotifyStopping) }

func (n *Notifier) send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
