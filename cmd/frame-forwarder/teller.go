package main

import (
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/telemetry"
)

// teller passes on to systemd how the forwarder does.
type teller struct {
	notifier *telemetry.Notifier
	log      logrus.FieldLogger
	failed   bool // said once only
}

func newTeller(log logrus.FieldLogger) (*teller, error) {
	n, err := telemetry.NewNotifier()
	if err != nil {
		return nil, err
	}
	return &teller{notifier: n, log: log}, nil
}

// tell is called once a second. The watchdog is fed only while all are alive.
func (t *teller) tell(now time.Time, alive, ready bool, status string) {
	t.note(t.notifier.Status(status))
	if alive {
		t.note(t.notifier.Alive(now))
	}
	if ready {
		t.note(t.notifier.Ready())
	}
}

func (t *teller) stopping() { t.note(t.notifier.Stopping()) }

func (t *teller) note(err error) {
	if err != nil && !t.failed {
		t.failed = true
		t.log.WithError(err).Warn("The service manager is not told how the forwarder does")
	}
}
