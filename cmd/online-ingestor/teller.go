package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/outcome"
	"ingestor/internal/telemetry"
	"ingestor/online"
)

// teller passes the daemon's status on to systemd.
type teller struct {
	notifier *telemetry.Notifier
	log      logrus.FieldLogger
	// stopping and failed remember what is said once only.
	stopping, failed bool
}

func newTeller(log logrus.FieldLogger) (*teller, error) {
	n, err := telemetry.NewNotifier()
	if err != nil {
		return nil, err
	}
	return &teller{notifier: n, log: log}, nil
}

// observe is called by the daemon's loop about once a second, so it also
// proves that the loop is alive.
func (t *teller) observe(s online.Status) {
	errs := []error{t.notifier.Alive(time.Now()), t.notifier.Status(statusLine(s))}
	if s.NotReady == nil {
		errs = append(errs, t.notifier.Ready())
	}
	if s.Stopping && !t.stopping {
		t.stopping = true
		errs = append(errs, t.notifier.Stopping())
	}
	for _, err := range errs {
		if err != nil && !t.failed {
			t.failed = true
			t.log.WithError(err).Warn("The service manager is not told how the daemon does")
		}
	}
}

// statusLine is one line for an operator.
func statusLine(s online.Status) string {
	var b strings.Builder
	switch {
	case s.Stopping:
		fmt.Fprintf(&b, "stopping, %d running", s.Running)
	case s.NotReady != nil:
		fmt.Fprintf(&b, "not ready: %s", strings.ReplaceAll(s.NotReady.Error(), "\n", "; "))
	default:
		fmt.Fprintf(&b, "%d running, %d waiting, %d postponed", s.Running, s.Waiting, s.Postponed)
	}
	for _, h := range s.Holds {
		if h.Hold != online.HoldStopping {
			fmt.Fprintf(&b, "; held: %s since %s", h.Hold, h.Since.Format(time.TimeOnly))
		}
	}
	fmt.Fprintf(&b, "; %d messages", s.Messages)
	for _, o := range outcome.All() {
		if n := s.Outcomes[o]; n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, o)
		}
	}
	return b.String()
}
