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

// waiting is called while the daemon waits for something at its start: nothing
// else shows then that it is alive.
func (t *teller) waiting(what string) {
	t.note(t.notifier.Alive(time.Now()), t.notifier.Status("waiting: "+oneLine(what)))
}

// observe is called by the daemon's loop about once a second, so it also
// proves that the loop is alive.
func (t *teller) observe(s online.Status) {
	t.note(t.notifier.Alive(time.Now()), t.notifier.Status(statusLine(s)))
	if s.NotReady == nil {
		t.note(t.notifier.Ready())
	}
	if s.Stopping && !t.stopping {
		t.stopping = true
		t.note(t.notifier.Stopping())
	}
}

func (t *teller) note(errs ...error) {
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
		fmt.Fprintf(&b, "not ready: %s", oneLine(s.NotReady.Error()))
	default:
		fmt.Fprintf(&b, "%d running, %d waiting, %d postponed", s.Running, s.Waiting, s.Postponed)
	}
	if s.Ending > 0 {
		fmt.Fprintf(&b, ", %d ending", s.Ending)
	}
	for _, h := range s.Holds {
		if h.Hold != online.HoldStopping {
			fmt.Fprintf(&b, "; held: %s since %s", h.Hold, since(h.Since, time.Now()))
		}
	}
	switch {
	case s.WithoutLedger:
		b.WriteString("; without ledger")
	case s.Ledger != nil:
		fmt.Fprintf(&b, "; ledger: %s", oneLine(s.Ledger.Error()))
	}
	fmt.Fprintf(&b, "; %d messages", s.Messages)
	for _, o := range outcome.All() {
		if n := s.Outcomes[o]; n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, o)
		}
	}
	return b.String()
}

// since tells a time of today without its date.
func since(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// oneLine is what is said in one line, also where systemd reads lines.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
