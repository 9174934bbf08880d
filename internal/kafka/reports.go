package kafka

import (
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
)

const (
	// repeatAfter is how long a line that was written is not written again.
	repeatAfter = 10 * time.Minute
	// mostLines bounds what is remembered of lines.
	mostLines = 256
)

// reports writes what librdkafka says to our log, each line once in a while:
// a broker that is away makes it say the same several times a second.
// It is safe for several goroutines.
type reports struct {
	log     logrus.FieldLogger
	secrets *secrets
	now     func() time.Time

	mu   sync.Mutex
	seen map[string]*line
}

// line is one that was written before.
type line struct {
	at         time.Time
	suppressed int
}

func newReports(log logrus.FieldLogger, s *secrets) *reports {
	return &reports{log: log, secrets: s, now: time.Now, seen: map[string]*line{}}
}

// variable are the parts of a line that differ from one repetition to the next.
var variable = regexp.MustCompile(`[0-9]+`)

// write logs text unless it was logged lately.
func (r *reports) write(level logrus.Level, text string) {
	text = r.secrets.blank(text)
	repeated, ok := r.due(variable.ReplaceAllString(text, "#"))
	if !ok {
		return
	}
	if repeated > 0 {
		text = fmt.Sprintf("%s (and %d times since)", text, repeated)
	}
	switch level {
	case logrus.ErrorLevel:
		r.log.Error(text)
	case logrus.WarnLevel:
		r.log.Warn(text)
	case logrus.InfoLevel:
		r.log.Info(text)
	default:
		r.log.Debug(text)
	}
}

// due says whether a line is to be written, and how often it was not.
func (r *reports) due(key string) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	l, known := r.seen[key]
	if known && now.Sub(l.at) < repeatAfter {
		l.suppressed++
		return 0, false
	}
	if !known {
		if len(r.seen) >= mostLines {
			clear(r.seen)
		}
		l = &line{}
		r.seen[key] = l
	}
	suppressed = l.suppressed
	l.at, l.suppressed = now, 0
	return suppressed, true
}

// forget makes every line new again: after a recovery the next outage is told.
func (r *reports) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.seen)
}

// forward logs what comes on a client's log channel until it closes.
func (r *reports) forward(events <-chan ck.LogEvent) {
	for e := range events {
		r.write(levelOf(e), "librdkafka: "+e.Tag+": "+e.Message)
	}
}

// levelOf maps the levels of syslog. Failed connections and a poll that came too
// late come as an error event too, which tells it once and in our words, so
// their log lines are for debugging.
func levelOf(e ck.LogEvent) logrus.Level {
	const critical, failure, warning, notice = 2, 3, 4, 6
	switch {
	// CONFWARN: one map of properties serves consumers and producers.
	case e.Tag == "FAIL" || e.Tag == "ERROR" || e.Tag == "MAXPOLL" || e.Tag == "CONFWARN":
		return logrus.DebugLevel
	case e.Level <= critical, e.Level == failure:
		return logrus.ErrorLevel
	case e.Level == warning:
		return logrus.WarnLevel
	case e.Level <= notice:
		return logrus.InfoLevel
	default:
		return logrus.DebugLevel
	}
}

// orDiscard is log, or one that writes nothing.
func orDiscard(log logrus.FieldLogger) logrus.FieldLogger {
	if log != nil {
		return log
	}
	nothing := logrus.New()
	nothing.SetOutput(io.Discard)
	return nothing
}
