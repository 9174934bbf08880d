package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"
)

// logToStderr makes log write its lines to standard error, with their fields where
// that is the journal. The function returned waits for what is queued.
func logToStderr(o LogOptions, log *logrus.Logger, line lineFormatter) (flush func()) {
	var place sink = &streamSink{format: line, stream: o.Stderr}
	log.Out, log.Formatter = io.Discard, nothing{} // a hook does it
	switch {
	case line.layout == journalLine && o.Queue:
		place = newJournal(o, line)
	case line.layout == journalLine:
		log.AddHook(newJournal(o, line))
		return func() {}
	case !o.Queue:
		log.Out, log.Formatter = o.Stderr, line
		return func() {}
	}
	out := newOutlet("standard error", place, log)
	out.grace = stderrGrace
	log.AddHook(out)
	go out.run()
	return func() { _ = out.close() } // what is lost at the end nobody reads
}

// streamSink is standard error as a place like the others.
type streamSink struct {
	format lineFormatter
	stream io.Writer
}

func (s *streamSink) encode(e *logrus.Entry) ([]byte, error) { return s.format.Format(e) }

// write writes each line by itself: those of several processes do not mix then.
func (s *streamSink) write(records [][]byte) (int, error) {
	for i, r := range records {
		if _, err := s.stream.Write(r); err != nil {
			return i, err
		}
	}
	return len(records), nil
}

// close leaves the stream open: it is the process's own.
func (*streamSink) close() error { return nil }

// Impatient writes to w, but gives up for good when that takes longer than two
// seconds. It is for the last words of a daemon, which nobody may read. Only one
// goroutine may use it.
func Impatient(w io.Writer) io.Writer { return &impatientWriter{w: w, limit: closeLimit} }

type impatientWriter struct {
	w     io.Writer
	limit time.Duration
	fault error
}

// Write implements io.Writer.
func (i *impatientWriter) Write(text []byte) (int, error) {
	if i.fault != nil {
		return 0, i.fault
	}
	done := make(chan error, 1)
	text = bytes.Clone(text) // it may be written after we have returned
	go func() {
		_, err := i.w.Write(text)
		done <- err
	}()
	limit := time.NewTimer(i.limit)
	defer limit.Stop()
	select {
	case err := <-done:
		if err != nil {
			return 0, err
		}
		return len(text), nil
	case <-limit.C:
		i.fault = fmt.Errorf("nobody has read it for %s", i.limit)
		return 0, i.fault
	}
}
