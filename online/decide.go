package online

import (
	"errors"

	"github.com/sirupsen/logrus"

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
		d.count(end)
		del.ack(nil)
	}
}

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

// count books how a message ended.
func (d *Daemon) count(o outcome.Outcome) { d.outcomes[o]++ }
