package online

import (
	"errors"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/intake"
	"ingestor/internal/outcome"
	"ingestor/schemas/filewriter"
)

// decideAll turns deliveries into outcomes or jobs, in the order of each source.
func (d *Daemon) decideAll() {
	for _, del := range d.inbox.take() {
		d.messages++
		if d.stopping {
			d.giveBack(del.ack, errStopping)
			continue
		}
		entry := d.log.WithFields(logrus.Fields{
			"topic": del.message.Topic, "partition": del.message.Partition, "offset": del.message.Offset,
		})
		w, end, err := decide(del.message.Value)
		switch end {
		case "":
			d.ready = append(d.ready, &job{message: del.message, ack: del.ack, written: w})
			continue
		case outcome.Ignored:
			entry.WithField("outcome", end).WithError(err).Debug("Message is not for us")
		case outcome.WriterFailed:
			entry.WithFields(logrus.Fields{"outcome": end, "job_id": w.JobID, "file": w.FileName, "reason": w.Message}).
				Error("The file writer reports a failure; nothing to ingest")
		default:
			entry.WithFields(logrus.Fields{"outcome": end, "job_id": w.JobID}).WithError(err).Error("Message can not be used")
		}
		d.endAtOnce(del, w, end, err)
	}
}

// endAtOnce ends a message that asks for no file. One that is not for us leaves
// no note: a topic may hold thousands of them for each that is.
func (d *Daemon) endAtOnce(del delivery, w filewriter.WritingDone, end outcome.Outcome, err error) {
	if end == outcome.Ignored {
		d.outcomes[end]++
		del.ack(nil)
		return
	}
	reason := "the file writer reports: " + w.Message
	if err != nil {
		reason = err.Error()
	}
	e := d.newEnding(del.message, del.ack, end, intake.DeadLetter{Reason: oneLine(reason), Given: time.Now()})
	e.note.JobID, e.note.File = w.JobID, w.FileName
	d.end(e)
}

// oneLine keeps what foreign bytes and errors say on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// decide says what a message's value asks for: a file to ingest (no outcome),
// or how the message ends right away, with the reason.
func decide(value []byte) (filewriter.WritingDone, outcome.Outcome, error) {
	w, err := filewriter.DecodeWritingDone(value)
	switch {
	case errors.Is(err, filewriter.ErrOtherSchema):
		return w, outcome.Ignored, err
	case err != nil:
		return w, outcome.Malformed, err
	case w.Failed:
		return w, outcome.WriterFailed, nil
	}
	if err := w.CheckPath(); err != nil {
		return w, outcome.InvalidPath, err
	}
	return w, "", nil
}
